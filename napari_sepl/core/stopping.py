"""Ctrl+C and SIGTERM: the first one ends a program in good order, a second Ctrl+C at once."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        self.begun = False  # before it, nothing is written that must be whole
        self.over = False  # nothing is left to be broken off


_heard = _Heard()


@contextmanager
def stops_in_good_order() -> Iterator[None]:
    """Have the first signal end the program: at once, or as KeyboardInterrupt where it is at work.

    A second Ctrl+C kills the processes that were started, so that nothing is waited for. After
    the work, and while the interpreter ends, a first signal changes nothing any more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads get no signals and may not set what they do
        return
    _heard.begun = _heard.over = False
    for number in _SIGNALS:
        signal.signal(number, _hear)
    atexit.unregister(_end_deaf)
    atexit.register(_end_deaf)
    try:
        yield
    finally:
        _heard.begun = _heard.over = True


@contextmanager
def at_work() -> Iterator[None]:
    """Have the first signal raise KeyboardInterrupt within the block, and ignore it after that.

    It comes at any place, so a library may swallow it, or raise something else for it: `stopped`
    tells of it all the same.
    """
    _heard.begun = True
    told, sys.unraisablehook = sys.unraisablehook, _keep_quiet
    try:
        yield
    finally:
        _heard.over = True
        if not _heard.signals:
            sys.unraisablehook = told


def stopped() -> bool:
    """Tell whether a signal came, whatever became of it."""
    return _heard.signals > 0


def raise_if_stopped() -> None:
    """Raise KeyboardInterrupt where a signal came that may break off what goes on here."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and _heard.signals and not _heard.holds:
        raise KeyboardInterrupt


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
    raise_if_stopped()


@contextmanager
def let_through() -> Iterator[None]:
    """Let signals break the block off, within one that holds them back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    holds, _heard.holds = _heard.holds, 0
    try:
        raise_if_stopped()
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


def _hear(number: int, _frame: FrameType | None) -> None:
    _heard.signals += 1
    if _heard.signals > 1:
        if number == signal.SIGINT:
            _end_at_once()
    elif not _heard.begun:
        with suppress(OSError):  # standard error may be closed
            os.write(2, b"Stopped.\n")
        os._exit(STOPPED)
    elif not (_heard.holds or _heard.over):
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


def _keep_quiet(told: "sys.UnraisableHookArgs") -> None:
    """Tell of an exception that no code can catch, unless it may come of a signal."""
    if not _heard.signals:
        sys.__unraisablehook__(told)


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
    # One raised within the exec of a text, as by libraries, makes Python kill itself by SIGINT at
    # its end, though it was caught; the next text that is executed makes it forget.
    exec("")  # noqa: S102


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
