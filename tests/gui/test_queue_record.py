"""What the queue writes to the record: notes as they are typed, and the time of each look."""

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.files.store import Review, Status, Store, store_file
from tests.gui.conftest import Walk


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


def test_a_filter_is_live_while_it_is_typed(dataset: Walk) -> None:
    panel = dataset.dock.panel
    QTest.keyClicks(panel.text, "s")
    dataset.settle()
    assert len(panel.model.rows) == 6
    QTest.keyClicks(panel.text, "3")
    dataset.wait_until(lambda: panel.model.rows.tolist() == [2])
    QTest.keyClick(panel.text, Qt.Key.Key_Backspace)
    dataset.wait_until(lambda: len(panel.model.rows) == 6)


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
