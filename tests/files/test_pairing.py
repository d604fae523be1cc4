import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari_sepl.files.pairing import Pairing, Unmatched, natural_order, pair_by_stem

from napari_sepl.files.samples import Sample
from tests.files.making import refused


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    made = {role: tmp_path / role for role in ("images", "pseudo", "masks", "truth")}
    for folder in made.values():
        folder.mkdir()
    return made


def fill(folder: Path, *names: str) -> None:
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(b"")


def paired(folders: dict[str, Path], *, truth: bool = False, listed: str | None = None) -> Pairing:
    list_file = None
    if listed is not None:
        list_file = folders["images"].parent / "list.txt"
        list_file.write_text(listed)
    return pair_by_stem(
        folders["images"],
        folders["pseudo"],
        folders["masks"],
        folders["truth"] if truth else None,
        list_file,
    )


def test_files_of_one_stem_belong_together_whatever_their_endings(
    folders: dict[str, Path],
) -> None:
    fill(folders["images"], "b.JPG", "a.tif", "c.d.png")
    fill(folders["pseudo"], "a.png", "b.npy", "c.d.png")
    fill(folders["masks"], "b/", "a.json", "c.d/")
    fill(folders["truth"], "a.png", "b.png", "c.d.png")
    pairing = paired(folders, truth=True)
    assert pairing.samples[1] == Sample(
        "b",
        folders["images"] / "b.JPG",
        folders["pseudo"] / "b.npy",
        folders["masks"] / "b",
        folders["truth"] / "b.png",
    )
    assert [sample.sample_id for sample in pairing.samples] == ["a", "b", "c.d"]
    assert not pairing.unmatched
    assert not pairing.without_pseudo
    assert all(sample.truth is None for sample in paired(folders).samples)


def test_what_is_missing_is_told_by_sample_and_role(folders: dict[str, Path]) -> None:
    fill(folders["images"], "a.png", "b.png", "d.png", "e.png", "f.png")
    fill(folders["pseudo"], "a.png", "b.png", "c.png", "e.png")
    fill(folders["masks"], "a.json", "e.json", "g.json")
    fill(folders["truth"], "a.png")
    pairing = paired(folders, truth=True)
    assert [sample.sample_id for sample in pairing.samples] == ["a", "e"]
    assert pairing.samples[1].truth is None
    assert pairing.unmatched == (
        Unmatched("b", ("masks", "truth")),
        Unmatched("c", ("image", "masks", "truth")),
        Unmatched("e", ("truth",)),
    )
    assert pairing.without_pseudo == ("d", "f", "g")


def test_a_list_says_which_and_in_what_order(folders: dict[str, Path]) -> None:
    for role, ending in (("images", "png"), ("pseudo", "png"), ("masks", "json")):
        fill(folders[role], *(f"{stem}.{ending}" for stem in ("a", "b", "c", "x.y")))
    listed = "c  1\n\n/JPEGImages/b.jpg /SegmentationClassAug/b.png\nx.y -1\nc\nz\n"
    pairing = paired(folders, listed=listed)
    assert [sample.sample_id for sample in pairing.samples] == ["c", "b", "x.y"]
    assert pairing.unmatched == (Unmatched("z", ("image", "pseudo", "masks")),)
    assert pairing.without_pseudo == ()


def test_two_files_of_one_stem_are_refused(folders: dict[str, Path]) -> None:
    fill(folders["images"], "a.jpg", "a.png")
    with refused(folders["images"], "both a.jpg and a.png"):
        paired(folders)
    (folders["images"] / "a.jpg").unlink()
    fill(folders["pseudo"], "a.png")
    fill(folders["masks"], "a.json", "a/")
    with refused(folders["masks"], "both a and a.json"):
        paired(folders)


def test_other_files_are_passed_over(folders: dict[str, Path]) -> None:
    fill(folders["images"], "a.png", "a.txt", ".b.png", "c.png/", "Thumbs.db")
    fill(folders["pseudo"], "a.png", "a.json")
    fill(folders["masks"], "a.json", "a.png", ".cache/")
    pairing = paired(folders)
    assert [sample.sample_id for sample in pairing.samples] == ["a"]
    assert not pairing.unmatched
    assert not pairing.without_pseudo


def test_the_masks_of_one_image_are_no_folder_of_masks(folders: dict[str, Path]) -> None:
    fill(folders["masks"], "0.png", "metadata.csv")
    with refused(folders["masks"], "the masks of one image", "an entry for each image"):
        paired(folders)


def test_nothing_to_do_is_told(folders: dict[str, Path]) -> None:
    fill(folders["images"], "a.png")
    fill(folders["masks"], "a.json")
    with refused(folders["pseudo"], "no pseudo-labels", ".npz, .pgm, .pickle, .pkl, .png"):
        paired(folders)


@pytest.mark.parametrize("role", ["images", "pseudo", "masks", "truth"])
def test_a_folder_that_is_not_there_is_named(folders: dict[str, Path], role: str) -> None:
    folders[role] = folders[role] / "gone"
    with refused(folders[role], "no such file or folder"):
        paired(folders, truth=True)


@pytest.mark.parametrize(("content", "told"), [(b" \n\n", "no sample"), (b"\xff\xfe", "not text")])
def test_a_list_without_samples_is_named(
    folders: dict[str, Path], tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "list.txt"
    with refused(path, "no such file"):
        pair_by_stem(folders["images"], folders["pseudo"], folders["masks"], list_file=path)
    path.write_bytes(content)
    with refused(path, told):
        pair_by_stem(folders["images"], folders["pseudo"], folders["masks"], list_file=path)


def test_numbers_in_names_count_as_numbers() -> None:
    assert natural_order(["a10b", "a2", "b", "10", "9", "a2b", "a02", ""]) == [
        "", "9", "10", "a02", "a2", "a2b", "a10b", "b",
    ]  # fmt: skip


@given(st.lists(st.text("a0129²٣.-"), unique=True), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_where_names_start(
    names: list[str], shuffler: random.Random
) -> None:
    shuffled = list(names)
    shuffler.shuffle(shuffled)
    assert natural_order(shuffled) == natural_order(names)
