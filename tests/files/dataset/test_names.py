"""Names pair as people mean them: suffixes, letter case, forms of letters."""

from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.core.errors import InputError
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.lists import SampleFinder
from napari_sepl.files.dataset.names import alike, find_tails, fold, without_tail
from napari_sepl.files.dataset.specification import DatasetSpec, read_dataset, write_dataset
from tests.files.dataset.filling import fill, spec_of
from tests.files.making import refused

CITY = "aachen/aachen_000000_000019"


def problems_of(index: SampleIndex) -> dict[str, str]:
    return {problem.sample_id: problem.reason for problem in index.problems}


def cityscapes(root: Path, *, masks: str = "") -> DatasetSpec:
    for city in ("aachen/aachen_000000_000019", "bonn/bonn_000001_000019"):
        fill(root / "images", f"{city}_leftImg8bit.png")
        kinds = ("color", "instanceIds", "labelIds")
        fill(root / "pseudo", *(f"{city}_gtFine_{kind}.png" for kind in kinds))
        fill(root / "masks", f"{city}{masks}.json")
    return spec_of(root)


# --- suffixes


@pytest.mark.parametrize("masks", ["", "_leftImg8bit"])
def test_cityscapes_names_pair_by_themselves(tmp_path: Path, masks: str) -> None:
    index = SampleIndex.open(cityscapes(tmp_path, masks=masks), tuple(Role)[:3])
    assert index.ids == (CITY, "bonn/bonn_000001_000019")
    assert index.path(Role.PSEUDO, CITY) == tmp_path / "pseudo" / f"{CITY}_gtFine_labelIds.png"
    assert index.path(Role.IMAGE, CITY) == tmp_path / "images" / f"{CITY}_leftImg8bit.png"
    assert index.path(Role.MASKS, CITY) == tmp_path / "masks" / f"{CITY}{masks}.json"
    assert index.tails[Role.IMAGE] == "_leftImg8bit"
    assert index.tails[Role.PSEUDO] == "_gtFine_labelIds"
    assert not index.problems


def test_several_suffixes_that_fit_are_asked_about(tmp_path: Path) -> None:
    spec = cityscapes(tmp_path)
    fill(tmp_path / "pseudo", *(f"{one}_gtFine_labelTrainIds.png" for one in (CITY, "bonn/b_1_2")))
    (tmp_path / "pseudo" / "bonn" / "bonn_000001_000019_gtFine_labelIds.png").unlink()
    with refused(tmp_path / "pseudo", "_gtFine_labelIds", "labelTrainIds", "--pseudo-suffix"):
        SampleIndex.open(spec)
    told = spec.model_copy(update={"pseudo_suffix": "_gtFine_labelIds"})
    index = SampleIndex.open(told)
    assert index.ids == (CITY,)
    assert index.tails == {Role.IMAGE: "_leftImg8bit"}


def test_given_suffixes_choose_among_files(tmp_path: Path) -> None:
    fill(tmp_path / "images", "a_IR.tif", "a_RGB.tif", "b_IR.tif", "b_RGB.tif", "c_IR.tif")
    fill(tmp_path / "pseudo", "a.seg.png", "b.seg.png", "b.npy", "a.old.png")
    fill(tmp_path / "masks", "a-sam/0.png", "b-sam.json", "b.json")
    suffixes = {"image_suffix": "_rgb", "pseudo_suffix": ".seg.png", "mask_suffix": "-sam"}
    index = SampleIndex.open(spec_of(tmp_path, **suffixes), tuple(Role)[:3])
    assert index.ids == ("a", "b")
    assert index.path(Role.IMAGE, "b") == tmp_path / "images" / "b_RGB.tif"
    assert index.path(Role.PSEUDO, "a") == tmp_path / "pseudo" / "a.seg.png"
    assert index.path(Role.MASKS, "a") == tmp_path / "masks" / "a-sam"
    assert index.path(Role.MASKS, "b") == tmp_path / "masks" / "b-sam.json"


def test_ground_truth_has_a_suffix_too(tmp_path: Path) -> None:
    fill(tmp_path / "images", "a.jpg", "b.jpg")
    fill(tmp_path / "pseudo", "a.png", "b.png")
    (tmp_path / "masks").mkdir()
    fill(tmp_path / "ground_truth", "a_x.png", "a_y.png", "b_y.png")
    spec = spec_of(tmp_path, ground_truth=tmp_path / "ground_truth", ground_truth_suffix="_y")
    index = SampleIndex.open(spec)
    assert index.path(Role.TRUTH, "a") == tmp_path / "ground_truth" / "a_y.png"


def test_what_all_names_of_a_role_end_in_is_found(tmp_path: Path) -> None:
    fill(tmp_path / "images", "a.jpg", "b 2.jpg", "c.jpg")
    fill(tmp_path / "pseudo", "a_final cam.npy", "b 2_final cam.npy")
    index = SampleIndex.open(spec_of(tmp_path, masks=None), optional=())
    assert index.ids == ("a", "b 2")
    assert index.tails == {Role.PSEUDO: "_final cam"}
    assert index.unused == ("c",)


def test_names_that_pair_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path / "images", "a_mask.jpg", "b_mask.jpg")
    fill(tmp_path / "pseudo", "a_mask.png", "c.png")
    index = SampleIndex.open(spec_of(tmp_path), optional=())
    assert (index.ids, index.tails) == (("a_mask",), {})


def test_numbers_are_no_suffixes(tmp_path: Path) -> None:
    fill(tmp_path / "images", "cat_1.jpg", "dog_1.jpg")
    fill(tmp_path / "pseudo", "cat_2.png", "dog_2.png")
    with pytest.raises(InputError):
        SampleIndex.open(spec_of(tmp_path), optional=())


