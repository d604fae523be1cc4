"""Masks made in the window, in a process of its own."""

from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from napari.utils import progress
from qtpy.QtCore import Qt

from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks
from napari_sepl.gui.masks import making
from napari_sepl.gui.samples import sample_of
from napari_sepl.proposals.models import MODELS, REGIONS
from tests.gui import slow_masks
from tests.gui.conftest import Walk, Window, has_message, wait_until


@pytest.fixture
def bare(window: Window, tmp_path: Path) -> Window:
    """The cat, with pseudo-labels and without masks."""
    sample = replace(sample_of("chelsea"), masks=None)
    window.widget.open_sample(sample, "coco", tmp_path)
    window.settle()
    window.widget.masks.model.value = REGIONS
    return window


def press(window: Window, name: str) -> None:
    window.widget.panels["masks"].expand(animate=False)
    getattr(window.widget.masks, name).click()


def test_an_image_without_masks_keeps_its_pseudo_labels(bare: Window) -> None:
    assert len(bare.document.inputs.masks) == 0
    np.testing.assert_array_equal(bare.document.resolved.labels, bare.document.inputs.pseudo)


def test_regions_are_made_used_and_saved(
    bare: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = bare.layers
    bare.brush(1, (20, 20), (20, 60), size=10)
    painted = layers.shown == 1
    assert painted.any()
    press(bare, "make")
    assert not bare.widget.masks.make.isEnabled()
    bare.settle()
    made = bare.document.inputs.masks
    assert len(made) > 50
    assert bare.widget.masks.make.isEnabled()
    assert has_message(f"{len(made):,} masks generated")
    np.testing.assert_array_equal(layers.shown, bare.document.resolved.labels)
    np.testing.assert_array_equal(layers.shown == 1, painted)
    assert (layers.shown != bare.document.inputs.pseudo)[~painted].any()

    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName",
        lambda *_: (str(tmp_path / "made.json"), ""),
    )
    press(bare, "save")
    bare.settle()
    assert read_masks(tmp_path / "made.json").digest == made.digest
    bare.press(Qt.Key.Key_A)
    bare.settle()
    np.testing.assert_array_equal(read_labels(tmp_path / "chelsea.png"), layers.shown)


def test_cancel_stops_at_once_and_costs_nothing(
    bare: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "RegionMasks", slow_masks.Slow)
    before = bare.document
    press(bare, "make")
    wait_until(lambda: bool(bare.widget.masks.bar.value() == 3))
    assert bare.widget.masks.bar.maximum() == 1000
    activity = [bar for bar in progress._all_instances if bar.desc == "generating masks"]
    assert [bar.n for bar in activity] == [3]
    start = monotonic()
    press(bare, "cancel")
    bare.settle()
    assert monotonic() - start < 150  # not the 300 s that it would take
    assert has_message("cancelled")
    assert bare.document is before
    assert bare.widget.masks.make.isEnabled()
    assert not [bar for bar in progress._all_instances if bar.desc == "generating masks"]


@pytest.mark.long
def test_a_crash_is_one_message(bare: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "RegionMasks", slow_masks.Crashing)
    before = bare.document
    press(bare, "make")
    bare.settle()
    assert has_message("crashed (SIGABRT)")
    assert bare.document is before


def test_changes_during_generation_are_not_lost(bare: Window) -> None:
    press(bare, "make")
    bare.drag_slider("t1", 0.7)
    bare.settle()
    assert has_message("changed meanwhile")
    assert bare.document.params.t1 == pytest.approx(0.7, abs=0.02)
    assert bare.document.history.done


@pytest.mark.long
def test_masks_of_a_dataset_are_files(dataset: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset.window.widget, "confirm", lambda _: True)
    dataset.window.widget.masks.model.value = REGIONS
    before = dataset.window.document.inputs.masks.digest
    press(dataset.window, "make")
    for _ in range(3):
        dataset.settle()
    made = dataset.window.document.inputs.masks
    assert made.digest != before
    assert read_masks(dataset.spec.folder("masks") / "s1.json").digest == made.digest


@pytest.mark.long
def test_masks_made_by_prompts_stay_with_other_masks(bare: Window) -> None:
    square = np.zeros((1, *bare.document.inputs.shape), bool)
    square[0, 5:20, 5:20] = True
    bare.document.add_prompted(MaskSet.from_dense(square), 1)
    press(bare, "make")
    bare.settle()
    assert len(bare.document.annotations.prompted) == 1
    assert len(bare.document.inputs.masks) > 50
    assert (bare.document.resolved.labels[5:20, 5:20] == 1).all()


def test_a_model_that_is_not_installed_names_what_to_install(bare: Window) -> None:
    if MODELS["mobile_sam"].is_installed:
        pytest.skip("MobileSAM is installed here")
    panel = bare.widget.masks
    panel.model.value = "mobile_sam"
    assert "pip install" in panel.note.text()
    press(bare, "make")
    bare.settle()
    assert has_message("pip install")
    assert bare.widget.masks.make.isEnabled()
