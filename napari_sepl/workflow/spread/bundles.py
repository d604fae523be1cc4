"""Items handed to a process several at a time, where each takes next to no time.

To hand out an item and to take its answer costs two processes as much as a few milliseconds of
work: they wait for each other. Bundles of what is quick make up for it; slow items go one by one.
"""

import time
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple

from napari_sepl.workflow.spread.spread import Answer, Item

MOST = 16
"""Items of a bundle at most."""

_ENOUGH = 0.05
"""Seconds that a bundle shall take."""


class Done(NamedTuple, Generic[Answer]):
    """What became of a bundle.

    Parameters
    ----------
    answers : list
        The answers, in the order of the items; as far as it came.
    seconds : float
        How long it took.
    error : Exception or None
        What the function raised, upon which the rest of the bundle was left.
    """

    answers: list[Answer]
    seconds: float
    error: Exception | None = None


def do_each(function: Callable[[Item], Answer], items: Sequence[Item]) -> Done[Answer]:
    """Call a function on the items of a bundle; in the process that does the work."""
    start = time.perf_counter()
    answers: list[Answer] = []
    try:
        for item in items:
            answers.append(function(item))  # noqa: PERF401  # what was answered stays
    except Exception as error:  # noqa: BLE001  # raised where the answers are taken
        return Done(answers, time.perf_counter() - start, error)
    return Done(answers, time.perf_counter() - start)


class Pace:
    """How long an item takes, and so how many make a bundle: one, until that is known."""

    def __init__(self) -> None:
        self.size = 1

    def note(self, done: Done[Answer]) -> None:
        """Learn from a bundle that is done."""
        if done.answers:
            each = done.seconds / len(done.answers)
            self.size = int(min(max(_ENOUGH / max(each, 1e-6), 1), MOST))
