"""Walking from sample to sample: what the queue's keys, clicks and Accept do."""

from collections.abc import Callable
from functools import partial

from napari_sepl.core.analysis.diagnosis.types import Diagnosis
from napari_sepl.core.errors import SeplError, of_one_sample
from napari_sepl.document.document import Document
from napari_sepl.document.edits import InputsChoice
from napari_sepl.files.dataset.index import Role
from napari_sepl.files.store import Status
from napari_sepl.gui.context import Prepared, ReviewContext
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.queue.prefetch import READ_AHEAD, Prefetch
from napari_sepl.gui.view import QueueView, View
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.diagnose import keep_suspicion, suspicion_of
from napari_sepl.workflow.review.queue import Queue, name_roles
from napari_sepl.workflow.review.reviewing import Reviewing

_MOST = 20
"""Unreadable samples in a row after which a walk stops: their folder may be missing."""

Onwards = Callable[[int], int | None]
"""Returns the row to try after a row; None for no row."""


class Navigator:
    """Walks a dataset under review and records what is done to each sample.

    Parameters
    ----------
    controller : Controller
        Shows one sample; its view shows messages and questions.
    panel : QueueView
        The queue.
    background : Background
        Reads samples.
    """

    def __init__(self, controller: Controller, panel: QueueView, background: Background) -> None:
        self._controller = controller
        self._panel = panel
        self._background = background
        self._reviewing: Reviewing | None = None
        self._prefetch: Prefetch | None = None
        self._wanted: int | None = None
        self._unreadable = Unreadable(controller.context)
        self._made: set[int] = set()  # rows whose masks are newer than their annotations
        self._recording = controller.recording
        self._recording.recorded.connect(self._on_recorded)
        self._recording.accepted.connect(self._on_accepted)
        controller.saving.refused.connect(self._read_again)
        controller.diagnosing.found.connect(self._on_diagnosed)

    @property
    def _view(self) -> View:
        return self._controller.context.view

    @property
    def row(self) -> int | None:
        """The row of the open sample; None if none is open."""
        return None if self._reviewing is None else self._recording.row

    # --- starting

    def start(self, reviewing: Reviewing) -> None:
        """Show the queue of a dataset, and open the last sample of the last session."""
        self.stop()
        self._reviewing = reviewing
        self._recording.start(reviewing)
        self._prefetch = Prefetch(self._background, self._prepare)
        self._controller.diagnosing.image_labels = reviewing.index.image_labels
        self._panel.list_samples(reviewing.queue, reviewing.index.classes)
        self.go(
            reviewing.session.resume_row(reviewing.queue), partial(self._panel.neighbour, step=1)
        )

    def stop(self) -> None:
        """Record the open sample, and leave the dataset."""
        if self._reviewing is None:
            return
        self._leave()
        self._recording.stop()
        self._controller.diagnosing.image_labels = {}
        self._reviewing = self._prefetch = self._wanted = None
        self._unreadable.rows = []
        self._made.clear()

    def _prepare(self, row: int) -> Prepared:
        if self._reviewing is None:
            raise SeplError("The dataset was closed.")
        with of_one_sample(self._reviewing.queue.ids[row]):
            return Prepared.around(self._reviewing.read(row))

    # --- walking

    def go(self, row: int | None, onwards: Onwards | None = None) -> None:
        """Open a sample; the open one stays on screen until the other is read.

        If it cannot be read, open the row that `onwards` returns, if given.
        """
        self._unreadable.rows = []
        self._go(row, onwards)

    def _go(self, row: int | None, onwards: Onwards | None) -> None:
        if row is None or self._prefetch is None:
            return
        self._wanted = None if row == self.row else row
        if self._wanted is None:
            self._view.show_busy("")
            return
        if row not in self._prefetch.rows:
            self._view.show_busy(f"reading {self._queue.ids[row]}…")
        self._prefetch.take(row, partial(self._arrive, row), partial(self._fail, row, onwards))

    def next(self) -> None:
        """Open the next sample of the list."""
        self._walk(1)

    def previous(self) -> None:
        """Open the previous sample of the list."""
        self._walk(-1)

    def next_pending(self) -> None:
        """Open the next listed sample that is pending."""
        self._walk_by(self._panel.next_pending, "No other listed sample is pending.")

    @property
    def _from(self) -> int:
        """The row that a walk starts at; -1, which is never listed, if there is none."""
        last = self._unreadable.rows[-1] if self._unreadable.rows else None
        at = (self._wanted, last, self.row)
        return next((row for row in at if row is not None), -1)

    def worst_pending(self) -> None:
        """Open the listed pending sample with the highest suspicion."""
        message = "No other listed pending sample has a suspicion."
        self._walk_by(self._panel.worst_pending, message)

    def _walk(self, step: int) -> None:
        message = f"No sample is listed {'after' if step > 0 else 'before'} this one."
        self._walk_by(partial(self._panel.neighbour, step=step), message)

    def _walk_by(self, onwards: Onwards, message: str) -> None:
        """Open the row that `onwards` returns, or show the message if there is none."""
        if self._reviewing is None:
            return
        row = onwards(self._from)
        if row is None:
            self._view.show_info(message)
        self.go(row, onwards)

    def _arrive(self, row: int, prepared: Prepared) -> None:
        if row == self._wanted and self._reviewing is not None:  # else the user walked on
            self._wanted = None
            self._view.show_busy("")
            self._unreadable.end()
            self._show(row, prepared)

    def _show(self, row: int, prepared: Prepared) -> None:
        if self._reviewing is None:
            return
        was_open = row == self.row
        self._leave()
        prepared.document.refusal = self._reviewing.refusal
        self._recording.open(row, prepared.document)
        self._queue.failures.pop(row, None)
        self._controller.show(prepared, self._recording.target_of(row))
        self._apply_to_made(row, prepared.document, was_open=was_open)
        self._reviewing.arrive(row, prepared.document)
        self._check(row, prepared.document)
        self._panel.show_current(row)
        self._panel.refresh_row(row, self._queue)
        self._look_ahead()

    def _apply_to_made(self, row: int, document: Document, *, was_open: bool) -> None:
        """Apply annotations to masks that a person generated here.

        Accepted labels stay unless the sample was open meanwhile: else looking would change them.
        """
        made = row in self._made and document.outdated == (Role.MASKS,)
        if made and (was_open or document.status is not Status.ACCEPTED):
            self._controller.choose_inputs(InputsChoice.APPLY)
        self._made.discard(row)

    def _check(self, row: int, document: Document) -> None:
        """Read the sample again if its files changed since they were read."""
        reviewing = self._reviewing
        if reviewing is None:
            return

        def found(roles: tuple[str, ...]) -> None:
            if roles and document is self._controller.context.document:
                changed = f"{name_roles(roles)} of {reviewing.queue.ids[row]} changed on disk"
                self._view.show_info(f"The {changed}: the sample is read again.")
                self._read_again(document)

        self._background.run(
            "check inputs",
            lambda: reviewing.moved(row, document),
            found,
            lambda error: self._view.show_error(str(error)),
        )

    def _read_again(self, document: Document) -> None:
        """Read the open sample again: its inputs changed."""
        row = self.row
        if row is None or self._prefetch is None:
            return
        if document is self._controller.context.document:
            self._leave()
            self._prefetch.forget()
            self._prefetch.take(
                row, partial(self._arrive_again, row), partial(self._fail, row, None)
            )

    def _arrive_again(self, row: int, prepared: Prepared) -> None:
        if row == self.row:
            self._show(row, prepared)

    def _fail(self, row: int, onwards: Onwards | None, error: SeplError) -> None:
        if self._reviewing is None:
            return
        self._queue.failures[row] = str(error)
        self._panel.refresh_row(row, self._queue)
        if row != self._wanted:
            return
        self._view.show_busy("")
        self._wanted = None
        self._unreadable.warn_first(error)
        if onwards is None:
            return
        self._unreadable.rows.append(row)
        after = None if self._unreadable.are_too_many else onwards(row)
        if after is None or after == self.row:
            self._unreadable.end_without_sample()
        else:
            self._go(after, onwards)

    def _look_ahead(self) -> None:
        if self._prefetch is not None:
            self._prefetch.want(row for row in self._near() if row not in self._queue.failures)

    def _near(self) -> list[int]:
        if self.row is None:
            return []
        near = [self._panel.neighbour(self.row, step) for step in READ_AHEAD]
        return [row for row in near if row is not None]

    def _leave(self) -> None:
        if self.row is not None:
            self._panel.finish_note()
            self._recording.leave()
            self._keep_diagnosis(self.row)

    def _keep_diagnosis(self, row: int) -> None:
        """Keep the suspicion of the open sample in the record, if it is of its present labels."""
        document = self._controller.context.document
        diagnosis = self._controller.diagnosing.current
        if self._reviewing is not None and document is not None and diagnosis is not None:
            suspicion = suspicion_of(document.resolved, diagnosis)
            keep_suspicion(self._reviewing, row, document.inputs, document.params, suspicion)

    def masks_made(self, row: int) -> None:
        """Forget what was read of a sample: its masks are new."""
        if self._reviewing is not None and self._prefetch is not None:
            self._queue.forget_suspicion([row])
            self._made.add(row)
            if row in {self.row, self._wanted, *self._near(), *self._prefetch.rows}:
                self._forget()
            self._panel.refresh_row(row, self._queue)

    def _forget(self) -> None:
        """Drop all prepared samples, and read the wanted one again."""
        row, wanted, self._wanted = self.row, self._wanted, None
        if self._prefetch is not None:
            self._prefetch.forget()
            if row is not None and row in self._made:
                self._prefetch.take(row, partial(self._renew, row), partial(self._fail, row, None))
            self.go(wanted)
            self._look_ahead()

    def _renew(self, row: int, prepared: Prepared) -> None:
        """Show the open sample with its new masks, and apply its annotations again."""
        document = self._controller.context.settled()
        if row == self.row and document is not None and self._reviewing is not None:
            inputs = prepared.document.inputs
            if inputs.digests["masks"] != document.inputs.digests["masks"]:
                self._leave()
                renewed = self._reviewing.renewed(row, inputs, document)
                self._show(row, Prepared.around(renewed))
            self._made.discard(row)

    # --- statuses and notes

    def skip(self) -> None:
        """Mark the sample as skipped, and open the next."""
        self._set_status(Status.SKIPPED)

    def flag(self) -> None:
        """Flag the sample for another annotator, and open the next."""
        self._set_status(Status.FLAGGED)

    def reopen(self) -> None:
        """Make the sample pending again."""
        self._set_status(Status.PENDING, walk_on=False)

    def _set_status(self, status: Status, *, walk_on: bool = True) -> None:
        if self.row is None or self._reviewing is None:
            return
        if self._reviewing.refusal:
            self._view.show_error(self._reviewing.refusal)
            return
        document = self._controller.context.settled()
        if document is not None:
            document.set_status(status)
        if walk_on:
            self._walk(1)

    def set_note(self, text: str) -> None:
        """Set the note of the open sample."""
        if self.row is not None and self._reviewing is not None:
            self._reviewing.set_note(self.row, text)
            self._panel.refresh_row(self.row, self._queue)

    def others_changed(self) -> None:
        """List and read again: samples that are not open were changed."""
        if self._reviewing is not None:
            self._panel.list_samples(self._queue, self._reviewing.index.classes)
            self._forget()

    def _on_accepted(self, row: int) -> None:
        if row == self.row:
            self._walk(1)

    def _on_recorded(self, row: int) -> None:
        if self._reviewing is not None:
            self._panel.refresh_row(row, self._queue)

    def _on_diagnosed(self, document: Document, diagnosis: Diagnosis) -> None:
        row, of_open = self.row, document is self._controller.context.document
        if row is not None and of_open and not self._queue.without_masks[row]:
            share, cause, change = suspicion_of(document.resolved, diagnosis)
            self._queue.set_suspicion(row, share, cause)
            self._queue.change[row] = change
            self._panel.refresh_row(row, self._queue)

    @property
    def _queue(self) -> Queue:
        if self._reviewing is None:
            raise RuntimeError("no dataset is open")
        return self._reviewing.queue


class Unreadable:
    """The unreadable samples in a row that the current walk went past.

    Parameters
    ----------
    context : ReviewContext
        Its view shows how many they are.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self.rows: list[int] = []

    @property
    def are_too_many(self) -> bool:
        """Whether the walk stops here."""
        return len(self.rows) >= _MOST

    def end(self, last: str = "") -> None:
        """Warn of the number of samples if there are several, and start another walk."""
        if len(self.rows) > 1:
            self._context.view.show_error(
                f"{len(self.rows):,} samples in a row cannot be read: "
                f"see their tooltips in the queue.{last}"
            )
        self.rows = []

    def end_without_sample(self) -> None:
        """Warn that no sample was opened; the next walk starts after too many of them."""
        rows = self.rows if self.are_too_many else []
        self.end(" None was opened.")
        self.rows = rows

    def warn_first(self, error: SeplError) -> None:
        """Warn why the first sample cannot be read; of the others, `end` shows the number."""
        if not self.rows:
            self._context.view.show_error(str(error))
