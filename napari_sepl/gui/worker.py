"""Background threads, and how their results return to the window's thread."""

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
    """Runs slow work in threads and short work with a delay."""

    def run(
        self,
        task: str,
        work: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[SeplError], None],
    ) -> None:
        """Run `work`; then call `done` or `failed` here, unless `task` was started again."""

    def later(self, task: str, delay: int, work: Callable[[], object]) -> None:
        """Call `work` here once, `delay` milliseconds after the last call for `task`."""

    def post(self, work: Callable[[], None]) -> None:
        """Call `work` here soon, from any thread."""

    def wait(self) -> None:
        """Return when all work is done and its results were passed on."""

    def stop(self) -> None:
        """Drop all results and delayed calls: the window was closed."""


class QtBackground(QObject):
    """A Background with its own threads, whose results return as Qt events.

    A task that is started again before it is done is not stopped, but its result is dropped: only
    the result of the newest start of a task is passed on. Python waits for the threads before it
    exits, while Qt still exists.
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
        """Run `work` in a thread; napari shows any error that is no SeplError."""
        number = self._newest[task] = next(self._numbers)

        def finish() -> None:
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
        future.add_done_callback(lambda _: self.post(finish))

    def later(self, task: str, delay: int, work: Callable[[], object]) -> None:
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
        """Stop the timers, cancel waiting work, and drop all results from now on."""
        for timer in self._timers.values():
            timer.stop()
        self._timers.clear()
        self._newest.clear()
        self._running.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._threads = threads_for(QThread.idealThreadCount())

    def wait(self) -> None:
        """Block until all threads are done and their results were passed on."""
        while self._running:
            wait(self._running)
            QCoreApplication.processEvents()


backgrounds: WeakSet[QtBackground] = WeakSet()
"""All that exist."""


@atexit.register
def _stop_all() -> None:
    """Stop all backgrounds before Qt deletes their timers."""
    for background in backgrounds:
        background.stop()


def threads_for(cores: int) -> ThreadPoolExecutor:
    """Return a thread for each core, and one that waits for the process that generates masks."""
    return ThreadPoolExecutor(cores + 1, "background")


def _call(work: Callable[[], None]) -> None:
    work()
