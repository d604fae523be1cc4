"""Soft scores in a real window: the background is dragged, labels follow, and all is saved."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from scipy import ndimage

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.scores import BackgroundRule, Scores, cut_scores
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample
from napari_sepl.gui.layers.overlays import map_of
from napari_sepl.gui.panels.params import BackgroundControl, ParamsPanel
from napari_sepl.gui.samples import sample_of
from tests.files.cam_files import save_dict
from tests.gui.conftest import Window

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def soft_sample(folder: Path) -> Sample:
    """Return the sample "coffee" with blurred labels for scores, as PSA saves them."""
    sample = sample_of("coffee")
    labels = read_labels(sample.pseudo)
    maps = {}
    for label in np.unique(labels[labels > 0]):
        blurred = ndimage.gaussian_filter((labels == label).astype(np.float32), 12)
        maps[int(label) - 1] = blurred / (blurred.max() + 1e-5)
    path = save_dict(folder / "coffee.npy", maps)
    return Sample("coffee", sample.image, path, sample.masks, pseudo_format="psa")


def scores_of(window: Window) -> Scores:
    assert window.document.inputs.scores is not None
    return window.document.inputs.scores


def assert_follows(window: Window) -> None:
    document, layers = window.document, window.layers
    pseudo = cut_scores(scores_of(window), document.params.background)
    np.testing.assert_array_equal(document.inputs.pseudo, pseudo)
    np.testing.assert_array_equal(layers.pseudo.data, pseudo)
    np.testing.assert_array_equal(layers.shown, document.resolved.labels)


@pytest.mark.long
def test_the_background_is_dragged_undone_and_saved(window: Window, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    window.widget.open_sample(soft_sample(tmp_path), "coco", out)
    window.settle()
    assert window.widget.params.background.isVisibleTo(window.widget)
    before = window.document.resolved.labels.copy()
    assert_follows(window)
    window.drag_slider("background", 0.7)
    assert window.document.params.background == pytest.approx(0.7, abs=0.05)
    assert_follows(window)
    assert (window.document.resolved.labels != before).any()
    assert len(window.document.history.done) == 1
    window.press(Qt.Key.Key_Z, CTRL)
    assert window.document.params == Params()
    assert window.widget.params.background.slider.value() == pytest.approx(0.2)
    np.testing.assert_array_equal(window.document.resolved.labels, before)
    assert_follows(window)
    window.press(Qt.Key.Key_Z, CTRL | SHIFT)
    window.widget.buttons["accept"].click()
    window.settle()
    saved = read_labels(out / "coffee.png")
    np.testing.assert_array_equal(saved, window.document.resolved.labels)
    provenance = read_provenance(out / "coffee.png")
    assert provenance is not None
    assert provenance.params == window.document.params
    assert provenance.scores.startswith("psa: ")


def test_the_heat_map_shows_the_current_class(window: Window, tmp_path: Path) -> None:
    window.widget.open_sample(soft_sample(tmp_path), "coco", tmp_path)
    window.settle()
    heat = window.layers.heat.layer
    assert heat not in window.viewer.layers
    window.press(Qt.Key.Key_Q, SHIFT)
    assert heat.visible
    assert window.viewer.layers.index(heat) == 1  # over the image, under all labels
    assert window.viewer.layers.selection.active is window.layers.enhanced
    for class_id in scores_of(window).class_ids.tolist():
        window.widget.controller.context.choose_class(class_id)
        np.testing.assert_array_equal(heat.data, map_of(scores_of(window), class_id))
    window.press(Qt.Key.Key_Q, SHIFT)
    assert heat not in window.viewer.layers
    window.open_sample("chelsea")
    assert heat not in window.viewer.layers
    assert not window.widget.params.background.isVisibleTo(window.widget)
    window.press(Qt.Key.Key_Q, SHIFT)
    assert heat not in window.viewer.layers


def scores(default: float, own: bool = False) -> Scores:
    maps = np.ones((1, 2, 2), np.float32)
    return Scores(np.array([1], np.uint8), maps, default, maps[0] if own else None)


def test_the_control_has_the_range_of_the_rule(qtbot: object) -> None:
    control = BackgroundControl()
    for one, low, high, shown in (
        (scores(0.2), 0, 0.999, 0.2),
        (scores(2), 1, 32, 2),
        (scores(1, own=True), 0, 4, 1),
    ):
        control.show_value(None)
        control.show_scores(one)
        slider = control.slider
        assert (slider.minimum(), slider.maximum(), slider.value()) == (low, high, shown)
        assert control.value is None
        assert control.rules.isVisibleTo(control) == (one.own is None)
    control.show_scores(scores(0.2))
    control.show_value(50)
    assert control.slider.value() == 50
    assert control.rules.currentText() == str(BackgroundRule.EXPONENT)


def test_another_rule_starts_at_a_value_of_its_own_and_back_at_the_methods(qtbot: object) -> None:
    panel = ParamsPanel()
    panel.show_scores(scores(0.2))
    told: list[tuple[float | None, bool]] = []
    panel.params_changed.connect(lambda params, moving: told.append((params.background, moving)))
    panel.background.rules.setCurrentText("exponent")
    panel.background.rules.setCurrentText("plane")
    panel.background.slider.setValue(0.3456)
    panel.defaults.click()
    assert told == [(4.0, False), (None, False), (0.346, True), (None, False)]
    assert panel.background.slider.value() == pytest.approx(0.2)
