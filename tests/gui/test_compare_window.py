"""The swipe, the differences and the errors in the real window."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.differences import Difference, Error, find_errors
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample
from napari_sepl.gui.layers.divider import Divider
from tests.document.drawing import cat_and_dog
from tests.gui.conftest import Window
from tests.gui.test_window import assert_shown_is_final

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def divider_of(window: Window) -> Divider:
    divider = window.widget.docks.divider
    assert divider.isVisible()
    return divider


def place(window: Window) -> int:
    """Return where on the canvas the line is."""
    divider = divider_of(window)
    return int(divider.x() + divider.width() // 2)


def aim(window: Window, col: float) -> int:
    """Return where on the canvas the border before a column is."""
    x: int = window.at(0, col - 0.5).x()
    return x


def drag_divider(window: Window, to: float) -> None:
    """Take the divider by its line and move it to the border before a column."""
    divider, left, none = divider_of(window), Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0)
    start, stop = place(window), aim(window, to)
    height = divider.height() // 3
    grip = QPoint(divider.width() // 2, height)
    QTest.mousePress(divider, left, none, grip)
    for x in np.linspace(start, stop, 8):
        # The divider moves with the mouse, so each place is told from where it is now.
        QTest.mouseMove(divider, QPoint(round(x) - divider.x(), height))
        QTest.qWait(5)
    QTest.mouseRelease(divider, left, none, grip)
    QTest.qWait(50)


def screenshot(window: Window) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the canvas as drawn, without the line."""
    return np.asarray(window.viewer.screenshot(canvas_only=True, flash=False), np.uint8)


@pytest.fixture
def pets(window: Window) -> Window:
    window.widget.controller.open(lambda: cat_and_dog(truth=True))
    window.settle()
    return window


@pytest.mark.long
def test_pseudo_labels_left_and_enhanced_labels_right(pets: Window) -> None:
    """What is drawn on each side equals what that layer alone looks like, filled."""
    layers = pets.layers
    layers.masks.visible = False
    pets.press(Qt.Key.Key_C, SHIFT)
    drag_divider(pets, 43)  # through the dog, which the enhanced labels made larger
    assert pets.widget.controller.comparing.divider == 43
    swiped, at = screenshot(pets), place(pets)
    pets.press(Qt.Key.Key_C, SHIFT)
    layers.pseudo.visible = False
    enhanced = screenshot(pets)
    layers.pseudo.contour, layers.pseudo.opacity = 0, layers.enhanced.opacity
    layers.pseudo.visible, layers.enhanced.visible = True, False
    pseudo = screenshot(pets)
    assert (pseudo[:, :at] != enhanced[:, :at]).any()
    assert (pseudo[:, at:] != enhanced[:, at:]).any()
    np.testing.assert_array_equal(swiped[:, : at - 2], pseudo[:, : at - 2])
    np.testing.assert_array_equal(swiped[:, at + 2 :], enhanced[:, at + 2 :])


def test_drag_slide_paint_undo_accept_and_read_back(window: Window, tmp_path: Path) -> None:
    window.open_sample("coffee", tmp_path)
    controller, layers = window.widget.controller, window.layers
    pseudo, start = window.document.inputs.pseudo.copy(), layers.shown.copy()
    QTest.mouseClick(window.widget.compare.buttons["swipe"], Qt.MouseButton.LeftButton)
    for col in (460, 40, 300):
        drag_divider(window, col)
        assert abs(controller.comparing.divider - col) <= 2  # as far as the mouse can aim
    np.testing.assert_array_equal(layers.shown, start)
    assert not window.document.history.done
    window.drag_slider("t2", 0.5)
    assert (layers.shown != start).any()
    assert_shown_is_final(window)
    window.brush(16, (60, 60), (60, 360), size=20)  # under the divider, from side to side
    layers.enhanced.mode = "paint"
    painted = layers.shown == 16
    assert painted[60, 62:358].all()
    drag_divider(window, 100)  # with the brush in hand: nothing is painted
    np.testing.assert_array_equal(layers.shown == 16, painted)
    assert len(window.document.history.done) == 2
    window.press(Qt.Key.Key_Z, CTRL)
    assert not (layers.shown == 16).any()
    window.press(Qt.Key.Key_Z, CTRL | SHIFT)
    window.press(Qt.Key.Key_A)
    window.settle()
    saved = read_labels(tmp_path / "coffee.png")
    np.testing.assert_array_equal(saved, layers.shown)
    np.testing.assert_array_equal(saved == 16, painted)
    np.testing.assert_array_equal(window.document.inputs.pseudo, pseudo)
    assert window.widget.title.text() == "coffee — accepted"


