"""What runs or is shown in this process, so that a test can be told from what it leaves behind."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from qtpy.QtCore import QThreadPool, QTimer
from qtpy.QtWidgets import QApplication

from napari_sepl.gui import worker


@dataclass(frozen=True)
class Running:
    """Windows that are seen, timers that tick and threads that live, at one moment."""

    things: tuple[Any, ...]
    pooled: int  # threads of Qt's pool that are at work

    @classmethod
    def now(cls) -> Self:
        windows = [shown for shown in QApplication.topLevelWidgets() if shown.isVisible()]
        threads = [one for one in threading.enumerate() if is_ours(one)]
        things = (*windows, *ticking(), *threads)
        return cls(things, QThreadPool.globalInstance().activeThreadCount())

    def since(self, before: "Running") -> list[str]:
        """Tell what was not there before."""
        known = {id(thing) for thing in before.things}  # they are held, so no number comes twice
        left = [describe(thing) for thing in self.things if id(thing) not in known]
        return left + ["a thread of Qt's pool"] * (self.pooled > before.pooled)


def ticking() -> Iterator[QTimer]:
    """Yield the timers that run, of backgrounds and of widgets that were not deleted."""
    for background in worker.backgrounds:
        yield from (timer for timer in background._timers.values() if timer.isActive())
    for widget in QApplication.allWidgets():
        if type(widget).__module__.startswith("napari_sepl"):
            yield from (timer for timer in widget.findChildren(QTimer) if timer.isActive())


def is_ours(thread: threading.Thread) -> bool:
    """Tell threads that Python started from those that only came by."""
    return not isinstance(thread, threading._DummyThread)


def describe(thing: Any) -> str:
    if isinstance(thing, QTimer):
        return f"timer of {thing.interval()} ms, child of {thing.parent()!r}"
    return repr(thing)
