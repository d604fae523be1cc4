import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.files.store import Status
from napari_sepl.workflow.review.queue import Column, Filter, Queue


@pytest.fixture
def queue() -> Queue:
    queue = Queue(["a1", "a2", "b1", "b2", "b10"])
    queue.set_status(1, Status.ACCEPTED)
    queue.set_status(3, Status.FLAGGED)
    queue.change[:] = [0.5, 0.1, np.nan, 0.3, 0.1]
    queue.edits[:] = [0, 3, 0, 1, 3]
    queue.notes = {2: "Tail missing", 4: "again"}
    queue.set_classes(0, [0, 8, 12, 255])
    queue.set_classes(2, [12])
    queue.set_classes(3, [254])
    queue.set_suspicion(0, 0.25, Cause.SCATTERED)
    queue.set_suspicion(1, 0.0, None)
    queue.set_suspicion(3, 0.75, Cause.SHRUNK)
    queue.set_suspicion(4, 0.25, Cause.SHRUNK)
    queue.set_annotator([0, 4], "Zoe")
    queue.set_annotator([3], "Ann")
    return queue


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (Filter(), [0, 1, 2, 3, 4]),
        (Filter(status=Status.PENDING), [0, 2, 4]),
        (Filter(class_id=12), [0, 2]),
        (Filter(class_id=254), [3]),
        (Filter(text="B1"), [2, 4]),
        (Filter(text="tail"), [2]),
        (Filter(status=Status.PENDING, class_id=12, text="a"), [0, 2]),
        (Filter(text="nothing"), []),
        (Filter(cause=Cause.SHRUNK), [3, 4]),
        (Filter(status=Status.PENDING, cause=Cause.SHRUNK), [4]),
        (Filter(cause=Cause.GROWN), []),
        (Filter(annotator="Zoe"), [0, 4]),
        (Filter(annotator="stranger"), []),
    ],
)
def test_filters(queue: Queue, wanted: Filter, rows: list[int]) -> None:
    assert queue.select(wanted).tolist() == rows


@pytest.mark.parametrize(
    ("column", "rising", "falling"),
    [
        (Column.SAMPLE, [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]),
        (Column.CHANGE, [1, 4, 3, 0, 2], [0, 3, 1, 4, 2]),
        (Column.EDITS, [0, 2, 3, 1, 4], [1, 4, 3, 0, 2]),
        (Column.STATUS, [0, 2, 4, 1, 3], [3, 1, 0, 2, 4]),
        (Column.ANNOTATOR, [3, 0, 4, 1, 2], [0, 4, 3, 1, 2]),
        (Column.NOTE, [2, 4, 0, 1, 3], [4, 2, 0, 1, 3]),
        (Column.CLASSES, [4, 2, 0, 3, 1], [3, 0, 2, 4, 1]),
        (Column.SUSPICION, [1, 0, 4, 3, 2], [3, 0, 4, 1, 2]),
        (Column.CAUSE, [0, 3, 4, 1, 2], [3, 4, 0, 1, 2]),
    ],
)
def test_sorting_keeps_equal_ones_in_order_and_unknown_ones_last(
    queue: Queue, column: Column, rising: list[int], falling: list[int]
) -> None:
    queue.set_classes(4, [0])  # known to hold none; of 1 nothing is known
    rows = queue.select(Filter())
    assert queue.sort(rows, column).tolist() == rising
    assert queue.sort(rows, column, descending=True).tolist() == falling


def test_equal_classes_stay_in_order_and_none_are_sorted_too(queue: Queue) -> None:
    for row in range(5):
        queue.set_classes(row, [12, 254 * (row % 2)])
    rows = queue.select(Filter())
    assert queue.sort(rows, Column.CLASSES).tolist() == [0, 2, 4, 1, 3]
    assert queue.sort(rows, Column.CLASSES, descending=True).tolist() == [1, 3, 0, 2, 4]
    assert queue.sort(rows[:0], Column.CLASSES).tolist() == []


def test_classes_of_a_sample_leave_out_background_and_ignore(queue: Queue) -> None:
    assert queue.classes_of(0) == [8, 12]
    assert queue.classes_of(1) == []
    assert queue.classes() == [8, 12, 254]


@given(st.sets(st.integers(1, 254)))
def test_any_classes_are_remembered(class_ids: set[int]) -> None:
    queue = Queue(["a"])
    queue.set_classes(0, class_ids)
    assert queue.classes_of(0) == sorted(class_ids)


def test_image_labels_fill_the_classes_of_known_samples(queue: Queue) -> None:
    queue.set_image_labels({"b10": [3], "stranger": [4]})
    assert queue.classes_of(4) == [3]


def test_counts(queue: Queue) -> None:
    assert queue.counts() == {
        Status.PENDING: 3,
        Status.ACCEPTED: 1,
        Status.SKIPPED: 0,
        Status.FLAGGED: 1,
    }
    assert queue.pending().tolist() == [0, 2, 4]


def test_a_suspicion_is_unknown_until_it_is_told_and_after_it_is_forgotten(queue: Queue) -> None:
    assert queue.unsuspected().tolist() == [2]
    assert [queue.cause_of(row) for row in (0, 1, 2)] == [Cause.SCATTERED, None, None]
    queue.forget_suspicion([0, 3])
    assert queue.unsuspected().tolist() == [0, 2, 3]
    assert queue.select(Filter(cause=Cause.SHRUNK)).tolist() == [4]
    queue.without_masks[2] = True
    assert queue.unsuspected().tolist() == [0, 3]