@pytest.mark.long
def test_the_line_follows_the_camera_and_waits_at_the_edge(pets: Window) -> None:
    pets.press(Qt.Key.Key_C, SHIFT)
    camera, divider = pets.viewer.scene.camera, divider_of(pets)
    camera.zoom *= 2
    pets.wait_until(lambda: abs(place(pets) - aim(pets, 30)) <= 1)
    camera.center = (0, 20, 200)
    pets.wait_until(lambda: place(pets) == 0)
    camera.center = (0, 20, 30)
    pets.wait_until(lambda: abs(place(pets) - aim(pets, 30)) <= 1)
    assert pets.widget.compare.buttons["swipe"].isChecked()
    pets.press(Qt.Key.Key_C, SHIFT)
    assert divider.isHidden()
    assert not pets.widget.compare.buttons["swipe"].isChecked()


@pytest.mark.long
def test_layers_that_come_back_are_cut_again(pets: Window) -> None:
    pets.press(Qt.Key.Key_C, SHIFT)
    divider, layers = divider_of(pets), pets.layers
    cut = set(divider._cut)
    pets.viewer.layers.remove(layers.enhanced)
    pets.widget.controller.set_params(Params(t1=0.9))
    assert layers.enhanced in pets.viewer.layers
    pets.wait_until(lambda: len(divider._cut) == 2 and set(divider._cut) != cut)
    pets.viewer.dims.ndisplay = 3
    pets.wait_until(lambda: not divider._cut and divider.isHidden())
    pets.viewer.dims.ndisplay = 2
    pets.wait_until(lambda: len(divider._cut) == 2 and divider.isVisible())


def test_keys_and_buttons_show_differences_and_errors(pets: Window) -> None:
    panel, per_pixel = pets.widget.compare, pets.layers.per_pixel
    pets.press(Qt.Key.Key_H, SHIFT)
    assert per_pixel["difference"].data[22, 10] == Difference.GAINED
    assert panel.buttons["difference"].isChecked()
    assert "gained: 12.3 %" in panel.legend.text()
    pets.drag_slider("t2", 1.0)  # the dog falls back to its pseudo-labels
    assert "gained: 7.3 %" in panel.legend.text()
    QTest.mouseClick(panel.buttons["errors"], Qt.MouseButton.LeftButton)
    assert not panel.buttons["difference"].isChecked()
    assert per_pixel["errors"].data[29, 49] == Error.MISSED
    assert "false negative: 5.0 %" in panel.legend.text()
    pets.press(Qt.Key.Key_E, SHIFT)
    assert panel.legend.isHidden()


@pytest.mark.long
def test_the_legend_shows_agreement_live(pets: Window) -> None:
    panel = pets.widget.classes
    model, seen = panel.model, set()
    header = [model.headerData(n, Qt.Orientation.Horizontal) for n in range(model.columnCount())]

    def texts(row: int) -> list[str]:
        return [model.data(model.index(row, header.index(n))) for n in ("IoU", "prec.", "recall")]

    assert texts(1) == ["100.0 +43.8", "100.0 +0.0", "100.0 +43.8"]
    assert texts(2) == ["100.0 +60.0", "100.0 +0.0", "100.0 +60.0"]
    assert panel.mean.text() == "mIoU 100.0 +39.3"
    model.dataChanged.connect(lambda *_: seen.add(texts(2)[0]))
    pets.drag_slider("t2", 1.0)
    assert {"100.0 +60.0", "40.0 +0.0"} <= seen  # while the slider moved
    assert panel.mean.text() == "mIoU 77.9 +17.2"
    assert not panel.table.isColumnHidden(header.index("recall"))
    pets.widget.controller.open(cat_and_dog)
    pets.settle()
    assert panel.table.isColumnHidden(header.index("recall"))
    assert panel.mean.isHidden()


@pytest.mark.long
def test_errors_of_a_real_image(window: Window, shared_data: Path) -> None:
    voc, name = shared_data / "voc", "2010_002039"
    true_labels = voc / "SegmentationClass" / f"{name}.png"
    sample = Sample(
        name,
        voc / "JPEGImages" / f"{name}.jpg",
        voc / "pseudo_transcam" / f"{name}.png",
        voc / "masks_simulated" / f"{name}.json",
        true_labels,
    )
    window.widget.open_sample(sample, "voc")
    window.settle()
    window.press(Qt.Key.Key_E, SHIFT)
    truth = read_labels(true_labels)
    layer = window.layers.per_pixel["errors"]
    window.drag_slider("t1", 0.3)
    final = window.document.resolved.labels
    np.testing.assert_array_equal(layer.data, find_errors(truth, final))
    np.testing.assert_array_equal(layer.data > 0, (truth != final) & (truth != 255))
