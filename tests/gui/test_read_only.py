"""A dataset that another window has open: a banner, nothing to change, and a button."""

from collections.abc import Iterator

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.gui.actions import ActionButton
from tests.gui.conftest import CTRL, Walk, Window, has_message


@pytest.fixture
def first(pets: DatasetSpec) -> Iterator[Store]:
    """The record, which Ann has open elsewhere."""
    pets.output.mkdir()
    with Store.open(store_file(pets.output), who="Ann") as store:
        store.put_status("s1", Status.FLAGGED)
        store.put_session({"sample": "s1"})
        yield store


@pytest.fixture
def walk(window: Window, pets: DatasetSpec, first: Store) -> Iterator[Walk]:
    walk = Walk(window, pets)
    yield walk
    walk.dock.close_dataset()


def enabled(walk: Walk) -> set[str]:
    """Return which of the actions that change something have an enabled control."""
    changing = {"undo", "redo", "accept", "skip", "flag", "reopen", "generate_masks", "grow"}
    panels = (walk.window.widget, walk.dock)
    buttons = [one for panel in panels for one in panel.findChildren(ActionButton)]
    found = {one.action.id for one in buttons if one.isEnabled() and one.action.id in changing}
    return found | {one.objectName() for one in walk.dock.bulk_menu.actions() if one.isEnabled()}


def test_the_second_window_shows_a_banner_and_changes_nothing(walk: Walk, first: Store) -> None:
    banner, window = walk.dock.banner, walk.window
    assert banner.isVisible()
    assert "Read-only: Ann on " in banner.text.text()
    assert " since 20" in banner.text.text()
    assert enabled(walk) == set()
    assert walk.dock.panel.note.isReadOnly()
    assert not window.widget.params.isEnabled()
    assert window.widget.title.text() == "s1 — flagged, read-only"
    before = window.shown.copy()
    for key in (Qt.Key.Key_A, Qt.Key.Key_W, Qt.Key.Key_R):
        walk.press(key)
    window.brush(15, (33, 20), (33, 50))
    window.layers.enhanced.editable = True  # as napari may decide at any time
    window.brush(15, (33, 20), (33, 50))
    window.click(12, 12)
    window.press(Qt.Key.Key_Z, CTRL)
    walk.settle()
    assert has_message("Read-only, nothing is saved")
    np.testing.assert_array_equal(window.shown, before)
    assert len(window.document.history.done) == 1  # Ann's
    assert walk.sample_id == "s1"
    assert first.statuses().keys() == {"s1"}
    walk.press(Qt.Key.Key_J)  # to look is allowed
    assert walk.sample_id == "s2"
    assert banner.isVisible()


def test_it_opens_for_writing_once_the_other_window_is_closed(walk: Walk, first: Store) -> None:
    button = walk.dock.banner.again
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    walk.wait_until(lambda: has_message("Still read-only"))
    assert walk.dock.banner.isVisible()
    first.close()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    walk.wait_until(lambda: walk.dock.reviewing is not None and not walk.dock.banner.isVisible())
    assert walk.dock.reviewing is not None
    assert not walk.dock.reviewing.refusal
    assert {"accept", "skip", "flag_many"} <= enabled(walk)
    assert not walk.dock.panel.note.isReadOnly()
    walk.press(Qt.Key.Key_G)
    walk.press(Qt.Key.Key_W)
    assert walk.statuses() == {"s1": Status.FLAGGED, "s2": Status.SKIPPED}
