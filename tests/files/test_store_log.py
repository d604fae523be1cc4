"""The log of all that was done, which only grows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.core.labels.pixels import PixelRuns
from napari_sepl.document.edits import DecisionEdit, LockEdit, ParamsEdit, StrokeEdit
from napari_sepl.files.store import LogEntry, Status, Store, edit_of, entry_of, store_file
from tests.files.test_store import EVERYTHING


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(store_file(tmp_path), who="ana") as opened:
        yield opened


def test_every_write_is_in_the_log(store: Store) -> None:
    stroke = LogEntry("stroke", {"pixels": 3}, b"\x00\xff")
    store.put_review(replace(EVERYTHING, status=Status.PENDING), [stroke, LogEntry("undo")])
    store.put_review(EVERYTHING, [LogEntry("params")])
    store.put_review(EVERYTHING)
    store.put_status("a", Status.ACCEPTED, note="done")
    store.log_edit("a", LogEntry("looked"))
    logged = store.log("a")
    assert [e.entry.kind for e in logged] == [
        "stroke", "undo", "saved", "params", "status", "review", "status", "note", "looked",
    ]  # fmt: skip
    assert logged[0].entry == stroke
    assert [e.seq for e in logged] == sorted({e.seq for e in logged})
    assert {(e.sample_id, e.who) for e in logged} == {("a", "ana")}
    assert logged[0].at.endswith("Z")
    assert store.statuses()["a"].edits == 3


def test_the_log_only_grows(store: Store) -> None:
    store.log_edit("a", LogEntry("looked"))
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        for change in ("UPDATE edit_log SET who = 'x'", "DELETE FROM edit_log"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                connection.execute(change)


def test_steps_of_a_document_come_back_from_the_log(store: Store) -> None:
    runs = PixelRuns(
        np.array([3, 10], np.int32),
        np.array([5, 11], np.int32),
        np.array([-1, 2], np.int16),
        np.array([7, 255], np.int16),
    )
    steps = (
        ParamsEdit(Params(), Params(t1=0.1), "a drag"),
        StrokeEdit(runs, "fill holes in dog"),
        StrokeEdit(runs.inverse()),
        DecisionEdit({3: None, -8: 0}, {3: 12, -8: None}, "select 2 regions for dog"),
        LockEdit(12, True, runs),
    )
    for step in steps:
        store.log_edit("a", entry_of(step))
    store.log_edit("a", LogEntry("undo"))
    params, stroke, inverse, decision, lock, other = [edit_of(e.entry) for e in store.log("a")]
    assert decision == steps[3]
    assert isinstance(lock, LockEdit)
    assert (lock.class_id, lock.lock, lock.change.pixels) == (12, True, 3)
    assert params == steps[0]
    assert isinstance(stroke, StrokeEdit)
    assert stroke.text == "fill holes in dog"
    assert isinstance(inverse, StrokeEdit)
    for name in PixelRuns._fields:
        mine, theirs = getattr(stroke.change, name), getattr(runs, name)
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(inverse.change.after, runs.before)
    assert other is None


@pytest.mark.parametrize(
    "entry",
    [
        LogEntry("decision", {"regions": [[1, 2]]}),
        LogEntry("decision", {"regions": [["1", None, 2]]}),
        LogEntry("decision", {"regions": [[1, None, "cat"]]}),
        LogEntry("decision"),
        LogEntry("lock", {"class_id": 3}),
        LogEntry("stroke", {}, b"x"),
        LogEntry("params", {"before": None, "after": {}}),
        LogEntry("params", {"before": {}, "after": {}, "gesture": 3}),
    ],
)
def test_a_damaged_entry_is_told(entry: LogEntry) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each says another thing
        edit_of(entry)
