"""From sample to sample: what the queue's keys, clicks and Accept do."""

from functools import partial
from time import monotonic
from typing import Protocol
from weakref import WeakKeyDictionary

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import SeplError
from napari_sepl.document.document import Document
from napari_sepl.document.edits import Edit, ParamsEdit
from napari_sepl.files.store import Status
from napari_sepl.gui.ahead import Ahead
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.making_dataset import say_again
from napari_sepl.gui.opened import Opened
from napari_sepl.gui.view import View
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.queue import Queue
from napari_sepl.workflow.review import Outdated, Reviewing
from napari_sepl.workflow.steps import ReviewStep

_REST = 200
"""Milliseconds after which a slider that stopped is recorded."""


class QueueView(Protocol):
    """What the navigator asks of the queue's panel."""

    def list_samples(self, queue: Queue, classes: ClassList) -> None:
        """List what passes the filter."""

    def show_current(self, row: int) -> None:
        """Mark the sample that is open."""

    def refresh_row(self, row: int, queue: Queue) -> None:
        """Draw a sample's line and the counts anew."""

    def neighbour(self, row: int, step: int) -> int | None:
        """Return the row that is listed `step` lines from another; None beyond the ends."""

    def next_pending(self, row: int) -> int | None:
        """Return the next row listed after another that is pending, starting over at the end."""


