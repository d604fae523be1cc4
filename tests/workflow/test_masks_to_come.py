"""Datasets whose samples have no masks yet, and masks that come while they are reviewed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from napari_sepl.files.store import Status
from napari_sepl.workflow.review.reviewing import Reviewing
from tests.files.making import random_masks, refused
from tests.workflow.dataset import STEMS
from tests.workflow.dataset import Dataset as Files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Files(tmp_path)
    return tmp_path


def spec_of(root: Path, **changes: Any) -> DatasetSpec:
    folders = {"images": root / "images", "pseudo": root / "pseudo", "out": root / "out"}
    return DatasetSpec.model_validate(folders | changes)


def test_samples_without_masks_are_listed_and_known(root: Path) -> None:
    (root / "masks" / "a10.json").unlink()
    index = SampleIndex.open(spec_of(root, masks=root / "masks"))
    assert index.ids == STEMS
    assert index.problems == ()
    assert index.sample("a10").masks is None
    reviewing = Reviewing.open(index, lambda _: None)
    assert reviewing.queue.without_masks.tolist() == [False, True, False]
    assert reviewing.queue.lacking_masks().tolist() == [1]
    reviewing.put_statuses([1], Status.SKIPPED)
    assert reviewing.queue.lacking_masks().tolist() == []
    reviewing.close()


def test_masks_that_come_are_read_without_listing_anew(root: Path) -> None:
    reviewing = Reviewing.open(SampleIndex.open(spec_of(root)), lambda _: None)
    before = reviewing.read(0)
    assert len(before.inputs.masks) == 0
    np.testing.assert_array_equal(before.resolved.labels, before.inputs.pseudo)
    assert reviewing.sample(0).files == [root / "images" / "a2.jpg", root / "pseudo" / "a2.png"]
    path = root / "out" / "masks" / "a2.json"
    path.parent.mkdir(parents=True)
    write_masks(path, MaskSet.from_dense(random_masks()))
    assert len(reviewing.read(0).inputs.masks) > 0
    assert reviewing.sample(0).files[-1] == path
    assert reviewing.index.sample("a10").masks is None
    assert reviewing.index.without(Role.MASKS) == ["a10", "b"]
    reviewing.close()
    again = SampleIndex.open(spec_of(root))
    assert again.sample("a2").masks == path


def test_labels_are_never_saved_among_the_inputs(root: Path) -> None:
    with refused(root / "images", "one of the input folders"):
        Reviewing.open(SampleIndex.open(spec_of(root, out=root / "images")), lambda _: None)
