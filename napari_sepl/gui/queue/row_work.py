"""Work on many samples in the background, a few at a time, so that other work goes first."""

from collections.abc import Callable, Sequence

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.results import Worked

_PAUSE = 5
"""Milliseconds between two batches, in which other work gets a thread."""

_BATCH = 0.05
"""Seconds after which a batch begins no further sample."""


class RowWork:
    """Works on rows until done or stopped.

    Parameters
    ----------
    task : str
        Its name in the background.
    background : Background
        Runs the batches.
    work : callable
        Works on some rows in a thread; begins no further row after so many seconds.
    take : callable
        Takes what came of a batch.
    end : callable
        Called when all is done, or with the error that ended it.

    Attributes
    ----------
    rows : sequence of int
        The rows.
    done : int
        How many are done, from the first on.
    """

    def __init__(
        self,
        task: str,
        background: Background,
        work: Callable[[Sequence[int], float], Worked],
        take: Callable[[Worked], None],
        end: Callable[[SeplError | None], None],
    ) -> None:
        self._task, self._background = task, background
        self._work, self._take, self._end = work, take, end
        self.rows: Sequence[int] = ()
        self.done = 0
        self._running = self._ends_soon = False
        self._round = 0

    def start(self, rows: Sequence[int]) -> None:
        """Start with these rows; what a start before this one still works on is ignored."""
        self.rows, self.done, self._running, self._ends_soon = rows, 0, True, False
        self._round += 1
        self._go_on()

    def stop(self) -> None:
        """Begin no further batch, and ignore what comes of the one that runs."""
        self._running = False

    def end_soon(self) -> None:
        """Begin no further batch; it ends, as if all were done, once the running one is taken."""
        self._ends_soon = True

    def _go_on(self) -> None:
        if not self._running:
            return
        if self._ends_soon or self.done >= len(self.rows):
            self._finish(None)
            return
        rows, started = self.rows[self.done :], self._round

        def note(batch: Worked) -> None:
            self._note(batch, started)

        self._background.run(self._task, lambda: self._work(rows, _BATCH), note, self._finish)

    def _note(self, batch: Worked, started: int) -> None:
        if self._running and started == self._round:
            self.done += batch.number
            self._take(batch)
            self._background.later(self._task, _PAUSE, self._go_on)

    def _finish(self, error: SeplError | None) -> None:
        if self._running:
            self._running = False
            self._end(error)
