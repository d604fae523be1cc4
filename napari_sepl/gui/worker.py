"""The one place where work leaves the window's thread and comes back."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from qtpy.QtCore import QCoreApplication, QObject, Qt, QThreadPool, QTimer, Signal
from superqt.utils import create_worker

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
    """A Background on Qt's thread pool.

    A task that is started anew before it came back is not stopped, but its answer is dropped:
    each start carries a number, and only the newest number of a task is listened to.
    """

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(_call, Qt.ConnectionType.QueuedConnection)
        self._newest: dict[str, int] = {}
        self._running: set[Any] = set()
        self._timers: dict[str, QTimer] = {}

    def run(
        self,
        task: str,
        work: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[SeplError], None],
    ) -> None:
        """Run `work` on a thread of the pool."""
        number = self._newest[task] = self._newest.get(task, 0) + 1

        def come_back(outcome: tuple[Value | None, SeplError | None]) -> None:
            self._running.discard(worker)
            value, error = outcome
            if number != self._newest[task]:
                return
            if error is not None:
                failed(error)
            else:
                done(value)  # type: ignore[arg-type]  # no error, so there is a value

        worker = create_worker(_catch, work, _start_thread=False)
        worker.returned.connect(come_back)
        worker.errored.connect(lambda _: self._running.discard(worker))
        self._running.add(worker)
        worker.start()

    def later(self, task: str, delay: int, work: Callable[[], None]) -> None:
        """Call `work` from the event loop."""
        timer = self._timers.get(task)
        if timer is not None:
            timer.stop()
            timer.deleteLater()
        timer = self._timers[task] = QTimer()  # no child: Qt would delete it first at exit
        timer.setSingleShot(True)
        timer.timeout.connect(work)
        timer.start(delay)

    def post(self, work: Callable[[], None]) -> None:
        """Call `work` from the event loop of the window's thread."""
        self._posted.emit(work)

    def stop(self) -> None:
        """Stop the timers, and listen to no answer any more."""
        for timer in self._timers.values():
            timer.stop()
        self._newest = dict.fromkeys(self._newest, 0)

    def wait(self) -> None:
        """Block until all threads are done and their answers have been given."""
        while self._running:
            QThreadPool.globalInstance().waitForDone()
            QCoreApplication.processEvents()


def _call(work: Callable[[], None]) -> None:
    work()


def _catch(work: Callable[[], Value]) -> tuple[Value | None, SeplError | None]:
    """Turn an expected error into an answer; an unexpected one goes napari's own way."""
    try:
        return work(), None
    except SeplError as error:
        return None, error
