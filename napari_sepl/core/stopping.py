"""Ctrl+C and SIGTERM: the first one ends a program cleanly, a second Ctrl+C at once."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOPPED = 130
"""The exit code of an interrupted program, by the convention of shells."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 2.0  # seconds to end a program after its processes were killed


class _SignalState:
    """The signals of this process, and its reaction to them."""

    def __init__(self) -> None:
        self.signals = 0
        self.holds = 0  # blocks that must not be interrupted
        self.begun = False  # before it, the program may end anywhere
        self.over = False  # nothing is left to be interrupted


_state = _SignalState()


@contextmanager
def handle_signals() -> Iterator[None]:
    """Let the first signal end the program: at once, or as KeyboardInterrupt in `interruptible`.

    A second Ctrl+C kills the child processes, so that the program does not wait for them. After the
    work, and while the interpreter exits, a first signal has no effect.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads neither get signals nor may handle them
        return
    _state.begun = _state.over = False
    for number in _SIGNALS:
        signal.signal(number, _on_signal)
    atexit.unregister(_ignore_signals)
    atexit.register(_ignore_signals)
    try:
        yield
    finally:
        _state.begun = _state.over = True


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first signal raise KeyboardInterrupt in the block; after it, signals are ignored.

    A library may swallow the exception or raise another one: `stopped` is true all the same.
    """
    _state.begun = True
    hook, sys.unraisablehook = sys.unraisablehook, _report_unraisable
    try:
        yield
    finally:
        _state.over = True
        if not _state.signals:
            sys.unraisablehook = hook


def stopped() -> bool:
    """Return whether a signal arrived, handled or swallowed."""
    return _state.signals > 0


def raise_if_stopped() -> None:
    """Raise KeyboardInterrupt after a signal, unless signals are deferred."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and _state.signals and not _state.holds:
        raise KeyboardInterrupt


@contextmanager
def defer_signals() -> Iterator[None]:
    """Defer signals to the end of the block, or to `allow_signals` in it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.holds += 1
    try:
        yield
    finally:
        _state.holds -= 1
    raise_if_stopped()


@contextmanager
def allow_signals() -> Iterator[None]:
    """Let signals interrupt the block, inside one that defers them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    holds, _state.holds = _state.holds, 0
    try:
        raise_if_stopped()
        yield
    finally:
        _state.holds = holds


@contextmanager
def starting_processes() -> Iterator[None]:
    """Let processes that start in the block ignore Ctrl+C from their start."""
    with defer_signals():
        blocked = _block()
        try:
            yield
        finally:
            _unblock(blocked)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    _state.signals += 1
    if _state.signals > 1:
        if number == signal.SIGINT:
            _end_at_once()
    elif not _state.begun:
        with suppress(OSError):  # standard error may be closed
            os.write(2, b"Stopped.\n")
        os._exit(STOPPED)
    elif not (_state.holds or _state.over):
        raise KeyboardInterrupt


def _end_at_once() -> None:
    _kill_children()
    timer = threading.Timer(_PATIENCE, _give_up)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # the interpreter is exiting, and starts no thread
        _give_up()


def _give_up() -> None:
    os.write(2, b"Stopped.\n")
    atexit._run_exitfuncs()  # noqa: SLF001  # else multiprocessing warns of leftovers
    os._exit(STOPPED)


def _report_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Report an exception that no code can catch, unless a signal may be its cause."""
    if not _state.signals:
        sys.__unraisablehook__(unraisable)


def _kill_children() -> None:
    if "multiprocessing" in sys.modules:
        import multiprocessing  # noqa: PLC0415

        for child in multiprocessing.active_children():
            child.kill()


def _ignore_signals() -> None:
    """Kill child processes and ignore signals while the interpreter exits."""
    _kill_children()
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # After a KeyboardInterrupt within exec(), as libraries use it, Python kills itself by SIGINT at
    # its end even if it was caught; another exec() resets that.
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
