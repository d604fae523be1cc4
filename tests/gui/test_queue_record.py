"""What the queue writes to the record: notes as they are typed, times of looks, and who."""

import getpass
from collections.abc import Iterator
from typing import Any

import pytest
from napari.settings import get_plugin_settings
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.files.store import Review, Status, Store, store_file
from napari_sepl.gui.preferences import PLUGIN
from napari_sepl.workflow.review.queue import Column
from tests.gui.conftest import Walk, agree_in_bulk, choose_in_bulk


def review_of(walk: Walk, sample_id: str) -> Review | None:
    """Return what another program reads in the record now, without waiting for it."""
    with Store.open(store_file(walk.spec.output), who="test", write=False) as store:
        return store.review(sample_id)


def note_of(walk: Walk, sample_id: str) -> str:
    review = review_of(walk, sample_id)
    return "" if review is None else review.note


def test_a_note_half_typed_is_saved(dataset: Walk) -> None:
    note = dataset.dock.panel.note
    QTest.mouseClick(note, Qt.MouseButton.LeftButton)
    QTest.keyClicks(note, "left ea")
    dataset.wait_until(lambda: note_of(dataset, "s1") == "left ea")
    QTest.keyClick(note, Qt.Key.Key_Home)
    QTest.keyClicks(note, "the ")
    dataset.wait_until(lambda: note_of(dataset, "s1") == "the left ea")
    assert note.cursorPosition() == 4


@pytest.mark.long
def test_a_filter_is_live_while_it_is_typed(dataset: Walk) -> None:
    panel = dataset.dock.panel
    QTest.keyClicks(panel.text, "s")
    dataset.settle()
    assert len(panel.model.rows) == 6
    QTest.keyClicks(panel.text, "3")
    dataset.wait_until(lambda: panel.model.rows.tolist() == [2])
    QTest.keyClick(panel.text, Qt.Key.Key_Backspace)
    dataset.wait_until(lambda: len(panel.model.rows) == 6)


@pytest.mark.long
def test_the_time_of_each_look_is_in_the_record(dataset: Walk) -> None:
    QTest.qWait(100)
    dataset.press(Qt.Key.Key_J)  # nothing else was done to s1
    assert dataset.statuses() == {"s1": Status.PENDING}
    first = review_of(dataset, "s1")
    assert first is not None
    assert first.seconds >= 0.1
    dataset.press(Qt.Key.Key_G)  # s2
    dataset.statuses()
    flagged = review_of(dataset, "s2")
    assert flagged is not None
    assert flagged.seconds > 0
    dataset.press(Qt.Key.Key_K)
    QTest.qWait(100)
    dataset.dock.close_dataset()
    again = review_of(dataset, "s2")
    assert again is not None
    assert again.seconds >= flagged.seconds + 0.1
    assert again.status is Status.FLAGGED
    with Store.open(store_file(dataset.spec.output), who="test", write=False) as store:
        assert [one.entry.kind for one in store.log("s1")] == ["look"]
        assert not store.summaries("s1")["s1"].is_touched


@pytest.fixture
def preferences() -> Iterator[Any]:
    """The plugin's preferences, as they were after the test."""
    defaults = get_plugin_settings(PLUGIN).defaults
    yield defaults
    defaults.annotator = ""


def annotators(walk: Walk) -> dict[str, list[str]]:
    """Return who did each logged step, by sample."""
    walk.statuses()
    with Store.open(store_file(walk.spec.output), who="test", write=False) as store:
        return {one: [logged.who for logged in store.log(one)] for one in store.statuses()}


@pytest.mark.long
def test_the_annotator_of_the_preferences_is_recorded_listed_and_filtered_by(
    dataset: Walk, preferences: Any
) -> None:
    me, panel = getpass.getuser(), dataset.dock.panel
    dataset.press(Qt.Key.Key_G)  # s1
    preferences.annotator = "Ann"
    dataset.press(Qt.Key.Key_G)  # s2
    told = annotators(dataset)
    assert set(told["s1"]) == {me}
    assert set(told["s2"]) == {"Ann"}
    column = list(Column).index(Column.ANNOTATOR)
    shown = [panel.model.index(place, column).data() for place in range(6)]
    assert shown == [me, "Ann", "", "", "", ""]
    QTest.keyClicks(panel.annotator, "Ann")
    dataset.wait_until(lambda: panel.model.rows.tolist() == [1])
    dataset.dock.close_dataset()
    again = Walk(dataset.window, dataset.spec)
    assert panel.annotator.currentText() == "Ann"
    assert again.dock.bulk_button.text() == "1 listed"
    choose_in_bulk(again.dock, "reopen_many")
    assert agree_in_bulk(again.dock) == ["s2"]
    QTest.keyClick(panel.annotator, Qt.Key.Key_Home)
    again.wait_until(lambda: len(panel.model.rows) == 6)
    shown = [panel.model.index(place, column).data() for place in range(2)]
    assert shown == [me, "Ann"]
    preferences.annotator = ""
    again.dock.navigator.go(1)
    again.settle()
    again.press(Qt.Key.Key_W)
    assert annotators(again)["s2"][-1] == me
    assert panel.model.index(1, column).data() == me
