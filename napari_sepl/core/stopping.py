"""Ctrl+C and SIGTERM: the first one ends a program in good order, a second Ctrl+C at once."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 130
"""The exit code of a program that was stopped, as shells expect it."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 2.0  # seconds for the end of a program whose processes were killed


class _Heard:
    """What this process was told."""

    def __init__(self) -> None:
        self.signals = 0
        self.holds = 0  # blocks that are not to be broken off
        self.waits = False  # a signal came within one


_heard = _Heard()


@contextmanager
def stops_in_good_order() -> Iterator[None]:
    """Have the first signal raise KeyboardInterrupt within the block, and no other one.

    A second Ctrl+C kills the processes that were started, so that nothing is waited for. It is
    heard until the program ends, where a first one came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads get no signals and may not set what they do
        return
    before = {number: signal.signal(number, _hear) for number in _SIGNALS}
    try:
        yield
    finally:
        if _heard.signals:
            atexit.register(_end_deaf)
        else:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Let no signal break the block off, but where it says `let_through`; then it is raised."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _heard.holds += 1
    try:
        yield
    finally:
        _heard.holds -= 1
    _raise_waiting()


@contextmanager
def let_through() -> Iterator[None]:
    """Let signals break the block off, within one that holds them back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    holds, _heard.holds = _heard.holds, 0
    try:
        _raise_waiting()
        yield
    finally:
        _heard.holds = holds


@contextmanager
def starting_processes() -> Iterator[None]:
    """Have processes that start in the block deaf to Ctrl+C from birth."""
    with held_back():
        blocked = _block()
        try:
            yield
        finally:
            _unblock(blocked)


def _raise_waiting() -> None:
    if _heard.waits and not _heard.holds:
        _heard.waits = False
        raise KeyboardInterrupt


def _hear(number: int, _frame: FrameType | None) -> None:
    _heard.signals += 1
    if _heard.signals > 1:
        if number == signal.SIGINT:
            _end_at_once()
    elif _heard.holds:
        _heard.waits = True
    else:
        raise KeyboardInterrupt


def _end_at_once() -> None:
    _kill_children()
    timer = threading.Timer(_PATIENCE, _give_up)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # the interpreter is about to end, and starts no thread any more
        _give_up()


def _give_up() -> None:
    os.write(2, b"Stopped.\n")
    atexit._run_exitfuncs()  # noqa: SLF001  # else multiprocessing warns of what was left
    os._exit(STOPPED)


def _kill_children() -> None:
    if "multiprocessing" in sys.modules:
        import multiprocessing  # noqa: PLC0415

        for child in multiprocessing.active_children():
            child.kill()


def _end_deaf() -> None:
    """Leave nothing to wait for, and no signal to die of, while the interpreter ends."""
    _kill_children()
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if sys.platform == "win32":

    def _block() -> None:
        return None

    def _unblock(_blocked: None) -> None:
        return None
else:

    def _block() -> set[int]:
        return set(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}))

    def _unblock(blocked: set[int]) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