class Navigator:
    """Walks a dataset under review and records what is done to each sample.

    Parameters
    ----------
    controller : Controller
        Shows one sample; its view is where messages and questions go.
    panel : QueueView
        The queue.
    background : Background
        Where samples are read.
    """

    def __init__(self, controller: Controller, panel: QueueView, background: Background) -> None:
        self._controller = controller
        self._panel = panel
        self._background = background
        self._reviewing: Reviewing | None = None
        self._ahead: Ahead | None = None
        self._row: int | None = None
        self._wanted: int | None = None
        self._since = 0.0
        self._steps: list[ReviewStep] = []
        self._made: set[int] = set()  # whose masks are newer than what was said of them
        self._rows: WeakKeyDictionary[Document, int] = WeakKeyDictionary()
        controller.stepped.connect(self._on_stepped)
        controller.saving.saved.connect(self._on_saved)

    @property
    def _view(self) -> View:
        return self._controller.view

    @property
    def row(self) -> int | None:
        """The sample that is open."""
        return self._row

    # --- starting

    def start(self, reviewing: Reviewing) -> None:
        """Show a dataset's queue and open the sample where the last session ended."""
        self.stop()
        self._reviewing = reviewing
        self._ahead = Ahead(self._background, self._prepare)
        self._controller.saving.refusal = reviewing.refusal
        self._controller.in_dataset = True
        self._panel.list_samples(reviewing.queue, reviewing.dataset.classes)
        self.go(reviewing.session.resume_row(reviewing.queue))

    def stop(self) -> None:
        """Record what is open and close the dataset."""
        if self._reviewing is None:
            return
        self._leave()
        document = self._controller.document
        if self._row is not None and document is not None:
            document.mark_saved(document.history.mark)  # all of it is in the store
        self._reviewing.close()
        self._controller.saving.refusal = ""
        self._controller.in_dataset = False
        self._reviewing = self._ahead = self._row = self._wanted = None
        self._rows.clear()
        self._made.clear()

    def _prepare(self, row: int) -> Opened:
        if self._reviewing is None:
            raise SeplError("The dataset was closed.")
        return Opened.around(self._reviewing.read(row))

    # --- walking

    def go(self, row: int | None, step: int = 0) -> None:
        """Open a sample; the one that is open stays until the other is there.

        If it cannot be read, go on in steps of `step`, unless that is 0.
        """
        if row is None or self._ahead is None or row == self._row:
            return
        self._wanted = row
        self._view.show_busy(f"reading {self._queue.ids[row]}…")
        self._ahead.take(row, partial(self._arrive, row), partial(self._fail, row, step=step))

    def next(self) -> None:
        """Open the next sample of the list."""
        self._walk(1)

    def previous(self) -> None:
        """Open the previous sample of the list."""
        self._walk(-1)

    def next_pending(self) -> None:
        """Open the next sample of the list that is still pending."""
        if self._row is None:
            return
        row = self._panel.next_pending(self._row)
        if row is None:
            self._view.tell("No sample that is listed is pending.")
        self.go(row)

    def _walk(self, step: int) -> None:
        start = self._row if self._wanted is None else self._wanted
        if start is not None:
            self.go(self._panel.neighbour(start, step), step)

    def _arrive(self, row: int, opened: Opened) -> None:
        if row == self._wanted and self._reviewing is not None:  # else the user walked on
            self._wanted = None
            self._view.show_busy("")
            self._show(row, opened, self._reviewing.outdated(row))

    def _show(self, row: int, opened: Opened, old: Outdated | None) -> None:
        if self._reviewing is None:
            return
        self._leave()
        self._row, self._since = row, monotonic()
        self._rows[opened.document] = row
        self._queue.failures.pop(row, None)
        self._controller.show(
            opened,
            folder=self._reviewing.folder,
            files=self._reviewing.files(row),
            before=str(self._queue.status_of(row)),
        )
        if old is not None:
            say_again(self._view, opened.document, old, ask=row not in self._made)
        self._made.discard(row)
        self._reviewing.arrive(row, opened.document)
        self._panel.show_current(row)
        self._panel.refresh_row(row, self._queue)
        self._look_ahead()

    def _fail(self, row: int, error: SeplError, step: int = 0) -> None:
        if self._reviewing is None:
            return
        self._queue.failures[row] = str(error)
        self._panel.refresh_row(row, self._queue)
        if row == self._wanted:
            self._view.show_busy("")
            self._wanted = None
            self._view.warn(str(error))
            if step:
                self.go(self._panel.neighbour(row, step), step)

    def _look_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.want(row for row in self._near() if row not in self._queue.failures)

    def _near(self) -> list[int]:
        if self._row is None:
            return []
        near = [self._panel.neighbour(self._row, step) for step in (1, 2, -1)]
        return [row for row in near if row is not None]

    def _leave(self) -> None:
        """Record the sample that is open, with the time spent on it."""
        if self._row is None or self._reviewing is None:
            return
        document = self._controller.settled()
        if document is not None:
            self._record(document)
            self._reviewing.add_seconds(self._row, monotonic() - self._since)
            self._since = monotonic()

    def masks_made(self, row: int) -> None:
        """Take in that there are new masks of a sample: what was read of it is out of date."""
        if self._reviewing is not None and self._ahead is not None:
            self._made.add(row)
            if row in {self._row, self._wanted, *self._near(), *self._ahead.rows}:
                self._forget()
            self._panel.refresh_row(row, self._queue)

    def _forget(self) -> None:
        """Forget what was prepared, and ask anew for what is wanted."""
        row, wanted, self._wanted = self._row, self._wanted, None
        if self._ahead is not None:
            self._ahead.forget()
            if row is not None and row in self._made:
                self._ahead.take(row, partial(self._renew, row), partial(self._fail, row))
            self.go(wanted)
            self._look_ahead()

    def _renew(self, row: int, opened: Opened) -> None:
        """Show the sample that is open with its new masks; what was said of it stays."""
        document = self._controller.settled()
        if row == self._row and document is not None and self._reviewing is not None:
            self._reviewing.outdated(row)  # what the window knows is newer
            inputs = opened.document.inputs
            if inputs.digests["masks"] != document.inputs.digests["masks"]:
                said = document.said.on_other_masks(len(inputs.masks))
                self._show(row, opened, Outdated(("masks",), said))
            self._made.discard(row)

    # --- deciding

    def skip(self) -> None:
        """Set the sample aside and go on."""
        self._decide(Status.SKIPPED)

    def flag(self) -> None:
        """Mark the sample for somebody else to look at, and go on."""
        self._decide(Status.FLAGGED)

    def reopen(self) -> None:
        """Make the sample pending again."""
        self._decide(Status.PENDING, go_on=False)

    def _decide(self, status: Status, *, go_on: bool = True) -> None:
        if self._row is None or self._reviewing is None:
            return
        if self._reviewing.refusal:
            self._view.warn(self._reviewing.refusal)
            return
        self._leave()
        self._reviewing.set_status(self._row, status)
        self._panel.refresh_row(self._row, self._queue)
        if go_on:
            self._walk(1)

    def set_note(self, text: str) -> None:
        """Write a note on the sample that is open."""
        if self._row is not None and self._reviewing is not None:
            self._reviewing.set_note(self._row, text)
            self._panel.refresh_row(self._row, self._queue)

    def others_changed(self) -> None:
        """Forget what was prepared: samples that are not open were changed."""
        if self._reviewing is not None:
            self._panel.list_samples(self._queue, self._reviewing.dataset.classes)
            self._forget()

    def _on_saved(self, document: Document, accepted: bool) -> None:
        row = self._rows.get(document)
        if row is None or self._reviewing is None:
            return
        if accepted:
            self._queue.set_status(row, Status.ACCEPTED)
        steps: list[ReviewStep] = []  # what was done to one that was left is recorded already
        if row == self._row:
            steps, self._steps = self._steps, []
        self._reviewing.record(row, document, steps)
        self._panel.refresh_row(row, self._queue)
        if accepted and row == self._row:
            self._walk(1)

    # --- recording

    def _on_stepped(self, document: Document, kind: str, edit: Edit) -> None:
        step = ReviewStep(kind, edit)
        if self._row is None or document is not self._controller.document:
            return
        moving = isinstance(step.edit, ParamsEdit) and step.kind == "do"
        joined = self._steps[-1].merged(step) if self._steps else None
        if joined is not None:
            self._steps[-1] = joined
        else:
            self._steps.append(step)
        if moving:
            self._background.later("record", _REST, lambda: self._record(document))
        else:
            self._record(document)

    def _record(self, document: Document) -> None:
        if self._row is None or self._reviewing is None:
            return
        steps, self._steps = self._steps, []
        if steps:
            self._reviewing.record(self._row, document, steps)
            self._panel.refresh_row(self._row, self._queue)

    @property
    def _queue(self) -> Queue:
        if self._reviewing is None:
            raise RuntimeError("no dataset is open")
        return self._reviewing.queue
