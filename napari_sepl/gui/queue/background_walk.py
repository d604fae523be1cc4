"""Work on many samples of a dataset in the background, until done or stopped."""

from collections.abc import Callable, Sequence
from functools import partial

from napari_sepl.core.errors import SeplError, attempt
from napari_sepl.gui.context import ReviewContext
from napari_sepl.workflow.review.queue import Queue

_CHUNK = 8
"""Samples between two checks for a stop."""


class BackgroundWalk:
    """Acts on samples one after the other in a thread; one walk at a time.

    Parameters
    ----------
    queue : Queue
        The samples; gets those that cannot be read.
    context : ReviewContext
        Its background runs the walk, its view shows the progress.

    Attributes
    ----------
    at_work : bool
        Whether a walk is under way, or other work of the same kind.
    closed : bool
        Whether the dataset was closed: nothing is done any more.
    """

    def __init__(self, queue: Queue, context: ReviewContext) -> None:
        self._queue = queue
        self._context = context
        self._stopped = False
        self.at_work = self.closed = False

    def stop(self) -> None:
        """Stop after the current samples, as if they were the last."""
        self._stopped = True

    def close(self) -> None:
        """Stop, and do nothing more."""
        self._stopped = self.closed = True

    def start(
        self,
        doing: str,
        rows: Sequence[int],
        act: Callable[[int], None],
        finish: Callable[[], None],
    ) -> None:
        """Act on rows, a few at a time, then finish on the window's thread.

        Parameters
        ----------
        doing : str
            What is done, for the progress.
        rows : sequence of int
            The samples.
        act : callable
            Acts on a row, in a thread; an error of one sample is noted in the queue.
        finish : callable
            Called when all are done, or the walk was stopped.
        """
        self._stopped, self.at_work = False, True

        def walk_from(start: int) -> None:
            if self.closed:
                return
            if start >= len(rows) or self._stopped:
                self._context.view.show_busy("")
                self.at_work = False
                finish()
                return
            self._context.view.show_busy(f"{doing} {start:,} of {len(rows):,}…")
            work = partial(self._act, rows[start : start + _CHUNK], act)
            after = partial(note, start + _CHUNK)
            self._context.background.run("bulk", work, after, self.fail)

        def note(following: int, failures: dict[int, str]) -> None:
            self._queue.failures.update(failures)
            walk_from(following)

        walk_from(0)

    def _act(self, rows: Sequence[int], act: Callable[[int], None]) -> dict[int, str]:
        failures: dict[int, str] = {}
        for row in rows:
            name = self._queue.ids[row]
            attempt(partial(act, row), partial(failures.__setitem__, row), name)
        return failures

    def fail(self, error: SeplError) -> None:
        """Show why the work ended."""
        self.at_work = False
        self._context.show_failure(error)
