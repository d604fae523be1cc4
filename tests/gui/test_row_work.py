"""Work on many samples, a few at a time."""

from collections.abc import Sequence
from typing import Any

from napari_sepl.gui.queue.row_work import RowWork
from napari_sepl.workflow.results import Worked, work_on_each
from tests.gui.immediate import Immediate


def test_a_batch_that_an_earlier_start_left_is_ignored() -> None:
    held: list[Any] = []

    class Slow(Immediate):
        def run(self, task: str, work: Any, done: Any, failed: Any) -> None:  # noqa: ARG002
            held.append(lambda: done(work()))

    taken: list[int] = []
    ended: list[object] = []

    def work_on(rows: Sequence[int], seconds: float) -> Worked:
        return work_on_each(lambda row: row, rows, 0, ["a", "b", "c"])

    work = RowWork("task", Slow(), work_on, lambda one: taken.extend(one.results), ended.append)
    work.start([0, 1, 2])
    work.start([0, 1, 2])
    for _ in range(4):
        held.pop(0)()
    assert taken == [0, 1, 2]
    assert ended == [None]
    work.start([0])
    work.stop()
    held.pop(0)()
    assert taken == [0, 1, 2]
