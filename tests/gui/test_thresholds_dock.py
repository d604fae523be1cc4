"""The threshold plane and the table of masks in the real window."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.document.explain import list_masks
from napari_sepl.gui.thresholds_dock import ThresholdsDock
from tests.gui import conftest
from tests.gui.conftest import CTRL, Walk, Window
from tests.gui.test_correct import CAT, DOG, shown, spec, walk  # noqa: F401  fixtures


@pytest.fixture
def dock(walk: Walk) -> Iterator[ThresholdsDock]:  # noqa: F811
    QTest.mouseClick(walk.window.widget.thresholds, Qt.MouseButton.LeftButton)
    QTest.qWait(200)
    dock = walk.window.widget.docks.thresholds_dock
    assert dock is not None
    assert dock.isVisible()
    yield dock
    walk.window.viewer.window.remove_dock_widget(dock)


def on_plot(dock: ThresholdsDock, o_s: float, o_p: float) -> QPoint:
    """Return where a point of the plane is, in pixels of its viewport."""
    scene = dock.plane.plot.getViewBox().mapViewToScene(QPointF(o_s, o_p))
    at: QPoint = dock.plane.plot.mapFromScene(scene)
    return at


def move(dock: ThresholdsDock, at: QPoint, buttons: Any = Qt.MouseButton.NoButton) -> None:
    conftest.move(dock.plane.plot.viewport(), at, buttons=buttons)
    QTest.qWait(60)


def drag(dock: ThresholdsDock, start: tuple[float, float], stop: tuple[float, float]) -> None:
    viewport, left = dock.plane.plot.viewport(), Qt.MouseButton.LeftButton
    move(dock, on_plot(dock, *start))
    QTest.mousePress(viewport, left, Qt.KeyboardModifier.NoModifier, on_plot(dock, *start))
    for share in np.linspace(0.1, 1, 10):
        point = (np.array(start) + share * (np.array(stop) - start)).tolist()
        move(dock, on_plot(dock, point[0], point[1]), left)
    QTest.mouseRelease(viewport, left, Qt.KeyboardModifier.NoModifier, on_plot(dock, *stop))
    QTest.qWait(60)


def row_of(dock: ThresholdsDock) -> int | None:
    index = dock.table.view.currentIndex()
    return int(dock.table._mask(index)) if index.isValid() else None


def text(dock: ThresholdsDock, mask: int, column: int) -> str:
    return str(dock.table.model.data(dock.table.model.index(mask, column)))


def test_lines_move_sliders_and_back_in_one_step_each(walk: Walk, dock: ThresholdsDock) -> None:  # noqa: F811
    before = shown(walk)
    drag(dock, (0.5, 0.5), (0.7, 0.5))
    params = walk.window.document.params
    assert params.t1 == pytest.approx(0.7, abs=0.02)
    assert walk.window.widget.params.controls["t1"].value() == pytest.approx(params.t1, abs=0.001)
    assert len(walk.window.document.history.done) == 1
    walk.window.press(Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(shown(walk), before)
    assert dock.plane.lines["t1"].value() == 0.5
    drag(dock, (0.2, 0.85), (0.2, 0.4))
    assert walk.window.document.params.t2 == pytest.approx(0.4, abs=0.02)
    walk.window.drag_slider("t2", 0.6)
    assert dock.plane.lines["t2"].value() == walk.window.document.params.t2


@pytest.mark.long
def test_dots_show_what_is_selected_and_the_cursor_finds_their_mask(
    walk: Walk,  # noqa: F811
    dock: ThresholdsDock,
) -> None:
    masks = dock.plane.dots.data["data"].tolist()
    filled = {
        m: b.color().alpha() > 0 for m, b in zip(masks, dock.plane.dots.data["brush"], strict=True)
    }
    selected = walk.window.document.resolved.assignment.selected
    assert filled == dict(enumerate(selected.tolist()))
    move(dock, on_plot(dock, 0.2, 0.2))
    move(dock, on_plot(dock, 0.4, 1.0))  # the dog's mask, as its o_s and o_p say
    controller = walk.window.widget.controller
    assert controller.pointing.region == 2
    assert row_of(dock) == 2
    assert controller.context.layers.highlight.layer.data[10:30, 40:50].any()
    assert "selected by o_p" in walk.window.widget.mask_text.text()


@pytest.mark.long
def test_the_canvas_finds_the_row_and_the_row_the_mask(walk: Walk, dock: ThresholdsDock) -> None:  # noqa: F811
    walk.window.move_to(25, 45)
    assert row_of(dock) == 2
    assert dock.plane.ring.data["x"].tolist() == [0.4]
    dock.table.view.setFocus()
    index = dock.table._filter.mapFromSource(dock.table.model.index(0, 0))
    place = dock.table.view.visualRect(index).center()
    QTest.mouseClick(
        dock.table.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
    )
    assert walk.window.widget.controller.pointing.region == 0
    QTest.keyClick(dock.table.view, Qt.Key.Key_Delete)
    assert walk.window.document.annotations.decisions == {0: -1}
    assert text(dock, 0, 5) == "rejected by the annotator"
    walk.window.widget.controller.context.choose_class(DOG)
    QTest.keyClick(dock.table.view, Qt.Key.Key_Return)
    assert walk.window.document.annotations.decisions == {0: DOG}
    assert text(dock, 0, 1) == "dog"
    walk.window.press(Qt.Key.Key_Z, CTRL)
    walk.window.press(Qt.Key.Key_Z, CTRL)
    assert text(dock, 0, 5) == "selected by o_s and o_p"


def test_the_table_tells_the_class_that_a_mask_brings(walk: Walk, dock: ThresholdsDock) -> None:  # noqa: F811
    document, table = walk.window.document, dock.table
    assert {text(dock, mask, 9) for mask in range(5)} == {""}
    rows = list_masks(document.inputs, document.resolved)
    rows = replace(rows, brought=("", "zebra 0.50", "", "", ""))
    table.show_rows(rows, document.inputs.classes)
    assert text(dock, 1, 9) == "zebra 0.50"
    QTest.keyClicks(table.text, "zebra")
    assert [table._mask(table._filter.index(row, 0)) for row in range(2)] == [1, -1]


@pytest.mark.long
def test_the_table_is_sorted_and_filtered(walk: Walk, dock: ThresholdsDock) -> None:  # noqa: F811
    table = dock.table
    table.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    order = [table._mask(table._filter.index(row, 0)) for row in range(5)]
    assert order == [0, 2, 1, 3, 4]
    table.shown.setCurrentText("selected")
    assert table._filter.rowCount() == int(walk.window.document.resolved.assignment.selected.sum())
    table.shown.setCurrentText("all masks")
    QTest.keyClicks(table.text, "dog")
    assert [table._mask(table._filter.index(row, 0)) for row in range(2)] == [2, -1]
    assert "overlaps no class" in text(dock, 3, 5)


@pytest.mark.long
def test_no_lines_where_the_thresholds_are_none(walk: Walk, dock: ThresholdsDock) -> None:  # noqa: F811
    choice = walk.window.widget.params.controls["strategy"]
    choice.setCurrentText(str(Strategy.TREE))
    assert not dock.plane.lines["t1"].isVisible()
    choice.setCurrentText(str(Strategy.PAPER))
    assert dock.plane.lines["t1"].isVisible()


@pytest.mark.long
def test_hidden_it_costs_nothing_and_shown_again_it_catches_up(
    walk: Walk,  # noqa: F811
    dock: ThresholdsDock,
) -> None:
    walk.window.press(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert not dock.isVisible()
    walk.window.widget.controller.context.choose_class(CAT)
    walk.window.click(37, 2)
    walk.window.press(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    QTest.qWait(100)
    assert text(dock, 3, 5) == "selected by the annotator"
    walk.dock.navigator.go(1)
    walk.settle()
    assert text(dock, 3, 5) == "rejected: overlaps no class"


@pytest.mark.long
def test_without_an_image_it_is_empty(window: Window, tmp_path: Path) -> None:
    dock = ThresholdsDock(window.widget.controller)
    dock.show()
    dock.follow()
    assert dock.table.model.rowCount() == 0
    dock.close()


def test_marks_under_the_sliders_are_where_masks_flip(walk: Walk) -> None:  # noqa: F811
    marked = walk.window.widget.params.marked["t1"]
    np.testing.assert_allclose(marked.values, [1.0])  # the others pass by o_p
    walk.window.drag_slider("t2", 1.0)
    np.testing.assert_allclose(marked.values, [0.4, 0.5625, 1.0])
    walk.window.drag_slider("t1", 0.4)
    slider = walk.window.widget.params.controls["t1"]._slider
    handle = slider.mapTo(marked, QPoint(0, 0)).x() + 6 + 0.4 * (slider.width() - 12)
    assert abs(marked.places()[0] - handle) <= 1
