"""One function over many items: in this process, in several, or elsewhere.

A `Executor` hands out a bounded number of items at a time and gives the answers in the order of the
items. A process that dies, as where the memory is full, loses nothing: its items are done again
elsewhere. An item that processes keep dying of is given up after `TRIES`, and the run continues.

To hand out an item and to take its answer costs two processes as much as a few milliseconds of
work: they wait for each other. Bundles of what is quick make up for it; slow items go one by one.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Generic, NamedTuple, Protocol, TypeVar

from napari_sepl.core.errors import SeplError
from napari_sepl.core.stopping import allow_signals, defer_signals, starting_processes

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AHEAD = 4
"""Items, or bundles of quick ones, handed out for each process: none waits for its next."""

TRIES = 2
"""How many processes an item may end, each having nothing else to do, before it is given up."""

GIVEN_UP = 3
"""The run ends after so many failed items without any answer."""

DIED = "its process ended without a word (too little memory?)"
"""Why an item was given up."""


class Executor(Protocol):
    """Calls a function on many items."""

    @property
    def local(self) -> bool:
        """Whether this computer does it all, so that files can be forced to the disk from here."""
        ...

    def run(
        self,
        function: Callable[[Item], Answer],
        items: Iterable[Item],
        lost: Callable[[Item, str], Answer],
    ) -> Generator[Answer, None, None]:
        """Call a function on items.

        Parameters
        ----------
        function : callable
            It can be pickled, and so can what it takes and returns. It may be called again on an
            item that a process died of. What it raises ends the run.
        items : iterable
            Asked for as they are needed.
        lost : callable
            Called here with an item that is given up, and the reason; returns the answer.

        Yields
        ------
        object
            Each answer, in the order of the items.

        Raises
        ------
        SeplError
            If there is nothing left that works.
        """
        ...


MOST = 16
"""Items of a bundle at most."""

_ENOUGH = 0.05
"""Seconds that a bundle shall take."""


class Done(NamedTuple, Generic[Answer]):
    """The result of a bundle.

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


class _Fates:
    """How it went so far."""

    def __init__(self) -> None:
        self.answered = self.given_up = 0

    def check(self, workers: int) -> None:
        """Raise SeplError where nothing seems to work at all."""
        if not self.answered and self.given_up >= GIVEN_UP:
            raise SeplError(
                f"Of {workers} processes each ended without a word; their memory may have been "
                "too little. Try with one."
            )


@dataclass(frozen=True)
class Processes:
    """A `Executor` over processes of this computer.

    Parameters
    ----------
    workers : int
        How many; 1 for this one alone.
    """

    workers: int = 1

    local = True

    def run(
        self,
        function: Callable[[Item], Answer],
        items: Iterable[Item],
        lost: Callable[[Item, str], Answer],
    ) -> Generator[Answer, None, None]:
        """Call a function on items, as `Executor.run` says."""
        if self.workers == 1:
            yield from map(function, items)
            return
        with (
            defer_signals()
        ):  # a signal comes in where answers are waited for, so that none is lost
            yield from self._run(function, iter(items), lost)

    def _run(
        self,
        function: Callable[[Item], Answer],
        left: Iterator[Item],
        lost: Callable[[Item, str], Answer],
    ) -> Iterator[Answer]:
        fates = _Fates()
        while True:
            pool = _pool(self.workers)
            waiting: deque[_Waiting[Item, Answer]] = deque()
            try:
                yield from self._until_it_breaks(pool, function, left, waiting, fates)
            finally:
                pool.shutdown(cancel_futures=True)
            if not waiting:
                return
            for answer in _alone(function, waiting, lost, fates):
                yield answer
                fates.check(self.workers)

    def _until_it_breaks(
        self,
        pool: ProcessPoolExecutor,
        function: Callable[[Item], Answer],
        left: Iterator[Item],
        waiting: deque["_Waiting[Item, Answer]"],
        fates: _Fates,
    ) -> Iterator[Answer]:
        """Yield answers until all are given or a process dies; `waiting` holds the others then.

        A pool of which one process died stops as a whole, and nobody knows which item it was.
        """
        pace = Pace()
        while True:
            while len(waiting) < AHEAD * self.workers and (items := [*islice(left, pace.size)]):
                waiting.append(_Waiting(items, _submitted(pool, function, items)))
            if not waiting:
                return
            try:
                with allow_signals():
                    done = waiting[0].future.result()
            except BrokenProcessPool:
                return
            except KeyboardInterrupt:  # what the processes are at is done, and told
                pool.shutdown(cancel_futures=True)
                for _, future in takewhile(lambda one: _has_answer(one.future), waiting):
                    yield from _answers(future.result(), fates)
                raise
            waiting.popleft()
            pace.note(done)
            yield from _answers(done, fates)


class _Waiting(NamedTuple, Generic[Item, Answer]):
    """A bundle that was handed out."""

    items: list[Item]
    future: Future[Done[Answer]]


def _answers(done: Done[Answer], fates: _Fates) -> Iterator[Answer]:
    """Yield the answers of a bundle; raise what its function raised."""
    fates.answered += len(done.answers)
    yield from done.answers
    if done.error is not None:
        raise done.error


HERE = Processes()
"""This process alone."""


def _submitted(
    pool: ProcessPoolExecutor, function: Callable[[Item], Answer], items: list[Item]
) -> Future[Done[Answer]]:
    """Hand a bundle out; where the pool is broken already, that is the answer."""
    try:
        with starting_processes():
            return pool.submit(do_each, function, items)
    except BrokenProcessPool as error:
        future: Future[Done[Answer]] = Future()
        future.set_exception(error)
        return future


def _alone(
    function: Callable[[Item], Answer],
    waiting: Iterable[_Waiting[Item, Answer]],
    lost: Callable[[Item, str], Answer],
    fates: _Fates,
) -> Iterator[Answer]:
    """Do items one by one that were under way when a process died: the guilty one dies again."""
    pool = _pool(1)
    try:
        for items, future in waiting:
            if _has_answer(future):
                yield from _answers(future.result(), fates)
                continue
            for item in items:
                for _ in range(TRIES):
                    try:
                        with allow_signals():
                            done = _submitted(pool, function, [item]).result()
                    except BrokenProcessPool:
                        pool.shutdown(cancel_futures=True)
                        pool = _pool(1)
                    else:
                        yield from _answers(done, fates)
                        break
                else:
                    fates.given_up += 1
                    yield lost(item, DIED)
    finally:
        pool.shutdown(cancel_futures=True)


def _has_answer(future: Future[Done[Answer]]) -> bool:
    """Tell whether a future of a broken pool was done before it broke."""
    return (
        future.done()
        and not future.cancelled()
        and not isinstance(future.exception(), BrokenProcessPool)
    )


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # threads of numba do not survive a fork
    return ProcessPoolExecutor(workers, context, _prepare)


def _prepare() -> None:
    """Leave Ctrl+C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
