"""One function over many items, in several processes."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from napari_sepl.core.errors import SeplError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AHEAD = 4  # items handed out for each process: none waits for its next, and few answers wait here


def spread(
    function: Callable[[Item], Answer], items: Iterable[Item], workers: int
) -> Iterator[Answer]:
    """Call a function on items, in processes of their own if there are to be several.

    Parameters
    ----------
    function : callable
        It can be pickled, and so can what it takes and returns.
    items : iterable
        Asked for as they are needed.
    workers : int
        How many processes; 1 for this one alone.

    Yields
    ------
    object
        Each answer, in the order of the items.

    Raises
    ------
    SeplError
        If a process ends of itself, as where the memory is full.
    """
    if workers == 1:
        yield from map(function, items)
        return
    left = iter(items)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _leave_ctrl_c_to_the_parent)
    try:
        waiting = deque(pool.submit(function, item) for item in islice(left, AHEAD * workers))
        while waiting:
            answer = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(left, 1))
            yield answer
    except BrokenProcessPool as error:
        raise SeplError(
            f"One of {workers} processes ended without a word; its memory may have been too "
            "little. Try with fewer."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
