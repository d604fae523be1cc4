"""Datasets whose samples have no masks yet, and masks that come while they are reviewed."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskSet
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.dataset_spec import DatasetSpec, layout, read_dataset, write_dataset
from napari_sepl.files.masks import write_masks
from napari_sepl.files.pairing import Unmatched
from napari_sepl.files.store import Status
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.scan import find_sample, list_for_review
from tests.files.making import random_masks, refused
from tests.workflow.dataset import STEMS
from tests.workflow.dataset import Dataset as Files

TOML = 'images = "images"\npseudo = "pseudo"\nout = "out"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Files(tmp_path)
    return tmp_path


def spec_of(root: Path, **changes: Any) -> DatasetSpec:
    folders = {"images": root / "images", "pseudo": root / "pseudo", "out": root / "out"}
    return DatasetSpec.model_validate(folders | changes)


def test_a_whole_dataset_is_listed_as_ever(root: Path) -> None:
    (root / "truth" / "b.png").unlink()
    (root / "tags.txt").write_text("a2 8\n")
    (root / "list.txt").write_text("b\nz\na2\n")
    for changes in ({}, {"list_file": root / "list.txt"}):
        spec = spec_of(
            root,
            masks=root / "masks", truth=root / "truth", tags=root / "tags.txt", **changes,
        )  # fmt: skip
        ours, theirs = list_for_review(spec), Dataset.open(spec)
        unmatched = [u for u in theirs.unmatched if u.sample_id != "z"]
        assert [u for u in ours.unmatched if u.sample_id != "z"] == unmatched
        assert (ours.ids, ours.tags, ours.names) == (theirs.ids, theirs.tags, theirs.names)
        assert [ours.sample(name) for name in ours.ids] == [theirs.sample(n) for n in theirs.ids]


def test_samples_without_masks_are_listed_and_known(root: Path) -> None:
    (root / "masks" / "a10.json").unlink()
    dataset = list_for_review(spec_of(root, masks=root / "masks"))
    assert dataset.ids == STEMS
    assert dataset.unmatched == ()
    assert dataset.sample("a10").masks is None
    reviewing = Reviewing.open(dataset, lambda _: None)
    assert reviewing.queue.without_masks.tolist() == [False, True, False]
    assert reviewing.queue.lacking_masks().tolist() == [1]
    reviewing.set_status(1, Status.SKIPPED)
    assert reviewing.queue.lacking_masks().tolist() == []
    reviewing.close()


def test_masks_that_come_are_read_without_listing_anew(root: Path) -> None:
    reviewing = Reviewing.open(list_for_review(spec_of(root)), lambda _: None)
    before = reviewing.read(0)
    assert len(before.inputs.masks) == 0
    np.testing.assert_array_equal(before.resolved.final, before.inputs.pseudo)
    assert reviewing.files(0) == [root / "images" / "a2.jpg", root / "pseudo" / "a2.png"]
    path = root / "out" / "masks" / "a2.json"
    path.parent.mkdir(parents=True)
    write_masks(path, MaskSet.from_dense(random_masks()))
    assert len(reviewing.read(0).inputs.masks) > 0
    assert reviewing.files(0)[-1] == path
    assert find_sample(reviewing.dataset, "a10").masks is None
    reviewing.close()
    again = list_for_review(spec_of(root))
    assert again.sample("a2").masks == path


def test_only_the_folder_of_masks_to_come_may_be_missing(root: Path) -> None:
    assert list_for_review(spec_of(root)).ids == STEMS
    with refused(root / "gone", "no such file or folder"):
        list_for_review(spec_of(root, masks=root / "gone"))
    with refused(root / "gone", "no such file or folder"):
        list_for_review(spec_of(root, images=root / "gone"))
    (root / "masks" / "metadata.csv").write_text("id\n")
    with refused(root / "masks", "the masks of one image"):
        list_for_review(spec_of(root, masks=root / "masks"))
    with refused(root / "images", "one of the input folders"):
        list_for_review(spec_of(root, out=root / "images"))


def test_no_sample_at_all_is_told(root: Path) -> None:
    for path in (root / "images").iterdir():
        path.unlink()
    with refused(root / "pseudo", "3 samples, none with a picture and pseudo-labels"):
        list_for_review(spec_of(root))


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes that are no text")
def test_a_name_that_is_no_text_is_told_and_the_rest_opens(root: Path) -> None:
    for folder, ending in (("images", b"jpg"), ("pseudo", b"png")):
        Path(os.fsdecode(os.fsencode(root / folder) + b"/caf\xe9." + ending)).write_bytes(b"")
    dataset = list_for_review(spec_of(root))
    assert dataset.ids == STEMS
    assert dataset.unmatched == (Unmatched("caf\\udce9", ("name",)),)


def test_a_toml_without_masks_looks_for_them_in_out(root: Path) -> None:
    path = root / "d.toml"
    path.write_text(TOML)
    spec = read_dataset(path)
    assert spec == spec_of(root)
    assert spec.masks == root / "out" / "masks"
    assert spec.masks_to_come
    write_dataset(path, spec)
    assert read_dataset(path) == spec
    path.write_text(f'{TOML}masks = "masks"\n')
    assert not read_dataset(path).masks_to_come
    path.write_text(f"{TOML}masks = 3\n")
    with refused(path, "masks = 3"):
        read_dataset(path)


def test_a_layout_without_masks_looks_for_them_in_out(tmp_path: Path) -> None:
    for name in ("JPEGImages", "pseudo"):
        (tmp_path / name).mkdir()
    spec = layout("voc", tmp_path, tmp_path / "out")
    assert spec.masks == tmp_path / "out" / "masks"
    (tmp_path / "pseudo").rmdir()
    with pytest.raises(InputError, match="no folder for names that begin with pseudo"):
        layout("voc", tmp_path, tmp_path / "out")
