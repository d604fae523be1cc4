"""The one place where work leaves the window's thread and comes back."""

import atexit
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import count
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from qtpy.QtCore import QCoreApplication, QObject, Qt, QThread, QTimer, Signal

from napari_sepl.core.errors import SeplError

Value = TypeVar("Value")


class Background(Protocol):
    """Runs slow work elsewhere and small work a little later."""

    def run(
        self,
        task: str,
        work: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[SeplError], None],
    ) -> None:
        """Run `work`; then call `done` or `failed` here, unless `task` was started anew."""

    def later(self, task: str, delay: int, work: Callable[[], None]) -> None:
        """Call `work` here after `delay` milliseconds, once for all calls made until then."""

    def post(self, work: Callable[[], None]) -> None:
        """Call `work` here soon; any thread may ask for it."""

    def wait(self) -> None:
        """Return when all work has come back."""

    def stop(self) -> None:
        """Drop all answers and all small work from now on: the window is gone."""


class Immediate:
    """A Background that does everything at once, for scripts and tests without a window."""

    def run(
        self,
        task: str,  # noqa: ARG002
        work: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[SeplError], None],
    ) -> None:
        """Run `work` and call `done` or `failed` before returning."""
        try:
            value = work()
        except SeplError as error:
            failed(error)
        else:
            done(value)

    def later(self, task: str, delay: int, work: Callable[[], None]) -> None:  # noqa: ARG002
        """Call `work` before returning."""
        work()

    def post(self, work: Callable[[], None]) -> None:
        """Call `work` before returning."""
        work()

    def wait(self) -> None:
        """Return: nothing is ever pending."""

    def stop(self) -> None:
        """Return: nothing is ever pending."""


class QtBackground(QObject):
    """A Background on threads of its own, whose answers come back as events of Qt.

    A task that is started anew before it came back is not stopped, but its answer is dropped:
    each start carries a number, and only the newest number of a task is listened to. Python waits
    for the threads before it ends, while Qt is still there.
    """

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(_call, Qt.ConnectionType.QueuedConnection)
        self._numbers = count()
        self._newest: dict[str, int] = {}
        self._threads = threads_for(QThread.idealThreadCount())
        self._running: set[Future[Any]] = set()
        self._timers: dict[str, QTimer] = {}
        backgrounds.add(self)

    def run(
        self,
        task: str,
        work: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[SeplError], None],
    ) -> None:
        """Run `work` on a thread; an error that nobody expects goes napari's own way."""
        number = self._newest[task] = next(self._numbers)

        def come_back() -> None:
            self._running.discard(future)
            if future.cancelled():
                return
            error = future.exception()
            if error is not None and not isinstance(error, SeplError):
                raise error
            if number != self._newest.get(task):
                return
            if error is not None:
                failed(error)
            else:
                done(future.result())

        future = self._threads.submit(work)
        self._running.add(future)
        future.add_done_callback(lambda _: self.post(come_back))

    def later(self, task: str, delay: int, work: Callable[[], None]) -> None:
        """Call `work` from the event loop."""
        timer = self._timers.get(task)
        if timer is not None:
            timer.stop()
            timer.deleteLater()
        timer = self._timers[task] = QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(work)
        timer.start(delay)

    def post(self, work: Callable[[], None]) -> None:
        """Call `work` from the event loop of the window's thread."""
        self._posted.emit(work)

    def stop(self) -> None:
        """Stop the timers, begin nothing that waits, and listen to no answer any more."""
        for timer in self._timers.values():
            timer.stop()
        self._timers.clear()
        self._newest.clear()
        self._running.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._threads = threads_for(QThread.idealThreadCount())

    def wait(self) -> None:
        """Block until all threads are done and their answers have been given."""
        while self._running:
            wait(self._running)
            QCoreApplication.processEvents()


backgrounds: WeakSet[QtBackground] = WeakSet()
"""All that are there."""


@atexit.register
def _stop_all() -> None:
    """Stop what was not stopped, before Qt takes the timers away."""
    for background in backgrounds:
        background.stop()


def threads_for(cores: int) -> ThreadPoolExecutor:
    """Return a thread for each core, and one for work that waits for the process making masks."""
    return ThreadPoolExecutor(cores + 1, "background")


def _call(work: Callable[[], None]) -> None:
    work()
