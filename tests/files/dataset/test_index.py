"""The samples of a dataset: paired by name; the trouble of one costs no other."""

import os
import pickle
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.labels.classes import COCO, VOC
from napari_sepl.files.dataset.index import Role, SampleIndex, SampleProblem
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.guard import Guard
from napari_sepl.files.masks import mask_file
from napari_sepl.files.samples import Sample
from tests.files.dataset.filling import ROLES, fill, spec_of
from tests.files.making import refused

WHOLE = (Role.IMAGE, Role.PSEUDO, Role.MASKS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three whole samples, one without masks, one without pseudo-labels."""
    fill(tmp_path / "images", "a2.jpg", "a10.png", "b.c.JPG", "m.jpg", "p.jpg", "notes.txt")
    fill(tmp_path / "pseudo", "a2.png", "a10.npy", "b.c.png", "m.png")
    fill(tmp_path / "masks", "a2.json", "a10/", "b.c.npz", "p.json")
    fill(tmp_path / "ground_truth", "a2.png")
    return tmp_path


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """Samples train/a, train/b and val/a, of which all roles mirror the sub-folders."""
    ids = ("train/a", "train/b", "val/a")
    for role, ending in (("images", "jpg"), ("pseudo", "png"), ("ground_truth", "png")):
        fill(tmp_path / role, *(f"{sample_id}.{ending}" for sample_id in ids))
    fill(tmp_path / "masks", "train/a.json", "train/b/0.png", "val/a.json")
    return tmp_path


def problems_of(index: SampleIndex) -> dict[str, str]:
    return {problem.sample_id: problem.reason for problem in index.problems}


def test_samples_are_paired_by_name_in_natural_order(root: Path) -> None:
    index = SampleIndex.open(spec_of(root), WHOLE)
    assert index.ids == ("a2", "a10", "b.c")
    assert len(index) == 3
    assert index.positions["b.c"] == 2
    assert index.sample("b.c") == Sample(
        "b.c",
        root / "images" / "b.c.JPG",
        root / "pseudo" / "b.c.png",
        root / "masks" / "b.c.npz",
        classes=VOC,
    )
    assert index.sample("a10").masks == root / "masks" / "a10"
    assert index.problems == (SampleProblem("m", "no masks"),)
    assert str(index.problems[0]) == "m: no masks"
    assert index.unused == ("p",)
    assert index.classes is VOC
    assert index.image_labels == {}


def test_for_review_masks_may_come_later(root: Path) -> None:
    index = SampleIndex.open(spec_of(root))
    assert index.ids == ("a2", "a10", "b.c", "m")
    assert (index.problems, index.unused) == ((), ("p",))
    assert index.sample("m").masks is None
    assert index.without(Role.MASKS) == ["m"]
    made = mask_file(root / "masks", "m")
    made.write_text("[]")
    assert index.sample("m").masks == made
    assert index.without(Role.MASKS) == []


def test_a_sample_that_lacks_only_its_truth_is_reported_and_opens(root: Path) -> None:
    index = SampleIndex.open(
        spec_of(root, ground_truth=root / "ground_truth"), WHOLE, (Role.TRUTH,)
    )
    assert index.ids == ("a2", "a10", "b.c")
    assert index.sample("a2").truth == root / "ground_truth" / "a2.png"
    assert index.sample("a10").truth is None
    assert index.without(Role.TRUTH) == ["a10", "b.c"]
    assert index.without(Role.TRUTH, ["b.c", "a2"]) == ["b.c"]
    assert index.without(Role.TRUTH, []) == []
    assert problems_of(index) == {"m": "no masks"}


def test_all_that_is_missing_is_reported(root: Path) -> None:
    fill(root / "pseudo", "c.png")
    assert problems_of(SampleIndex.open(spec_of(root), WHOLE)) == {
        "c": "no image and no masks", "m": "no masks",
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes")
@pytest.mark.parametrize(
    ("role", "file"),
    [
        ("images", "a2.jpg"),
        ("pseudo", "a2.png"),
        ("masks", "a2.json"),
        ("ground_truth", "a2.png"),
        ("out", "a2.png"),
    ],
)
def test_what_is_no_file_is_a_problem_of_its_sample_in_every_role(
    root: Path, role: str, file: str
) -> None:
    fill(root / "out", "a2.png", "a10.png")
    (root / role / file).unlink()
    os.mkfifo(root / role / file)
    spec = spec_of(root, ground_truth=root / "ground_truth")
    needed = (*WHOLE, Role.LABELS) if role == "out" else WHOLE
    index = SampleIndex.open(spec, needed, (Role.TRUTH,))
    assert "a2" not in index.ids
    assert problems_of(index)["a2"] == f"{file} is a named pipe, not a file"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes")
def test_a_pipe_among_the_pseudo_labels_is_reported_first(root: Path) -> None:
    os.mkfifo(root / "pseudo" / "z.png")
    assert problems_of(SampleIndex.open(spec_of(root), WHOLE)) == {
        "m": "no masks",
        "z": "z.png is a named pipe, not a file; no image and no masks",
    }


def test_a_list_says_which_and_in_what_order(root: Path) -> None:
    (root / "list.txt").write_text(
        "b.c\nnot z\n/images/a2.jpg /pseudo/a2.png\np\nt/a10.png\nv/a10.png\n"
    )
    index = SampleIndex.open(spec_of(root, list_file=root / "list.txt"), WHOLE)
    assert index.ids == ("b.c", "a2")
    assert problems_of(index) == {
        "not z": "no image and no pseudo-labels and no masks",
        "p": "no pseudo-labels",
        "a10": "the list names it as t/a10.png and as v/a10.png",
    }
    assert index.unused == ()


def test_image_labels_and_classes_are_read(root: Path) -> None:
    (root / "labels.txt").write_text("a2 dog 1\n")
    index = SampleIndex.open(spec_of(root, image_labels=root / "labels.txt", classes="coco"))
    assert index.classes is COCO
    assert index.image_labels == {"a2": (1, COCO.names.index("dog"))}


def test_a_sample_that_is_not_there_is_named(root: Path) -> None:
    index = SampleIndex.open(spec_of(root), WHOLE)
    with refused(root / "images", "no sample 'x'", "one of 3 samples from a2 to b.c"):
        index.sample("x")
    with refused(root / "images", "no sample '../images/a2'"):
        index.sample("../images/a2")
    with pytest.raises(SeplError, match=r"^m: no masks$"):
        index.sample("m")
    with refused("dataset", "no ground truth of a2"):
        index.path_of(Role.TRUTH, "a2")


def test_a_file_may_vanish_after_the_listing(root: Path) -> None:
    index = SampleIndex.open(spec_of(root))
    (root / "images" / "a2.jpg").unlink()
    assert index.sample("a2").image == root / "images" / "a2.jpg"


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes that are no text")
def test_a_name_that_is_no_text_is_reported_and_the_rest_opens(root: Path) -> None:
    for folder, ending in (("images", b"jpg"), ("pseudo", b"png"), ("masks", b"json")):
        Path(os.fsdecode(os.fsencode(root / folder) + b"/caf\xe9." + ending)).write_bytes(b"")
    Path(os.fsdecode(os.fsencode(root / "images") + b"/th\xe9.jpg")).write_bytes(b"")
    index = SampleIndex.open(spec_of(root), WHOLE)
    assert index.ids == ("a2", "a10", "b.c")
    assert problems_of(index) == {"caf\\udce9": "its name is not valid UTF-8", "m": "no masks"}
    assert index.unused == ("p", "th\\udce9")


@pytest.mark.parametrize("role", ROLES)
def test_a_folder_that_is_not_there_is_named(root: Path, role: str) -> None:
    gone = root / "gone"
    with refused(gone, "no such file or folder"):
        SampleIndex.open(spec_of(root, **{"ground_truth": root / "ground_truth", role: gone}))


def test_only_the_folder_of_masks_to_come_may_be_missing(root: Path) -> None:
    spec = DatasetSpec(images=root / "images", pseudo=root / "pseudo", out=root / "out")
    assert SampleIndex.open(spec).ids == ("a2", "a10", "b.c", "m")
    with refused(root / "out", "no such file or folder"):
        SampleIndex.open(spec, (Role.LABELS,), (), lead=Role.LABELS)


def test_a_role_without_a_folder_is_named_where_it_is_needed(root: Path) -> None:
    spec = DatasetSpec(images=root / "images")
    with refused("dataset", "no pseudo", "a folder of pseudo-labels"):
        SampleIndex.open(spec)
    index = SampleIndex.open(spec, (Role.IMAGE,), lead=Role.IMAGE)
    assert index.ids == ("a2", "a10", "b.c", "m", "p")
    assert set(index.folders) == {Role.IMAGE}


def test_two_files_of_one_sample_cost_that_sample(root: Path) -> None:
    fill(root / "pseudo", "a2.npy")
    fill(root / "masks", "a10.json")
    fill(root / "images", "b.c.png", "p.png")

    def doubled(one: str, other: str) -> str:
        return f"{root / one} and {root / other} have the same name up to the ending"

    index = SampleIndex.open(spec_of(root))
    assert index.ids == ("m",)
    assert problems_of(index) == {
        "a2": f"{doubled('pseudo/a2.npy', 'pseudo/a2.png')}; choose one with --pseudo-format",
        "a10": doubled("masks/a10", "masks/a10.json"),
        "b.c": doubled("images/b.c.JPG", "images/b.c.png"),
    }
    assert index.unused == ("p",)


def test_the_masks_of_one_image_are_no_folder_of_masks(root: Path) -> None:
    fill(root / "masks", "0.png", "metadata.csv")
    with refused(root / "masks", "the masks of one image"):
        SampleIndex.open(spec_of(root))


@pytest.mark.parametrize("role", ROLES)
def test_labels_are_never_saved_among_the_inputs(root: Path, role: str) -> None:
    out = root / "images" / ".." / role
    spec = spec_of(root, ground_truth=root / "ground_truth")
    with refused(out, "one of the input folders"):
        Guard(spec.inputs).check_place(out)
    Guard(spec.inputs).check_place(root / "out")


def test_a_dataset_without_a_whole_sample_is_reported(root: Path) -> None:
    for file in (root / "images").iterdir():
        file.unlink()
    with refused(root / "images", "found no image:", "files ending in .", ".bmp"):
        SampleIndex.open(spec_of(root))
    for file in (root / "pseudo").iterdir():
        file.unlink()
    fill(root / "pseudo", "a.npy", "b.npy", "c.JPG")
    fill(root / "images", "z.jpg")
    spec = spec_of(root, pseudo_format="l2g")
    with refused(root / "pseudo", "found no pseudo-labels, but 2 .npy, 1 .jpg", ".png", "of l2g"):
        SampleIndex.open(spec)
    with refused(root / "pseudo", "2 samples, none that can be used (the first: a: no image)"):
        SampleIndex.open(spec_of(root))
    (root / "list.txt").write_text("x\n")
    with refused(root / "list.txt", "1 sample, none that can be used"):
        SampleIndex.open(spec_of(root, list_file=root / "list.txt"))


def test_labels_lead_where_they_are_what_is_asked_for(root: Path) -> None:
    fill(root / "out", "a2.png", "m.png", "lone.png", "masks/0.png", "record.sqlite")
    spec = spec_of(root, masks=None, ground_truth=root / "ground_truth")
    index = SampleIndex.open(spec, (Role.LABELS, Role.IMAGE), (Role.TRUTH,), lead=Role.LABELS)
    assert index.ids == ("a2", "m")
    assert problems_of(index) == {"lone": "no image"}
    assert index.path(Role.LABELS, "m") == root / "out" / "m.png"
    assert index.without(Role.TRUTH) == ["m"]
    elsewhere = fill(root / "others", "a10.png")
    other = SampleIndex.open(spec, (Role.LABELS,), (), lead=Role.LABELS, labels=elsewhere)
    assert other.path_of(Role.LABELS, "a10") == elsewhere / "a10.png"


def test_ids_are_paths_where_there_are_sub_folders(nested: Path) -> None:
    index = SampleIndex.open(spec_of(nested, ground_truth=nested / "ground_truth"), WHOLE)
    assert index.ids == ("train/a", "train/b", "val/a")
    assert (index.problems, index.unused, index.without(Role.TRUTH)) == ((), (), [])
    assert index.sample("train/b") == Sample(
        "train/b",
        nested / "images" / "train" / "b.jpg",
        nested / "pseudo" / "train" / "b.png",
        nested / "masks" / "train" / "b",
        nested / "ground_truth" / "train" / "b.png",
        classes=VOC,
    )
    (nested / "list.txt").write_text("val/a\n/images/train/a.jpg\nb\na\n")
    listed = SampleIndex.open(spec_of(nested, list_file=nested / "list.txt"), WHOLE)
    assert listed.ids == ("val/a", "train/a", "train/b")
    assert problems_of(listed) == {"a": "in train/ and val/; write train/a"}


def test_a_flat_role_pairs_by_the_last_part_where_that_is_unique(nested: Path) -> None:
    fill(nested / "flat", "a.png", "b.png", "c.png")
    index = SampleIndex.open(spec_of(nested, pseudo=nested / "flat"))
    assert index.ids == ("train/b",)
    assert index.path(Role.PSEUDO, "train/b") == nested / "flat" / "b.png"
    ambiguous = "pseudo-labels a.png may be of train/a or val/a"
    assert problems_of(index) == {"c": "no image", "train/a": ambiguous, "val/a": ambiguous}


def test_a_file_in_a_sub_folder_is_no_other_sample(root: Path) -> None:
    for role, ending in (("pseudo", "png"), ("masks", "json"), ("ground_truth", "png")):
        fill(root / role, f"backup/p.{ending}", f"backup/b.c.{ending}")
    (root / "pseudo" / "b.c.png").unlink()
    spec = spec_of(root, ground_truth=root / "ground_truth")
    index = SampleIndex.open(spec, (Role.IMAGE, Role.PSEUDO), lead=Role.IMAGE)
    assert problems_of(index) == {"b.c": "no pseudo-labels", "p": "no pseudo-labels"}
    assert index.without(Role.MASKS) == ["m"]
    assert index.without(Role.TRUTH) == ["a10", "m"]


def test_labels_in_a_sub_folder_beside_others_have_no_truth_at_the_top(root: Path) -> None:
    fill(root / "out", "a2.png", "old/a2.png")
    spec = spec_of(root, ground_truth=root / "ground_truth")
    index = SampleIndex.open(spec, (Role.LABELS, Role.TRUTH), (), lead=Role.LABELS)
    assert index.ids == ("a2",)
    assert problems_of(index) == {"old/a2": "no ground truth"}


def test_two_labels_that_may_be_of_one_truth_are_reported(root: Path) -> None:
    fill(root / "out", "old/a2.png", "new/a2.png", "new/a10.png")
    fill(root / "ground_truth", "a10.png")
    spec = spec_of(root, ground_truth=root / "ground_truth")
    index = SampleIndex.open(spec, (Role.LABELS, Role.TRUTH), (), lead=Role.LABELS)
    assert index.ids == ("new/a10",)
    reason = "ground truth a2.png may be of new/a2 or old/a2"
    assert problems_of(index) == {"new/a2": reason, "old/a2": reason}


def test_a_sub_folder_that_cannot_be_read_costs_its_samples(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("pseudo/val/"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    index = SampleIndex.open(spec_of(nested))
    assert index.ids == ("train/a", "train/b")
    assert problems_of(index) == {"val": "the folder val/ cannot be read (Permission denied)"}
    (nested / "list.txt").write_text("val/a\ntrain/a\n")
    index = SampleIndex.open(spec_of(nested, list_file=nested / "list.txt"))
    assert index.ids == ("train/a",)
    assert problems_of(index) == {"val/a": "the folder val/ cannot be read (Permission denied)"}


@pytest.mark.parametrize("role", ["pseudo", "masks", "ground_truth", "out"])
def test_a_role_may_lie_in_the_folder_of_another(tmp_path: Path, role: str) -> None:
    fill(tmp_path, "a.jpg", "train/b.jpg", "pseudo/a.png", "pseudo/train/b.png")
    fill(tmp_path, "ground_truth/a.png", "masks/a.json", "masks/train/b.json")
    fill(tmp_path, f"{role}/more/c.png")
    spec = spec_of(tmp_path, images=tmp_path, ground_truth=tmp_path / "ground_truth")
    index = SampleIndex.open(spec, WHOLE)
    assert index.ids == ("a", "train/b")
    assert not {"images", "pseudo/a", "masks/a"} & {*index.unused, *problems_of(index)}


def test_links_to_themselves_cost_no_other_sample(root: Path) -> None:
    for place in ("images/loop", "masks/loop", "pseudo/loop"):
        (root / place).symlink_to(root / place)
    (root / "images" / "again").symlink_to(root / "images")
    index = SampleIndex.open(spec_of(root), WHOLE)
    assert index.ids == ("a2", "a10", "b.c")


def test_it_can_be_sent_to_another_process(nested: Path) -> None:
    index = SampleIndex.open(spec_of(nested))
    again = pickle.loads(pickle.dumps(index))  # noqa: S301  our own bytes
    assert again.ids == index.ids
    assert again.sample("val/a") == index.sample("val/a")


# --- against a naive version

NAMES = st.sets(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "", "t/", "v/"]),
        st.sampled_from(["a", "b", "a1", "a10", "a2", ".h", "x.y"]),
        st.sampled_from([".png", ".PNG", ".jpg", ".json", ".npy", ".txt", "", "."]),
    ),
    max_size=10,
)
ENDINGS = {
    "images": {".png", ".jpg"},
    "pseudo": {".png", ".npy"},
    "masks": {".json", ".npy", ".png"},
    "ground_truth": {".png", ".npy"},
}


def naive_files(role: str, names: set[str]) -> dict[str, list[str]]:
    """Return the files of each id."""
    found: dict[str, list[str]] = {}
    for name in names:
        stem, dot, ending = name.rpartition(".")
        hidden = name.rpartition("/")[2].startswith(".")
        if stem and not stem.endswith("/") and not hidden and dot + ending.lower() in ENDINGS[role]:
            found.setdefault(stem, []).append(name)
    return found


def naive_masks(found: dict[str, list[str]], samples: Collection[str]) -> dict[str, list[str]]:
    """Return masks without the pictures beside others, and without those of no sample."""
    found = {one: [n for n in names if not is_png(n)] or names for one, names in found.items()}
    lasts = set(map(last, samples))
    return {
        one: names for one, names in found.items()
        if not samples or last(one) in lasts or len(names) > 1 or not is_png(names[0])
    }  # fmt: skip


def is_png(name: str) -> bool:
    return name.lower().endswith(".png")


def naive_pairs(names: dict[str, set[str]]) -> dict[str, dict[str, str]]:
    """Return the files by role of each sample that can be used; as slow as it is plain."""
    files = {role: naive_files(role, held) for role, held in names.items()}
    samples = files["images"]
    files["masks"] = naive_masks(files["masks"], samples)
    nested = all("/" in sample_id for sample_id in samples)
    paired: dict[str, dict[str, list[str]]] = {one: {} for one in samples}
    for role, held in files.items():
        by_last = nested and not any("/" in file_id for file_id in held)
        for file_id, found in held.items():
            owners = [one for one in samples if (last(one) if by_last else one) == file_id]
            for sample_id in owners:  # of two samples that may be meant it is neither's
                paired[sample_id].setdefault(role, []).extend(found * len(owners))
    return {
        sample_id: {role: found[0] for role, found in roles.items()}
        for sample_id, roles in paired.items()
        if "pseudo" in roles and all(len(found) == 1 for found in roles.values())
    }


def last(sample_id: str) -> str:
    return sample_id.rpartition("/")[2]


@settings(deadline=None, max_examples=150)
@given(images=NAMES, pseudo=NAMES, masks=NAMES, ground_truth=NAMES)
def test_it_pairs_as_a_naive_version_does(
    tmp_path_factory: pytest.TempPathFactory, **names: set[str]
) -> None:
    root = tmp_path_factory.mktemp("d")
    for role, held in names.items():
        fill(root / role, *held)
        for folder in ("t", "v"):  # or empty ones of masks would be a sample's
            fill(root / role / folder, "a.json" if role == "masks" else ".keep")
    names["masks"] |= {"t/a.json", "v/a.json"}
    expected = naive_pairs(names)
    try:
        index = SampleIndex.open(spec_of(root, ground_truth=root / "ground_truth"))
    except InputError:
        assert not expected
        return
    found = {}
    for sample_id in index.ids:
        paths = {role: index.path(role, sample_id) for role in index.folders}
        found[sample_id] = {
            place: path.relative_to(root / place).as_posix()
            for place, path in zip(
                ROLES, (paths[role] for role in Role if role in paths), strict=True
            )
            if path is not None
        }
    assert found == expected
    everything = {*index.ids, *index.unused, *problems_of(index)}
    assert everything >= set(naive_files("images", names["images"]))
