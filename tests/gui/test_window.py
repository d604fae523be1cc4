"""The window under a person's hands: drag, paint, undo, save, read the file back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMessageBox

from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import store_file
from napari_sepl.gui.samples import NAMES, sample_folder, sample_of
from tests.gui.conftest import Window

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def assert_shown_is_final(window: Window) -> None:
    np.testing.assert_array_equal(window.shown, window.document.resolved.labels)


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_opens_with_its_expected_labels(window: Window, name: str) -> None:
    window.open_sample(name)
    expected = read_labels(sample_folder() / "expected" / f"{name}.png")
    np.testing.assert_array_equal(window.shown, expected)
    assert window.widget.title.text() == f"{name} — pending"


def test_the_enhanced_layer_follows_while_dragging(window: Window) -> None:
    window.open_sample("chelsea")
    before = window.shown.copy()
    window.drag_slider("t1", 0.3)
    assert 0.25 < window.document.params.t1 < 0.35
    assert (window.shown != before).any()
    assert_shown_is_final(window)
    assert len(window.document.history.done) == 1  # one drag, one step
    window.press(Qt.Key.Key_Z, CTRL)
    assert window.document.params == Params()
    assert window.widget.params.params == Params()
    np.testing.assert_array_equal(window.shown, before)


def test_a_stroke_survives_sliders_undo_and_saving(window: Window, tmp_path: Path) -> None:
    window.open_sample("coffee", tmp_path)
    layers = window.layers
    window.brush(16, (60, 60), (60, 160), size=20)
    painted = layers.shown == 16
    assert painted.sum() > 1500
    window.drag_slider("t2", 0.5)
    assert (layers.shown[painted] == 16).all()
    window.press(Qt.Key.Key_Z, CTRL)
    assert (layers.shown[painted] == 16).all()
    assert window.document.params == Params()
    window.press(Qt.Key.Key_Z, CTRL)
    assert not (layers.shown == 16).any()
    window.press(Qt.Key.Key_Z, CTRL | SHIFT)
    np.testing.assert_array_equal(layers.shown == 16, painted)
    window.press(Qt.Key.Key_A)
    window.settle()
    np.testing.assert_array_equal(read_labels(tmp_path / "coffee.png"), layers.shown)
    assert window.widget.title.text() == "coffee — accepted"


def test_fill_polygon_and_eraser_are_absorbed(window: Window) -> None:
    window.open_sample("chelsea")
    layers = window.layers
    layers.enhanced.selected_label = 17
    layers.enhanced.mode = "fill"
    window.click(150, 200)
    assert window.document.resolved.labels[150, 200] == 17
    layers.enhanced.mode = "polygon"
    layers.enhanced.selected_label = 18
    for row, col in ((20, 20), (20, 80), (80, 80)):
        window.click(row, col)
    layers.enhanced._overlays["polygon"].add_polygon_to_labels(layers.enhanced)
    window.settle()
    assert window.document.resolved.labels[30, 70] == 18
    layers.enhanced.mode = "erase"
    window.stroke((30, 60), (30, 75))
    assert window.document.resolved.labels[30, 70] == 0
    assert_shown_is_final(window)
    assert len(window.document.history.done) == 3
    for _ in range(3):
        window.press(Qt.Key.Key_Z, CTRL)
    assert not window.document.edited
    assert_shown_is_final(window)


def test_naparis_own_undo_cannot_fire_beside_ours(window: Window) -> None:
    """Ctrl+Z on any of our layers is the document's; another image's pixels never come back."""
    window.open_sample("chelsea")
    layers = window.layers
    window.brush(0, (100, 100), (100, 150), size=10)
    window.document.mark_saved(window.document.history.mark)
    window.open_sample("coffee")
    before = layers.shown.copy()
    for overlay in layers.per_pixel:
        overlay.visible = True
    layers.restore()  # all overlays at once
    for layer in window.viewer.layers[:]:
        window.viewer.layers.selection.active = layer
        window.press(Qt.Key.Key_Z, CTRL)
        np.testing.assert_array_equal(layers.shown, before)
    assert not layers.enhanced._undo_history


def test_hovering_describes_the_mask_in_panel_and_status_bar(window: Window) -> None:
    window.open_sample("chelsea")
    window.move_to(100, 100)
    window.move_to(101, 101)
    window.settle()
    text = window.widget.mask_text.text()
    assert text.startswith("mask ")
    assert "cat · o_s" in text
    window.viewer.mouse_over_canvas = True
    window.viewer.update_status_from_cursor()  # what napari's status thread does
    assert window.viewer.status["coordinates"].endswith(text)


def test_the_legend_chooses_and_hides_classes(window: Window) -> None:
    window.open_sample("coffee")
    panel, layers = window.widget.classes, window.layers
    model = panel.model
    ids = [row.class_id for row in model.rows]
    assert ids == [0, 42, 45, 61]
    cell = panel.table.visualRect(model.index(2, 1)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    assert layers.enhanced.selected_label == 45
    model.setData(model.index(1, 0), Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert layers.enhanced.get_color(42)[3] == 0
    assert layers.pseudo.get_color(42)[3] == 0
    window.drag_slider("t1", 0.7)
    assert_shown_is_final(window)


def test_one_image_is_recorded_and_there_again(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "exec", lambda box: pytest.fail(box.text()))
    monkeypatch.setattr(window.widget, "ask_folder", lambda _: tmp_path)
    window.open_sample("chelsea")
    window.drag_slider("t1", 0.3)
    moved = window.document.params
    assert moved != Params()
    window.open_sample("coffee")
    window.open_sample("chelsea")
    assert window.document.params == moved
    assert window.widget.title.text() == "chelsea — pending"
    window.press(Qt.Key.Key_A)
    window.wait_until(lambda: window.widget.title.text() == "chelsea — accepted")
    assert store_file(tmp_path).exists()
    labels = read_labels(tmp_path / "chelsea.png")
    window.open_sample("coffee")
    window.open_sample("chelsea")  # whose record moved to the output folder
    assert window.widget.title.text() == "chelsea — accepted"
    np.testing.assert_array_equal(window.shown, labels)
    window.drag_slider("t1", 0.9)
    window.wait_until(lambda: not (tmp_path / "chelsea.png").exists())
    assert window.widget.title.text() == "chelsea — pending"
    for _ in range(2):
        window.press(Qt.Key.Key_Z, CTRL)
    window.press(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    window.wait_until((tmp_path / "chelsea.png").exists)
    assert window.widget.title.text() == "chelsea — accepted"
    assert window.widget.may_close()
    assert window.widget.controller.recording.is_recorded  # for napari may be told to stay
    window.drag_slider("t1", 0.9)
    window.wait_until(lambda: not (tmp_path / "chelsea.png").exists())


def test_a_dock_closed_and_opened_again_finds_the_work(window: Window) -> None:
    window.open_sample("chelsea")
    window.drag_slider("t1", 0.3)
    document = window.document
    window.viewer.window.remove_dock_widget(window.widget)
    again = Window(window.viewer)
    assert again.widget is not window.widget
    assert again.document is document
    assert again.widget.params.params == document.params
    again.press(Qt.Key.Key_Z, CTRL)
    assert again.widget.params.params == Params()
    window.widget.close()


@pytest.mark.long
def test_bad_files_leave_the_window_alive(
    window: Window,
) -> None:
    window.open_sample("chelsea")
    wrong = replace(sample_of("chelsea"), masks=sample_folder() / "masks" / "coffee.json")
    window.widget.open_sample(wrong, "coco")
    window.settle()
    message = notification_manager.records[-1].message
    assert "coffee.json" in message
    assert "expected" in message
    assert window.document.inputs.sample_id == "chelsea"
    window.drag_slider("t1", 0.4)
    assert_shown_is_final(window)
