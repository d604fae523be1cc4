"""Correcting by hand in the real window: each gesture, undone, outlived, saved and reopened."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.analysis.provenance import Source
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.gui.panels.correct import QuickPick
from tests.document.drawing import cat_and_dog, save_pets
from tests.gui.conftest import CTRL, Walk, Window

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
CAT, DOG, PERSON = 8, 12, 15


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Two samples of a cat and a dog; the first's cat has a hole, and lost a piece."""
    return save_pets(tmp_path, dict.fromkeys(("s1", "s2")))


@pytest.fixture
def walk(window: Window, spec: DatasetSpec) -> Iterator[Walk]:
    made = Walk(window, spec)
    made.window.viewer.layers.selection.active = made.window.layers.enhanced
    yield made
    made.dock.close_dataset()


def choose(walk: Walk, class_id: int) -> None:
    walk.window.widget.controller.context.choose_class(class_id)


def click_selects(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.click(37, 2)


def alt_click_rejects(walk: Walk) -> None:
    walk.window.click(25, 45, ALT)


def key_rejects(walk: Walk) -> None:
    walk.window.move_to(25, 45)
    walk.window.press(Qt.Key.Key_D)


def key_rejects_with_parts(walk: Walk) -> None:
    walk.window.wheel(7, 7, 1, SHIFT)
    walk.window.press(Qt.Key.Key_D, SHIFT)
    assert walk.window.document.annotations.decisions == {0: REJECT, 1: REJECT}


def click_selects_for_background(walk: Walk) -> None:
    choose(walk, 0)
    walk.window.click(7, 7)
    assert walk.window.document.annotations.decisions == {1: 0}
    assert not shown(walk)[walk.window.document.inputs.masks.decode(1)].any()


def key_selects_for_background(walk: Walk) -> None:
    walk.window.move_to(25, 45)
    walk.window.press(Qt.Key.Key_8)
    assert walk.window.document.annotations.decisions == {2: 0}


def key_keeps_the_pseudo_labels(walk: Walk) -> None:
    walk.window.move_to(12, 42)
    walk.window.press(Qt.Key.Key_9)
    assert walk.window.document.annotations.decisions == {-DOG: DOG}


def wheel_walks_to_the_whole(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.wheel(7, 7, 1, SHIFT)
    assert walk.window.widget.controller.pointing.region == 0
    walk.window.click(7, 7)


def bracket_walks_to_the_pseudo_labels(walk: Walk) -> None:
    walk.window.click(25, 45, ALT)  # the dog's only mask: what CAM said comes back
    walk.window.move_to(12, 42)
    for _ in range(2):
        walk.window.press(Qt.Key.Key_BracketRight)
    assert walk.window.widget.controller.pointing.region == -DOG
    walk.window.click(12, 42, ALT)


def key_gives_another_class(walk: Walk) -> None:
    walk.window.move_to(25, 45)
    type_class("person", walk.window.press)


def lasso_selects(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.drag([(3, 3), (3, 28), (28, 28), (28, 3), (3, 3)], SHIFT)
    assert walk.window.document.annotations.decisions == {0: PERSON, 1: PERSON}


def lasso_rejects(walk: Walk) -> None:
    walk.window.drag([(8, 36), (8, 55), (33, 55), (33, 36), (8, 36)], SHIFT | CTRL)


def box_selects(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.drag([(3, 3), (28, 28)], SHIFT)
    assert walk.window.document.annotations.decisions == {0: PERSON, 1: PERSON}


def box_rejects(walk: Walk) -> None:
    walk.window.drag([(33, 36), (8, 55)], SHIFT | CTRL)
    assert walk.window.document.annotations.decisions == {2: REJECT}


def key_resets(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.click(25, 45)
    walk.window.click(37, 2)
    walk.window.move_to(25, 45)
    walk.window.press(Qt.Key.Key_U)
    assert walk.window.document.annotations.decisions == {3: PERSON}


def a_class_is_reset(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.click(37, 2)
    walk.window.click(25, 45, ALT)
    choose(walk, DOG)
    walk.window.press_in("correct", "reset_class")
    assert walk.window.document.annotations.decisions == {3: PERSON}


def the_image_is_reset(walk: Walk) -> None:
    before = shown(walk)
    walk.window.click(25, 45, ALT)
    walk.window.press_in("correct", "reset_image")
    np.testing.assert_array_equal(shown(walk), before)
    assert not walk.window.document.annotations.decisions


def brush_paints(walk: Walk) -> None:
    walk.window.brush(PERSON, (15, 20), (15, 35))
    assert walk.window.document.resolved.labels[15, 30] == PERSON


def eraser_clears(walk: Walk) -> None:
    erase(walk, (15, 12), (15, 18))


def superpixels_erase(walk: Walk) -> None:
    walk.window.press(Qt.Key.Key_Y)
    walk.settle()
    walk.window.drag([(7, 7), (8, 8)], ALT)
    walk.window.press(Qt.Key.Key_Y)
    assert walk.window.document.resolved.labels[7, 7] == 0


def superpixels_paint(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.press(Qt.Key.Key_Y)
    walk.settle()
    walk.window.drag([(36, 3), (38, 6)], Qt.KeyboardModifier.NoModifier)
    walk.window.press(Qt.Key.Key_Y)
    assert (walk.window.document.resolved.labels == PERSON).sum() == 50


def holes_are_filled(walk: Walk) -> None:
    erase(walk, (15, 12), (15, 18))
    walk.window.press_in("correct", "fill_holes")
    assert (walk.window.document.resolved.labels[5:25, 5:25] == CAT).all()


def small_regions_are_removed(walk: Walk) -> None:
    walk.window.brush(CAT, (33, 20), (33, 24))
    assert walk.window.document.resolved.labels[33, 22] == CAT
    walk.window.press_in("correct", "remove_small_regions")
    assert walk.window.document.resolved.labels[33, 22] == 0


def classes_grow_to_mask_borders(walk: Walk) -> None:
    erase(walk, (8, 20), (8, 22))  # of the cat's body, near its border
    walk.window.press_in("correct", "grow")
    assert (walk.window.document.resolved.labels[5:25, 5:25] == CAT).all()


def classes_are_cut_at_mask_borders(walk: Walk) -> None:
    walk.window.brush(CAT, (12, 24), (12, 28))  # over the cat's border
    assert walk.window.document.resolved.labels[12, 27] == CAT
    walk.window.press_in("correct", "cut")
    final = walk.window.document.resolved.labels
    assert (final[5:25, 5:25] == CAT).all()
    assert (final == CAT).sum() == 400


def polygons_are_strokes(walk: Walk) -> None:
    layers = walk.window.layers
    choose(walk, PERSON)
    layers.enhanced.mode = "polygon"
    for corner in ((30, 25), (30, 35), (37, 35), (37, 25)):
        walk.window.click(*corner)
    walk.window.press(Qt.Key.Key_Return)
    layers.enhanced.mode = "pan_zoom"
    assert (walk.window.document.resolved.labels[31:36, 26:34] == PERSON).all()


def fills_are_strokes(walk: Walk) -> None:
    layers = walk.window.layers
    choose(walk, PERSON)
    layers.enhanced.mode = "fill"
    walk.window.click(20, 45)
    layers.enhanced.mode = "pan_zoom"
    assert (walk.window.document.resolved.labels[10:30, 40:50] == PERSON).all()


def erase(walk: Walk, start: tuple[int, int], stop: tuple[int, int]) -> None:
    walk.window.brush(CAT, start, stop, mode="erase")
    assert (walk.window.document.resolved.labels[5:25, 5:25] == 0).any()


def type_class(text: str, act: Callable[[Qt.Key], None], key: Qt.Key = Qt.Key.Key_T) -> None:
    """Press a key that opens the popup, type into it, and press Enter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QuickPick, "exec", lambda popup: answer(popup, text))
        act(key)


def answer(popup: QuickPick, text: str) -> int:
    popup.show()
    QTest.keyClicks(popup.text, text)
    QTest.keyClick(popup.text, Qt.Key.Key_Return)
    return int(popup.result())


ONE_OF_EACH_KIND = (
    click_selects, wheel_walks_to_the_whole, lasso_selects, brush_paints,
)  # fmt: skip
MORE = (
    superpixels_paint, classes_are_cut_at_mask_borders, key_rejects_with_parts, box_rejects,
    a_class_is_reset, the_image_is_reset, holes_are_filled,
    alt_click_rejects, key_rejects, click_selects_for_background, key_selects_for_background,
    key_keeps_the_pseudo_labels, bracket_walks_to_the_pseudo_labels, key_gives_another_class,
    lasso_rejects, box_selects, key_resets, eraser_clears, superpixels_erase,
    small_regions_are_removed, classes_grow_to_mask_borders, polygons_are_strokes,
    fills_are_strokes,
)  # fmt: skip
NO_DIFFERENCE_IN_THE_END = (
    holes_are_filled,
    small_regions_are_removed,
    classes_grow_to_mask_borders,
    classes_are_cut_at_mask_borders,
    key_keeps_the_pseudo_labels,
    the_image_is_reset,
)


def shown(walk: Walk) -> NDArray[np.uint8]:
    labels: NDArray[np.uint8] = walk.window.shown.copy()
    return labels


@pytest.mark.parametrize(
    "gesture", [*ONE_OF_EACH_KIND, *(pytest.param(one, marks=pytest.mark.long) for one in MORE)]
)
def test_a_gesture_is_undone_outlives_sliders_and_is_there_again(
    walk: Walk, gesture: Callable[[Walk], None]
) -> None:
    before = shown(walk)
    gesture(walk)
    after, steps = shown(walk), len(walk.window.document.history.done)
    decided = walk.window.document.annotations.decisions
    assert (after != before).any() or gesture in NO_DIFFERENCE_IN_THE_END
    for _ in range(steps):
        walk.window.press(Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(shown(walk), before)
    for _ in range(steps):
        walk.window.press(Qt.Key.Key_Z, CTRL | SHIFT)
    np.testing.assert_array_equal(shown(walk), after)

    walk.window.drag_slider("t1", 0.62)
    moved = after != before
    np.testing.assert_array_equal(shown(walk)[moved], after[moved])
    assert walk.window.document.annotations.decisions == decided
    final = shown(walk)

    walk.press(Qt.Key.Key_A)
    np.testing.assert_array_equal(read_labels(walk.spec.output / "s1.png"), final)
    walk.dock.close_dataset()
    again = Walk(walk.window, walk.spec)
    again.dock.navigator.go(0)
    again.settle()
    np.testing.assert_array_equal(shown(again), final)
    assert len(again.window.document.history.done) == steps + 2  # the slider, the acceptance
    for _ in range(steps + 2):
        again.window.press(Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(shown(again), before)


@pytest.mark.long
def test_the_status_bar_describes_the_mask_and_its_decision(walk: Walk) -> None:
    viewer, pointing = walk.window.viewer, walk.window.widget.controller.pointing
    walk.window.move_to(7, 7)
    viewer.mouse_over_canvas = True
    viewer.update_status_from_cursor()  # what napari's status thread does
    assert pointing.text.startswith("mask 1 ")
    assert viewer.status["coordinates"].endswith(pointing.text)
    pointing.walk(1)
    assert pointing.text.startswith("mask 0 ")
    assert viewer.status["coordinates"].endswith(pointing.text)
    assert "mask 1 " not in viewer.status["coordinates"]
    pointing.decide(REJECT)
    assert "rejected" in pointing.text
    assert viewer.status["coordinates"].endswith(pointing.text)


def test_selecting_again_resets_the_mask(walk: Walk) -> None:
    before = shown(walk)
    for modifier in (Qt.KeyboardModifier.NoModifier, ALT):
        walk.window.click(25, 45, modifier)
        assert walk.window.document.annotations.decisions
        walk.window.click(25, 45, modifier)
        assert not walk.window.document.annotations.decisions
        np.testing.assert_array_equal(shown(walk), before)


def test_a_drag_moves_the_image_and_selects_nothing(walk: Walk) -> None:
    walk.window.drag([(25, 45), (20, 30)], Qt.KeyboardModifier.NoModifier)
    assert not walk.window.document.history.done


@pytest.mark.long
def test_brackets_size_the_brush_while_painting(walk: Walk) -> None:
    layer = walk.window.layers.enhanced
    layer.mode, layer.brush_size = "paint", 5
    walk.window.move_to(7, 7)
    walk.window.press(Qt.Key.Key_BracketRight)
    assert layer.brush_size == 6
    assert walk.window.widget.controller.pointing.region == 1


@pytest.mark.long
def test_the_highlight_follows_the_cursor(walk: Walk) -> None:
    layers = walk.window.layers
    drawn = layers.highlight.layer.data
    walk.window.move_to(25, 45)
    assert drawn[10, 40] == drawn[29, 49] == 1
    assert drawn.sum() == drawn[10:30, 40:50].sum()
    walk.window.move_to(33, 33)
    assert not drawn.any()


@pytest.mark.long
def test_a_decided_mask_is_drawn_dashed(walk: Walk) -> None:
    masks = walk.window.layers.masks
    solid = (masks.data == DOG).sum()
    choose(walk, DOG)
    walk.window.click(25, 45)
    assert 0 < (masks.data == DOG).sum() < solid


@pytest.mark.long
def test_locked_pixels_stay_and_survive_reopening(walk: Walk) -> None:
    window = walk.window
    before = shown(walk)
    table, model = window.widget.classes.table, window.widget.classes.model
    row = [r.class_id for r in model.rows].index(CAT)
    cell = table.visualRect(model.index(row, model.columnCount() - 1))
    box = QPoint(cell.left() + 12, cell.center().y())
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=box)
    assert window.document.annotations.locked == {CAT}
    window.brush(PERSON, (15, 20), (15, 35), size=8)
    assert (shown(walk)[before == CAT] == CAT).all()
    assert (shown(walk) == PERSON).any()
    window.drag_slider("t1", 0.95)
    window.drag_slider("t2", 1)
    assert (shown(walk)[before == CAT] == CAT).all()
    final = shown(walk)
    walk.dock.close_dataset()
    again = Walk(window, walk.spec)
    np.testing.assert_array_equal(shown(again), final)
    assert again.window.document.annotations.locked == {CAT}
    assert len(again.window.document.history.done) >= 4
    while again.window.document.history.done:
        again.window.press(Qt.Key.Key_Z, CTRL)
    assert not again.window.document.annotations.locked


def test_history_is_listed_and_clicked(walk: Walk) -> None:
    history = walk.window.widget.history
    walk.window.widget.panels["history"].expand(animate=False)
    start = shown(walk)
    choose(walk, PERSON)
    walk.window.click(37, 2)
    walk.window.click(25, 45, ALT)
    model = history.model
    listed = [model.data(model.index(row)) for row in range(model.rowCount())]
    assert listed == ["start", "select mask 3 for person", "reject mask 2 (dog)"]
    QTest.qWait(50)
    first = history.list.visualRect(model.index(0)).center()
    QTest.mouseClick(history.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(first))
    np.testing.assert_array_equal(shown(walk), start)
    assert model.position == 0


@pytest.mark.long
def test_the_label_source_shows_shares(walk: Walk) -> None:
    choose(walk, PERSON)
    walk.window.click(37, 2)
    walk.window.press(Qt.Key.Key_H)
    layer = walk.window.layers.per_pixel["label_source"]
    assert layer.visible
    assert layer.data[37, 2] == Source.PERSON
    assert layer.data[20, 45] == Source.BY_O_P
    assert "selected by a person: 2.1 %" in walk.window.widget.compare.legend.text()
    walk.window.click(37, 2)
    assert layer.data[37, 2] == Source.NOTHING
    walk.window.press(Qt.Key.Key_H)
    assert not layer.visible


@pytest.mark.long
def test_the_class_comes_from_legend_popup_or_canvas(walk: Walk) -> None:
    window, controller = walk.window, walk.window.widget.controller
    type_class("motor", window.press, Qt.Key.Key_Q)
    assert controller.context.class_id == 14
    assert window.widget.correct.current.text() == "14 motorbike"
    assert 14 in [row.class_id for row in window.widget.classes.model.rows]
    window.move_to(25, 45)
    window.press(Qt.Key.Key_I)
    assert controller.context.class_id == DOG
    model = window.widget.classes.model
    row = [r.class_id for r in model.rows].index(CAT)
    cell = window.widget.classes.table.visualRect(model.index(row, 1))
    QTest.mouseClick(
        window.widget.classes.table.viewport(), Qt.MouseButton.LeftButton, pos=cell.center()
    )
    assert controller.context.class_id == CAT


@pytest.mark.long
@pytest.mark.parametrize(
    ("typed", "chosen"),
    [("c", 7), ("ca", 7), ("cat", 8), ("8", 8), ("dining", 11), ("table", 11), ("ign", 255)],
)
def test_the_popup_finds_classes_by_their_first_letters(
    window: Window, typed: str, chosen: int
) -> None:
    popup = QuickPick(cat_and_dog().classes, 1, window.widget)
    popup.show()
    assert popup.chosen == 1
    QTest.keyClicks(popup.text, typed)
    assert popup.chosen == chosen
    popup.close()


@pytest.mark.long
def test_the_popup_without_a_match_chooses_nothing(window: Window) -> None:
    popup = QuickPick(cat_and_dog().classes, 1, window.widget)
    QTest.keyClicks(popup.text, "zebra")
    assert popup.chosen is None