def test_two_views_are_not_taken_for_one(tmp_path: Path) -> None:
    fill(tmp_path / "images", "cat_left.jpg", "dog_left.jpg")
    fill(tmp_path / "pseudo", "cat_right.png", "dog_right.png")
    with pytest.raises(InputError):
        SampleIndex.open(spec_of(tmp_path), optional=())


def test_a_flat_folder_pairs_by_suffix_with_sub_folders(tmp_path: Path) -> None:
    fill(tmp_path / "images", "train/a_img.jpg", "val/b_img.jpg")
    fill(tmp_path / "pseudo", "a_label.png", "b_label.png")
    index = SampleIndex.open(spec_of(tmp_path), optional=())
    assert index.ids == ("train/a", "val/b")


def test_a_list_of_file_names_finds_their_samples(tmp_path: Path) -> None:
    spec = cityscapes(tmp_path)
    line = "leftImg8bit/train/{0}_leftImg8bit.png gtFine/train/{0}_gtFine_labelIds.png\n"
    (tmp_path / "list.txt").write_text(line.format(CITY))
    index = SampleIndex.open(spec.model_copy(update={"list_file": tmp_path / "list.txt"}))
    assert (index.ids, index.problems) == ((CITY,), ())


def test_suffixes_are_keys_of_the_toml_file(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, image_suffix="_rgb", pseudo_suffix='"_\\', mask_suffix="-sam")
    write_dataset(tmp_path / "set.toml", spec)
    read = read_dataset(tmp_path / "set.toml")
    assert (read.image_suffix, read.pseudo_suffix, read.mask_suffix) == ("_rgb", '"_\\', "-sam")
    assert read.ground_truth_suffix is None


# --- letter case and forms


@pytest.mark.parametrize("turned", [False, True])
def test_names_in_two_forms_are_one_sample(tmp_path: Path, *, turned: bool) -> None:
    forms = normalize("NFC", "Été/Café Zürich"), normalize("NFD", "Été/Café Zürich")
    name, seen = reversed(forms) if turned else forms
    fill(tmp_path / "images", f"{name}.jpg")
    fill(tmp_path / "pseudo", f"{seen}.png")
    fill(tmp_path / "masks", f"{seen}/0.png")
    index = SampleIndex.open(spec_of(tmp_path), tuple(Role)[:3])
    assert (index.ids, index.problems) == ((name,), ())
    assert index.path(Role.PSEUDO, name) == tmp_path / "pseudo" / f"{seen}.png"


def test_names_in_two_letter_cases_are_one_sample(tmp_path: Path) -> None:
    fill(tmp_path / "images", "train/IMG_1.JPG", "train/IMG_2.JPG")
    fill(tmp_path / "pseudo", "img_1.png", "img_2_0.png", "img_2_14.png")
    fill(tmp_path / "masks", "Train/Img_1.json", "TRAIN/IMG_2/0.png")
    index = SampleIndex.open(spec_of(tmp_path), tuple(Role)[:3])
    assert (index.ids, index.problems) == (("train/IMG_1", "train/IMG_2"), ())
    assert index.path(Role.PSEUDO, "train/IMG_2") == tmp_path / "pseudo" / "img_2_0.png"


@pytest.mark.parametrize("role", ["images", "pseudo", "masks"])
@pytest.mark.parametrize("twins", [("a", "A"), ("é", "e\u0301")])
def test_names_that_differ_only_so_are_a_problem_of_their_sample(
    tmp_path: Path, role: str, twins: tuple[str, str]
) -> None:
    ending = "json" if role == "masks" else "png"
    for each in ("images", "pseudo", "masks"):
        fill(tmp_path / each, *(f"{one}.{'json' if each == 'masks' else 'png'}" for one in "bc"))
        fill(tmp_path / each, f"{twins[0]}.{'json' if each == 'masks' else 'png'}")
    fill(tmp_path / role, f"{twins[1]}.{ending}")
    if len(list((tmp_path / role).iterdir())) < 4:
        pytest.skip("this disk takes both names for one")
    index = SampleIndex.open(spec_of(tmp_path), tuple(Role)[:3])
    assert index.ids == ("b", "c")
    assert "differ only in letter case" in problems_of(index)[twins[0]]
    for one in twins:
        assert str(tmp_path / role / f"{one}.{ending}") in problems_of(index)[twins[0]]


def test_lists_name_samples_in_any_form() -> None:
    find = SampleFinder({"train/Café", "b"})
    assert find("train/Cafe\u0301") == find("TRAIN/café.png") == "train/Café"
    assert find("C:\\data\\train\\CAFÉ.jpg") == "train/Café"
    assert find("cafe") is None


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)


@given(NAMES)
def test_all_forms_of_a_name_fold_alike(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert fold(normalize("NFC", name)) == fold(normalize("NFD", name)) == fold(name)


@given(st.lists(NAMES, unique=True, max_size=6))
def test_groups_of_like_names_hold_each_once(names: list[str]) -> None:
    groups = alike(names)
    held = [one for group in groups for one in group]
    assert len(held) == len(set(held))
    assert len(names) - len(held) + len(groups) == len({fold(name) for name in names})


@given(NAMES, st.sampled_from(["", "_x", "_Mask"]))
def test_a_tail_is_cut_in_any_letter_case(name: str, tail: str) -> None:
    assert without_tail(name + tail.upper(), tail) == name
    assert without_tail(tail, tail) == (None if tail else "")


@given(st.dictionaries(st.sampled_from("ipm"), st.sets(NAMES, max_size=4)))
def test_tails_are_found_or_not_but_never_fail(ids: dict[str, set[str]]) -> None:
    tails, doubtful = find_tails(ids, ())
    assert tails.keys() | doubtful.keys() <= ids.keys()
