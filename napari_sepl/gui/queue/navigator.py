"""From sample to sample: what the queue's keys, clicks and Accept do."""

from collections.abc import Callable
from functools import partial

from napari_sepl.core.analysis.diagnosis.types import Diagnosis
from napari_sepl.core.errors import SeplError, of_one_sample
from napari_sepl.document.document import Document
from napari_sepl.files.store import Status
from napari_sepl.gui.context import Prepared, ReviewContext
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.queue.prefetch import Prefetch
from napari_sepl.gui.queue.recording import Recording
from napari_sepl.gui.view import QueueView, View
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.diagnose import suspicion_of
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.reviewing import Outdated, Reviewing

_MOST = 20
"""Unreadable samples in a row after which a walk stops, for their folder may be gone."""

Onwards = Callable[[int], int | None]
"""From a row to the one to try next."""


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
        self._prefetch: Prefetch | None = None
        self._wanted: int | None = None
        self._passed = Unreadable(controller.context)
        self._made: set[int] = set()  # whose masks are newer than what was said of them
        self._recording = Recording(controller, background)
        self._recording.recorded.connect(self._on_recorded)
        self._recording.accepted.connect(self._on_accepted)
        controller.diagnosing.found.connect(self._on_diagnosed)

    @property
    def _view(self) -> View:
        return self._controller.context.view

    @property
    def row(self) -> int | None:
        """The sample that is open."""
        return self._recording.row

    # --- starting

    def start(self, reviewing: Reviewing) -> None:
        """Show a dataset's queue and open the sample where the last session ended."""
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
        """Record what is open, and take no part in the dataset any more."""
        if self._reviewing is None:
            return
        self._leave()
        self._recording.stop()
        self._controller.diagnosing.image_labels = {}
        self._reviewing = self._prefetch = self._wanted = None
        self._passed.forget()
        self._made.clear()

    def _prepare(self, row: int) -> Prepared:
        if self._reviewing is None:
            raise SeplError("The dataset was closed.")
        with of_one_sample(self._reviewing.queue.ids[row]):
            return Prepared.around(self._reviewing.read(row))

    # --- walking

    def go(self, row: int | None, onwards: Onwards | None = None) -> None:
        """Open a sample; the one that is open stays until the other is there.

        If it cannot be read, go on to what `onwards` returns, unless that is left out.
        """
        self._passed.forget()
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
        """Open the next sample of the list that is still pending."""
        self._walk_by(self._panel.next_pending, "No other sample that is listed is pending.")

    @property
    def _from(self) -> int:
        """The row that a walk starts at; -1, which is never listed, for none."""
        at = (self._wanted, self._passed.last, self.row)
        return next((row for row in at if row is not None), -1)

    def worst_pending(self) -> None:
        """Open the sample of the list that is suspected most of those still pending."""
        told = "No other pending sample that is listed is known to be suspect."
        self._walk_by(self._panel.worst_pending, told)

    def _walk(self, step: int) -> None:
        told = f"No sample is listed {'after' if step > 0 else 'before'} this one."
        self._walk_by(partial(self._panel.neighbour, step=step), told)

    def _walk_by(self, onwards: Onwards, told: str) -> None:
        """Open the sample that follows; `told` if there is none."""
        if self._reviewing is None:
            return
        row = onwards(self._from)
        if row is None:
            self._view.show_info(told)
        self.go(row, onwards)

    def _arrive(self, row: int, opened: Prepared) -> None:
        if row == self._wanted and self._reviewing is not None:  # else the user walked on
            self._wanted = None
            self._view.show_busy("")
            self._passed.arrive()
            self._show(row, opened, self._reviewing.outdated(row))

    def _show(self, row: int, opened: Prepared, old: Outdated | None) -> None:
        if self._reviewing is None:
            return
        self._leave()
        self._recording.open(row, opened.document)
        self._queue.failures.pop(row, None)
        self._controller.show(opened, self._recording.target_of(row))
        if old is not None:
            say_again(self._view, opened.document, old, ask=row not in self._made)
        self._made.discard(row)
        self._reviewing.arrive(row, opened.document)
        self._panel.show_current(row)
        self._panel.refresh_row(row, self._queue)
        self._look_ahead()

    def _fail(self, row: int, onwards: Onwards | None, error: SeplError) -> None:
        if self._reviewing is None:
            return
        self._queue.failures[row] = str(error)
        self._panel.refresh_row(row, self._queue)
        if row != self._wanted:
            return
        self._view.show_busy("")
        self._wanted = None
        self._passed.tell_first(error)
        if onwards is None:
            return
        after = self._passed.pass_by(row, onwards)
        if after is None or after == self.row:
            self._passed.end()
        else:
            self._go(after, onwards)

    def _look_ahead(self) -> None:
        if self._prefetch is not None:
            self._prefetch.want(row for row in self._near() if row not in self._queue.failures)

    def _near(self) -> list[int]:
        if self.row is None:
            return []
        near = [self._panel.neighbour(self.row, step) for step in (1, 2, -1)]
        return [row for row in near if row is not None]

    def _leave(self) -> None:
        if self.row is not None:
            self._panel.finish_note()
            self._recording.leave()

    def masks_made(self, row: int) -> None:
        """Take in that there are new masks of a sample: what was read of it is out of date."""
        if self._reviewing is not None and self._prefetch is not None:
            self._queue.forget_suspicion([row])
            self._made.add(row)
            if row in {self.row, self._wanted, *self._near(), *self._prefetch.rows}:
                self._forget()
            self._panel.refresh_row(row, self._queue)

    def _forget(self) -> None:
        """Forget what was prepared, and ask anew for what is wanted."""
        row, wanted, self._wanted = self.row, self._wanted, None
        if self._prefetch is not None:
            self._prefetch.forget()
            if row is not None and row in self._made:
                self._prefetch.take(row, partial(self._renew, row), partial(self._fail, row, None))
            self.go(wanted)
            self._look_ahead()

    def _renew(self, row: int, opened: Prepared) -> None:
        """Show the sample that is open with its new masks; what was said of it stays."""
        document = self._controller.context.settled()
        if row == self.row and document is not None and self._reviewing is not None:
            self._reviewing.outdated(row)  # what the window knows is newer
            inputs = opened.document.inputs
            if inputs.digests["masks"] != document.inputs.digests["masks"]:
                annotations = document.annotations.on_other_masks(len(inputs.masks))
                self._show(row, opened, Outdated(("masks",), annotations))
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
        if self.row is None or self._reviewing is None:
            return
        if self._reviewing.refusal:
            self._view.show_error(self._reviewing.refusal)
            return
        self._leave()
        self._reviewing.set_status(self.row, status)
        self._panel.refresh_row(self.row, self._queue)
        if go_on:
            self._walk(1)

    def set_note(self, text: str) -> None:
        """Write a note on the sample that is open."""
        if self.row is not None and self._reviewing is not None:
            self._reviewing.set_note(self.row, text)
            self._panel.refresh_row(self.row, self._queue)

    def others_changed(self) -> None:
        """Forget what was prepared: samples that are not open were changed."""
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
            self._queue.set_suspicion(row, *suspicion_of(diagnosis))
            self._panel.refresh_row(row, self._queue)

    @property
    def _queue(self) -> Queue:
        if self._reviewing is None:
            raise RuntimeError("no dataset is open")
        return self._reviewing.queue


