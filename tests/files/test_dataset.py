import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.pairing import Unmatched, pair_by_stem

from napari_sepl.core.classes import COCO, VOC
from napari_sepl.core.errors import InputError
from napari_sepl.files.dataset import Dataset, check_out
from napari_sepl.files.samples import Sample
from tests.files.making import refused

ROLES = ("images", "pseudo", "masks", "truth")


def fill(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(b"")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three whole samples, one without masks, one without pseudo-labels."""
    fill(tmp_path / "images", "a2.jpg", "a10.png", "b.c.JPG", "m.jpg", "p.jpg", "notes.txt")
    fill(tmp_path / "pseudo", "a2.png", "a10.npy", "b.c.png", "m.png")
    fill(tmp_path / "masks", "a2.json", "a10/", "b.c.npz", "p.json")
    fill(tmp_path / "truth", "a2.png")
    return tmp_path


def spec_of(root: Path, **changes: Any) -> DatasetSpec:
    folders = {role: root / role for role in ("images", "pseudo", "masks")}
    return DatasetSpec(**({"out": root / "out"} | folders | changes))


def test_samples_are_paired_by_stem_in_natural_order(root: Path) -> None:
    dataset = Dataset.open(spec_of(root))
    assert dataset.ids == ("a2", "a10", "b.c")
    assert len(dataset) == 3
    assert dataset.positions["b.c"] == 2
    assert dataset.sample("b.c") == Sample(
        "b.c",
        root / "images" / "b.c.JPG",
        root / "pseudo" / "b.c.png",
        root / "masks" / "b.c.npz",
    )
    assert dataset.unmatched == (Unmatched("m", ("masks",)),)
    assert dataset.without_pseudo == ("p",)
    assert dataset.classes is VOC
    assert dataset.tags == {}


def test_a_sample_that_lacks_only_its_truth_is_told_and_opens(root: Path) -> None:
    dataset = Dataset.open(spec_of(root, truth=root / "truth"))
    assert dataset.ids == ("a2", "a10", "b.c")
    assert dataset.sample("a2").truth == root / "truth" / "a2.png"
    assert dataset.sample("a10").truth is None
    assert [(u.sample_id, u.missing) for u in dataset.unmatched] == [
        ("a10", ("truth",)),
        ("b.c", ("truth",)),
        ("m", ("masks", "truth")),
    ]


def test_a_list_says_which_and_in_what_order(root: Path) -> None:
    (root / "list.txt").write_text("b.c\nz\n/images/a2.jpg /pseudo/a2.png\n")
    dataset = Dataset.open(spec_of(root, list_file=root / "list.txt"))
    assert dataset.ids == ("b.c", "a2")
    assert dataset.unmatched == (Unmatched("z", ("image", "pseudo", "masks")),)
    assert dataset.without_pseudo == ()


def test_tags_and_classes_are_read(root: Path) -> None:
    (root / "tags.txt").write_text("a2 dog 1\n")
    dataset = Dataset.open(spec_of(root, tags=root / "tags.txt", classes="coco"))
    assert dataset.classes is COCO
    assert dataset.tags == {"a2": (1, COCO.names.index("dog"))}


def test_a_sample_that_is_not_there_is_named(root: Path) -> None:
    dataset = Dataset.open(spec_of(root))
    with refused(root / "images", "no sample 'm'", "one of 3 samples from a2 to b.c"):
        dataset.sample("m")


def test_a_file_may_vanish_after_the_listing(root: Path) -> None:
    dataset = Dataset.open(spec_of(root))
    (root / "images" / "a2.jpg").unlink()
    assert dataset.sample("a2").image == root / "images" / "a2.jpg"


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes that are no text")
def test_a_name_that_is_no_text_is_told_and_the_rest_opens(root: Path) -> None:
    for folder, ending in (("images", b"jpg"), ("pseudo", b"png"), ("masks", b"json")):
        Path(os.fsdecode(os.fsencode(root / folder) + b"/caf\xe9." + ending)).write_bytes(b"")
    dataset = Dataset.open(spec_of(root))
    assert dataset.ids == ("a2", "a10", "b.c")
    assert Unmatched("caf\\udce9", ("name",)) in dataset.unmatched


@pytest.mark.parametrize("role", ROLES)
def test_a_folder_that_is_not_there_is_named(root: Path, role: str) -> None:
    gone = root / "gone"
    with refused(gone, "no such file or folder"):
        Dataset.open(spec_of(root, **{"truth": root / "truth", role: gone}))


def test_two_files_of_one_stem_are_refused(root: Path) -> None:
    fill(root / "pseudo", "a2.npy")
    with refused(root / "pseudo", "both a2.npy and a2.png"):
        Dataset.open(spec_of(root))
    fill(root / "masks", "a10.json")
    (root / "pseudo" / "a2.npy").unlink()
    with refused(root / "masks", "both a10 and a10.json"):
        Dataset.open(spec_of(root))


def test_the_masks_of_one_image_are_no_folder_of_masks(root: Path) -> None:
    fill(root / "masks", "0.png", "metadata.csv")
    with refused(root / "masks", "the masks of one image"):
        Dataset.open(spec_of(root))


@pytest.mark.parametrize("role", ROLES)
def test_labels_are_never_saved_among_the_inputs(root: Path, role: str) -> None:
    out = root / "images" / ".." / role
    with refused(out, "one of the input folders"):
        Dataset.open(spec_of(root, truth=root / "truth", out=out))
    check_out(spec_of(root), root / "out")


def test_a_dataset_without_a_whole_sample_is_told(root: Path) -> None:
    for file in (root / "images").iterdir():
        file.unlink()
    with refused(root / "pseudo", "4 samples, none of them whole (a2 has no file for image)"):
        Dataset.open(spec_of(root))
    for file in (root / "pseudo").iterdir():
        file.unlink()
    with refused(root / "pseudo", "no pseudo-labels"):
        Dataset.open(spec_of(root))


NAMES = st.sets(
    st.builds(
        "{}{}".format,
        st.sampled_from(["a", "b", "a1", "a10", "a2", ".h", "x.y"]),
        st.sampled_from([".png", ".PNG", ".jpg", ".json", ".npy", ".txt", "", "."]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=100)
@given(images=NAMES, pseudo=NAMES, masks=NAMES, truth=NAMES)
def test_it_finds_what_pair_by_stem_finds(
    tmp_path_factory: pytest.TempPathFactory, **names: set[str]
) -> None:
    root = tmp_path_factory.mktemp("d")
    for role, held in names.items():
        fill(root / role, *held)
    expected = attempt(lambda: pair_by_stem(*(root / role for role in ROLES)))
    dataset = attempt(lambda: Dataset.open(spec_of(root, truth=root / "truth")))
    if isinstance(dataset, Dataset):
        assert not isinstance(expected, InputError)
        assert tuple(map(dataset.sample, dataset.ids)) == expected.samples
        assert dataset.unmatched == expected.unmatched
        assert dataset.without_pseudo == expected.without_pseudo
    elif isinstance(expected, InputError):
        assert dataset.source == expected.source
    else:
        assert not expected.samples


def attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except InputError as error:
        return error
