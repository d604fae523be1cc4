"""Actions on many samples at once: shown before, undone as one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SaveError, SeplError, counted
from napari_sepl.document.document import Document
from napari_sepl.document.edits import StatusEdit
from napari_sepl.document.resolve import Resolved
from napari_sepl.files.store import Status
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.queue.preview import Plan
from napari_sepl.gui.queue.row_work import RowWork
from napari_sepl.workflow.results import Worked, work_on_each
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.reviewing import Reviewing

_VERBS = {
    Status.ACCEPTED: "Accept",
    Status.SKIPPED: "Skip",
    Status.FLAGGED: "Flag",
    Status.PENDING: "Make pending",
}


class _State(NamedTuple):
    """What tells whether a person changed a sample: its status, and the number of edits."""

    status: Status
    edits: int


@dataclass(frozen=True)
class _Step:
    """A bulk action that was done.

    Parameters
    ----------
    text : str
        What was done.
    before, after : mapping of int to _State
        The samples before and after, by row.
    params : mapping of int to Params or None
        The settings before, if they were changed.
    """

    text: str
    before: Mapping[int, _State]
    after: Mapping[int, _State]
    params: Mapping[int, Params | None]


@dataclass(frozen=True, eq=False)
class _Open:
    """The open sample when a bulk action began."""

    row: int
    document: Document
    mark: int
    resolved: Resolved


class Bulk:
    """Acts on many samples of a dataset under review.

    Parameters
    ----------
    reviewing : Reviewing
        The dataset.
    controller : Controller
        Its view shows progress and outcomes; it has the open sample.
    changed : callable
        Called when samples other than the open one were changed.
    preview : callable
        Shows a plan to the user, who may have it done.
    """

    def __init__(
        self,
        reviewing: Reviewing,
        controller: Controller,
        changed: Callable[[], None],
        preview: Callable[[Plan], None],
    ) -> None:
        self._reviewing = reviewing
        self._recording = controller.recording
        self._context = controller.context
        self._changed = changed
        self._preview = preview
        self._steps: list[_Step] = []
        self._own: Counter[int] = Counter()  # edits of bulk actions on the open sample, by row
        self._work: RowWork | None = None
        self._is_busy = self._closed = False

    @property
    def last(self) -> str:
        """What the last action did that can be undone; empty for none."""
        return self._steps[-1].text if self._steps else ""

    def stop(self) -> None:
        """Stop the running action after the current samples; finished samples stay."""
        if self._work is not None:
            self._work.end_soon()

    def close(self) -> None:
        """Stop the running action, and record nothing more: the dataset closes."""
        self._closed = True
        if self._work is not None:
            self._work.stop()

    # --- what a person asks for

    def set_params(self, rows: NDArray[np.intp], params: Params) -> None:
        """Set the parameters of samples; the open one, which they come from, has them."""
        values = ", ".join(f"{name} = {value}" for name, value in params if value is not None)
        others = rows[rows != self._row]
        self._propose(f"Set {values} for", others, partial(self._put_params, values, params))

    def set_status(self, rows: NDArray[np.intp], status: Status) -> None:
        """Give samples a status, except accepted, which needs `accept`."""
        others = rows[~self._queue.have(rows, status)]
        do = partial(self._put_status, status)
        self._propose(_VERBS[status], others, do, decided=status is not Status.PENDING)

    def accept(self, rows: NDArray[np.intp]) -> None:
        """Accept samples whose labels differ little from their pseudo-labels.

        It leaves out samples without masks: their labels are the pseudo-labels.
        """
        queue = self._queue
        others = rows[~queue.have(rows, Status.ACCEPTED) & ~queue.without_masks[rows]]
        unread = others[np.isnan(queue.change[others])].tolist()

        def ask() -> None:
            known = others[~np.isnan(queue.change[others])]
            self._propose(_VERBS[Status.ACCEPTED], known, self._accept_rows, by_change=True)

        self._work_on("comparing", unread, self._reviewing.measure_change, ask)

    def undo(self) -> None:
        """Undo the last action, except on samples that a person changed since."""
        if not self._steps:
            self._context.view.show_info("There is no bulk action to undo.")
        elif self._is_free():
            self._recording.record()
            step = self._steps.pop()
            rows = [row for row, state in step.after.items() if self._state(row) == state]
            self._put_back(step, rows)

    # --- doing it

    def _propose(
        self,
        text: str,
        rows: NDArray[np.intp],
        do: Callable[[Sequence[int]], None],
        *,
        decided: bool = True,
        by_change: bool = False,
    ) -> None:
        """Show what is about to be done; `decided` if it takes a status that a person gave."""
        if not self._is_free():
            return
        if not len(rows):
            self._context.view.show_info(f"{text}: no sample is left to do this to.")
            return
        self._recording.record()
        own = np.array([self._own[row] for row in rows.tolist()])
        edited = self._queue.edits[rows] > own
        if decided:
            edited |= ~self._queue.have(rows, Status.PENDING)
        self._preview(Plan(text, rows, edited, do, by_change))

    def _is_free(self) -> bool:
        """Return whether an action may begin, and show why if not."""
        why = self._reviewing.refusal
        if not why and self._is_busy:
            why = "A bulk action is running: stop it first, or wait."
        if why:
            self._context.view.show_error(why)
        return not why

    def _put_params(self, values: str, params: Params, rows: Sequence[int]) -> None:
        states = {row: self._state(row) for row in rows}

        def put(_: object) -> None:
            self._is_busy = False
            if self._closed:
                return
            # what a person opened or changed meanwhile stays as it is
            before = {
                row: state
                for row, state in states.items()
                if row != self._row and self._state(row) == state
            }
            accepted = [row for row, state in before.items() if state.status is Status.ACCEPTED]
            self._reviewing.put_statuses(accepted, Status.PENDING)
            old = self._reviewing.put_params(list(before), dict.fromkeys(before, params))
            self._note(f"set {values} for", before, old)

        self._is_busy = True
        work = partial(self._read_params, rows)
        self._context.background.run("bulk", work, put, self._fail)

    def _read_params(self, rows: Sequence[int]) -> None:
        """Read the settings of samples, so that they are known for undo."""
        for row in rows:
            self._reviewing.params_of(row)

    def _put_status(self, status: Status, rows: Sequence[int]) -> None:
        before = {row: self._state(row) for row in rows}
        self._give_status(rows, status)
        self._note(_VERBS[status].lower(), before)

    def _give_status(self, rows: Sequence[int], status: Status) -> None:
        """Give samples a status other than accepted; the open one by a step of its history."""
        document = self._context.document
        if self._row in rows and document is not None:
            document.set_status(status)
        elsewhere = [row for row in rows if row != self._row]
        self._reviewing.put_statuses(elsewhere, status)

    def _accept_rows(self, rows: Sequence[int]) -> None:
        before = {row: self._state(row) for row in rows}

        def note(accepted: list[int]) -> None:
            self._note("accept", {row: before[row] for row in accepted})

        self._save_all(rows, note)

    def _note(
        self,
        text: str,
        before: Mapping[int, _State],
        params: Mapping[int, Params | None] | None = None,
    ) -> None:
        """Put an action that was done on the stack, and tell so."""
        after = {row: self._state(row) for row in before}
        text = f"{text} {counted(len(before), 'sample')}"
        if before:
            self._steps.append(_Step(text, before, after, params or {}))
        self._changed()
        self._context.view.show_info(f"Done: {text}")

    def _put_back(self, step: _Step, rows: Sequence[int]) -> None:
        left = len(step.after) - len(rows)
        row, document = self._row, self._context.document
        if row in step.params and row in rows and row is not None and document is not None:
            self._put_back_open(row, document, step.params[row])
        if step.params:
            elsewhere = [row for row in rows if row != self._row]
            self._reviewing.put_params(elsewhere, step.params)
        again: list[int] = []
        for status in Status:
            turned = [
                row
                for row in rows
                if step.before[row].status is status and self._queue.status_of(row) is not status
            ]
            if status is Status.ACCEPTED:
                again = turned
            elif turned:
                self._undo_open(turned, status)
                self._give_status(turned, status)

        def tell(_: object = None) -> None:
            self._changed()
            kept = f"; {left:,} edited since stay unchanged" if left else ""
            self._context.view.show_info(f"Undone: {step.text}{kept}")

        if again:
            self._save_all(again, tell)
        else:
            tell()

    def _undo_open(self, rows: Sequence[int], status: Status) -> None:
        """Undo the last step of the open sample if it was the action's: no step more to undo."""
        document = self._context.document
        if document is None or self._row not in rows or not document.history.done:
            return
        last = document.history.done[-1]
        if isinstance(last, StatusEdit) and last.before is status:
            document.undo()

    def _put_back_open(self, row: int, document: Document, params: Params | None) -> None:
        """Restore the settings of the open sample, by a step that is no edit of a person."""
        edits = int(self._queue.edits[row])
        document.set_params(params or self._reviewing.session.start)
        self._context.view.params.show_params(document.params)
        self._recording.record()
        self._own[row] += int(self._queue.edits[row]) - edits

    def _save_all(self, rows: Sequence[int], then: Callable[[list[int]], None]) -> None:
        """Accept samples and write their labels; then call with those that are accepted."""
        saved: list[int] = []
        unsaved: list[SaveError] = []
        opened = self._opened()

        def save(row: int) -> None:
            try:
                if opened is not None and row == opened.row:
                    self._reviewing.save_labels(row, opened.resolved, opened.document.inputs)
                else:
                    self._reviewing.accept_unseen(row)
            except SaveError as error:  # the sample is readable all the same
                unsaved.append(error)
            else:
                saved.append(row)

        def finish() -> None:
            accepted = self._take_accepted(saved, opened)
            then(accepted)
            if unsaved:
                self._context.view.show_error(f"{len(unsaved):,} were not saved. {unsaved[0]}")

        self._work_on("saving", rows, save, finish)

    def _opened(self) -> _Open | None:
        document = self._context.settled()
        if self._row is None or document is None:
            return None
        mark, resolved = document.history.mark, document.resolved.snapshot()
        return _Open(self._row, document, mark, resolved)

    def _take_accepted(self, saved: Sequence[int], opened: _Open | None) -> list[int]:
        """Give samples whose files are there their status; return those that have it.

        Of the sample in the window, then and now, the window knows the status: a person may have
        changed it while the files were written.
        """
        document, row, queue = self._context.document, self._row, self._queue
        if (
            opened is not None
            and opened.row in saved
            and opened.document is document
            and opened.mark == document.history.mark
        ):
            document.set_status(Status.ACCEPTED)
        if row is not None and document is not None:
            queue.set_status(row, document.status)
        in_window = {row, None if opened is None else opened.row}
        accepted = [
            row for row in saved if row not in in_window or queue.status_of(row) is Status.ACCEPTED
        ]
        self._reviewing.put_statuses(accepted, Status.ACCEPTED)
        for one in set(saved).difference(accepted):
            self._reviewing.put_statuses([one], queue.status_of(one))  # which removes its file
        return accepted

    def _work_on(
        self,
        doing: str,
        rows: Sequence[int],
        act: Callable[[int], None],
        finish: Callable[[], None],
    ) -> None:
        """Act on samples in the background, until done or stopped; then call `finish`.

        `act` runs in a thread; an error of one sample is noted in the queue.
        """

        def show() -> None:
            self._context.view.show_busy(f"{doing} {work.done:,} of {len(rows):,}…")

        def take(worked: Worked) -> None:
            self._queue.failures.update(worked.failures)
            show()

        def end(error: SeplError | None) -> None:
            if error is not None:
                self._fail(error)
                return
            self._context.view.show_busy("")
            self._is_busy = False
            finish()

        def each(some: Sequence[int], seconds: float) -> Worked:
            return work_on_each(act, some, seconds, self._queue.ids)

        self._is_busy = True
        work = self._work = RowWork("bulk", self._context.background, each, take, end)
        show()
        work.start(rows)

    def _fail(self, error: SeplError) -> None:
        """Show why the work ended."""
        self._is_busy = False
        self._context.show_failure(error)

    # --- the samples

    @property
    def _queue(self) -> Queue:
        return self._reviewing.queue

    @property
    def _row(self) -> int | None:
        """The row of the open sample."""
        return self._recording.row

    def _state(self, row: int) -> _State:
        queue = self._queue
        return _State(queue.status_of(row), int(queue.edits[row]) - self._own[row])