class Unreadable:
    """What was passed by the walk that is under way, or that stopped there.

    Parameters
    ----------
    context : ReviewContext
        Its view is where it is told.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._rows: list[int] = []

    @property
    def last(self) -> int | None:
        """The row that was passed last; None if none was."""
        return self._rows[-1] if self._rows else None

    @property
    def _are_too_many(self) -> bool:
        return len(self._rows) >= _MOST

    def pass_by(self, row: int, onwards: Onwards) -> int | None:
        """Pass a sample; return the one to try next, None if none is to be tried."""
        self._rows.append(row)
        return None if self._are_too_many else onwards(row)

    def forget(self) -> None:
        """Begin another walk."""
        self._rows = []

    def arrive(self) -> None:
        """Tell how many were passed on the way to the sample that is there."""
        self._tell()
        self.forget()

    def end(self) -> None:
        """Tell that nothing was opened; a walk that stopped goes on from there the next time."""
        self._tell(" Nothing else was opened.")
        if not self._are_too_many:
            self.forget()

    def tell_first(self, error: SeplError) -> None:
        """Tell why a sample cannot be read; of those that follow it only their number is told."""
        if not self._rows:
            self._context.view.show_error(str(error))

    def _tell(self, then: str = "") -> None:
        """Tell how many were passed, if more than the one that was told of."""
        if len(self._rows) > 1:
            self._context.view.show_error(
                f"{len(self._rows):,} samples in a row cannot be read; the queue says why.{then}"
            )


def say_again(view: View, document: Document, old: Outdated, *, ask: bool) -> None:
    """Say again what was said of a sample before its files changed.

    It is asked first, unless masks alone changed, and somebody had them made: then not `ask`.
    """
    question = (
        f"{document.inputs.sample_id}: {', '.join(old.roles)} changed on disk since the review. "
        f"Apply what was set, decided and painted then?"
    )
    maps = [
        one for one in (old.annotations.locked_pixels, old.annotations.overlay) if one is not None
    ]
    if any(one.shape != document.inputs.shape for one in maps):
        view.show_error(f"{question[:-1]} cannot be: its size is another.")
    elif (not ask and old.roles == ("masks",)) or view.confirm(question):
        document.restore(old.annotations)
