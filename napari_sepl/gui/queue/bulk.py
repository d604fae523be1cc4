"""Actions on all pending samples: confirmed before, undone as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SaveError, attempt
from napari_sepl.files.store import Status
from napari_sepl.gui.controller import Controller
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.reviewing import Reviewing

_CHUNK = 8
"""Samples between two checks for a stop."""

_NAMED = 5


@dataclass(frozen=True)
class BulkAction:
    """An action on many samples that can be undone.

    Parameters
    ----------
    text : str
        What was done.
    undo : callable
        Undoes it; returns how many samples it left out because they were edited since.
    """

    text: str
    undo: Callable[[], int]


class Bulk:
    """Acts on all pending samples of a dataset under review.

    Parameters
    ----------
    reviewing : Reviewing
        The dataset.
    controller : Controller
        Its view shows questions, progress and outcomes.
    current : callable
        Returns the open row, which bulk actions leave out.
    changed : callable
        Called when samples other than the open one were changed.
    """

    def __init__(
        self,
        reviewing: Reviewing,
        controller: Controller,
        current: Callable[[], int | None],
        changed: Callable[[], None],
    ) -> None:
        self._reviewing = reviewing
        self._controller = controller
        self._context = controller.context
        self._current = current
        self._changed = changed
        self._stopped = self._closed = False
        self.last: BulkAction | None = None

    def stop(self) -> None:
        """Stop the running action after the current samples; finished samples stay."""
        self._stopped = True

    def close(self) -> None:
        """Stop the running action, and record nothing more: the dataset closes."""
        self._stopped = self._closed = True

    def undo(self) -> None:
        """Undo the last action, except on samples that were edited since."""
        if self.last is None:
            self._context.view.show_info("There is no bulk action to undo.")
            return
        done, self.last = self.last, None
        left = done.undo()
        self._changed()
        kept = f"; {left:,} edited since stay unchanged" if left else ""
        self._context.view.show_info(f"Undone: {done.text}{kept}")

    # --- thresholds

    def _pending(self) -> list[int]:
        """Return the pending rows except the open one."""
        current = self._current()
        return [row for row in self._reviewing.queue.pending().tolist() if row != current]

    def apply_params(self, params: Params) -> None:
        """Set the parameters of all pending samples except the open one, after a confirmation."""
        rows = self._pending()
        values = ", ".join(f"{name} = {value}" for name, value in params if value is not None)
        if not rows or not self._context.view.confirm(
            f"Set {values} for {listed(self._reviewing.queue, rows)}? Their strokes stay."
        ):
            return

        def put(_: object) -> None:
            if self._closed:
                return
            still = sorted(set(rows) & set(self._pending()))
            before = self._reviewing.put_params(still, dict.fromkeys(still, params))
            step = f"{values} for {len(still):,} samples"
            self.last = BulkAction(step, lambda: self._put_back(before, params))
            self._changed()
            self._context.view.show_info(f"Set {step}")

        self._context.background.run(
            "read params",
            lambda: [self._reviewing.params_of(row) for row in rows],  # for undo
            put,
            lambda error: self._context.view.show_error(str(error)),
        )

    def _put_back(self, before: dict[int, Params | None], params: Params) -> int:
        """Restore the old parameters of samples, except of those changed since."""
        current = self._current()
        rows = [row for row in before if self._reviewing.params_of(row) == params]
        if current in rows:  # on screen: a step of its own history
            old = before[current] or self._reviewing.session.start
            self._controller.set_params(old)
        elsewhere = [row for row in rows if row != current]
        self._reviewing.put_params(elsewhere, before)
        return len(before) - len(rows)

    # --- accepting

    def accept_unchanged(self, most: float) -> None:
        """Accept the pending samples whose labels differ little from their pseudo-labels.

        It leaves out samples without masks: their labels are the pseudo-labels.

        Parameters
        ----------
        most : float
            Share in 0..1 of pixels that may differ.
        """
        self._stopped = False
        queue = self._reviewing.queue
        pending = self._pending()
        rows = [row for row in pending if not queue.without_masks[row]]

        def ask() -> None:
            change = queue.change
            little = [row for row in rows if change[row] <= most]  # False for NaN: not read
            if not little:
                self._context.view.show_info(
                    f"No pending sample changes by {100 * most:g} % or less."
                )
            elif self._context.view.confirm(
                f"Accept and save {listed(self._reviewing.queue, little)}? They change by "
                f"{100 * most:g} % or less; {len(pending):,} are pending."
            ):
                self._accept(little)

        unread = [row for row in rows if np.isnan(queue.change[row])]
        self._walk("comparing", unread, self._reviewing.measure_change, ask)

    def _accept(self, rows: list[int]) -> None:
        saved: list[int] = []
        unsaved: list[SaveError] = []

        def save(row: int) -> None:
            try:
                self._reviewing.accept_unseen(row)
            except SaveError as error:  # the sample is readable all the same
                unsaved.append(error)
            else:
                saved.append(row)

        def finish() -> None:
            self._reviewing.put_statuses(saved, Status.ACCEPTED)
            step = f"accepting {len(saved):,} samples"
            self.last = BulkAction(step, lambda: self._reopen(saved))
            self._changed()
            self._context.view.show_info(f"Accepted {len(saved):,} samples")
            if unsaved:
                self._context.view.show_error(f"{len(unsaved):,} were not saved. {unsaved[0]}")

        self._walk("saving", rows, save, finish)

    def _reopen(self, rows: list[int]) -> int:
        """Make samples pending again, except those whose status changed since."""
        queue = self._reviewing.queue
        still = [row for row in rows if queue.status_of(row) is Status.ACCEPTED]
        document = self._context.document
        if self._current() in still and document is not None:  # a step of its own history
            document.set_status(Status.PENDING)
        elsewhere = [row for row in still if row != self._current()]
        self._reviewing.put_statuses(elsewhere, Status.PENDING)
        return len(rows) - len(still)

    def _walk(
        self, doing: str, rows: list[int], act: Callable[[int], object], finish: Callable[[], None]
    ) -> None:
        """Act on rows in the background, a few at a time, until done or stopped."""

        def walk_from(start: int) -> None:
            if self._closed:
                return
            if start >= len(rows) or self._stopped:
                self._context.view.show_busy("")
                finish()
                return
            self._context.view.show_busy(f"{doing} {start:,} of {len(rows):,}…")
            chunk = rows[start : start + _CHUNK]
            self._context.background.run(
                "bulk",
                lambda: self._act(chunk, act),
                lambda failures: note(failures, start + _CHUNK),
                lambda error: self._context.view.show_error(str(error)),
            )

        def note(failures: dict[int, str], following: int) -> None:
            self._reviewing.queue.failures.update(failures)
            walk_from(following)

        walk_from(0)

    def _act(self, rows: list[int], act: Callable[[int], object]) -> dict[int, str]:
        failures: dict[int, str] = {}
        for row in rows:
            name = self._reviewing.queue.ids[row]
            attempt(partial(act, row), partial(failures.__setitem__, row), name)
        return failures


def listed(queue: Queue, rows: Sequence[int] | NDArray[np.intp]) -> str:
    """Return the number of samples, and the first few IDs."""
    names = ", ".join(queue.ids[row] for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    return f"{len(rows):,} sample{'s' * (len(rows) != 1)} ({names}{more})"
