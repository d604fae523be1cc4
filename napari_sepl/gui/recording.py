"""Writing each step on the open sample to the record."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic
from weakref import WeakKeyDictionary

from psygnal import Signal

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, SeplError, counted
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.edits import (
    Edit,
    InputsChoice,
    InputsEdit,
    ParamsEdit,
    Status,
    StatusEdit,
)
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.samples import Sample
from napari_sepl.files.store import ReviewStep
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.preferences import on_preferred_annotator, preferred_annotator
from napari_sepl.gui.saving import SaveTarget, Saving
from napari_sepl.workflow.review.one_image import OneImage
from napari_sepl.workflow.review.queue import name_roles
from napari_sepl.workflow.review.recorded import Recorded

_REST = 200
"""Milliseconds after which a resting slider is recorded."""


class Recording:
    """Records each step on the open sample.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the view, and the background that waits until a slider rests.
    saving : Saving
        Writes the labels of accepted samples.

    Attributes
    ----------
    row : int or None
        The row of the open sample.
    recorded : Signal(int)
        Emitted with the recorded row.
    accepted : Signal(int)
        Emitted with the row of a sample whose accepted labels are on disk.
    """

    recorded, accepted = Signal(int), Signal(int)

    def __init__(self, context: ReviewContext, saving: Saving) -> None:
        self._context = context
        self._saving = saving
        self._recorded: Recorded | None = None
        self.row: int | None = None
        self._since = 0.0
        self._steps: list[ReviewStep] = []
        self._rows: WeakKeyDictionary[Document, int] = WeakKeyDictionary()
        saving.accepted.connect(self._on_accepted)

    def start(self, recorded: Recorded) -> None:
        """Record into this record from now on."""
        self.close()
        self._recorded = recorded
        on_preferred_annotator(self._follow_annotator)

    def _follow_annotator(self) -> None:
        """Record under another name from now on: the user changed the preferences."""
        if self._recorded is not None:
            self._recorded.annotator = preferred_annotator()

    def opener(
        self, sample: Sample | None, folder: Path | None, start: Params
    ) -> Callable[[Inputs], tuple[OneImage | None, Document]]:
        """Return a function, for a thread, that opens the record of an image opened alone.

        It returns the record and the document. Without a record that can be read the image opens
        all the same, and it is shown why.
        """
        who, callbacks = preferred_annotator(), (self.on_error, self.on_saved, self.on_kept)

        def open_record(inputs: Inputs) -> tuple[OneImage | None, Document]:
            one = None
            try:
                one = OneImage.open(inputs, sample, folder, start, callbacks, who)
                return one, one.read(0)
            except SeplError as error:
                if one is not None:
                    one.close()
                self.on_kept(f"{error} So nothing is recorded until labels are accepted.")
                return None, Document(inputs, Annotations(start))

        return open_record

    def stop(self) -> None:
        """Stop; the open document counts as saved, since the record has all of it."""
        document = self._context.document
        if self.is_recorded and self.row is not None and document is not None:
            document.mark_saved(document.history.mark)
        target = self._saving.target
        self._saving.target = SaveTarget(target.folder, target.inputs)
        self._recorded = self.row = None
        self._rows.clear()
        self.show_outdated()

    def close(self) -> None:
        """Record the image that is open alone, and close its record; a dataset closes its own."""
        one = self._recorded
        if isinstance(one, OneImage):
            self.leave()
            self.stop()
            one.close()

    def holds(self, one: OneImage) -> bool:
        """Return whether a record is read-only because the image that is open here has it."""
        mine = self._recorded
        return (
            isinstance(mine, OneImage)
            and bool(one.refusal)
            and not mine.refusal
            and mine.on_disk.store.path == one.on_disk.store.path
        )

    @property
    def is_alone(self) -> bool:
        """Whether the open image is no sample of a dataset, and has a record."""
        return isinstance(self._recorded, OneImage)

    @property
    def is_recorded(self) -> bool:
        """Whether all that is done to the image that is open goes to a record."""
        return self._recorded is not None and not self._recorded.refusal

    def on_error(self, error: SeplError) -> None:
        """Show why something is not written yet; called from the writing thread."""
        self._context.background.post(
            lambda: self._context.view.show_error(f"{error} napari-sepl will try again.")
        )

    def on_saved(self) -> None:
        """Report that an error is over; called from the writing thread."""
        text = "The record is written again, with all changes since."
        self._context.background.post(lambda: self._context.view.show_info(text))

    def on_kept(self, why: str) -> None:
        """Name a label file that should not be there and stays; called from the writing thread."""
        self._context.background.post(lambda: self._context.view.show_error(why))

    def open(self, row: int, document: Document) -> None:
        """Record the steps on this sample from now on."""
        self.row, self._since = row, monotonic()
        self._rows[document] = row

    def record(self) -> None:
        """Record the open sample as it is now; a slider that moves, too."""
        document = self._context.settled()
        if document is not None:
            self._record(document)

    def leave(self) -> None:
        """Record the open sample and the time spent on it."""
        if self.row is not None and self._recorded is not None:
            self._recorded.add_seconds(self.row, monotonic() - self._since)
            self._since = monotonic()
        self.record()
        if self.row is not None and self._recorded is not None:
            self._recorded.put_seconds(self.row)

    def target_of(self, row: int) -> SaveTarget:
        """Return where the labels of a sample go."""
        if self._recorded is None:
            raise RuntimeError("no record is open")
        recorded = self._recorded
        return SaveTarget(
            recorded.folder,
            recorded.files[row],
            recorded.refusal,
            not recorded.refusal,
            partial(recorded.wrote, row),
            partial(recorded.require_unmoved, row),
            partial(recorded.announce, row),
        )

    def _on_accepted(self, document: Document) -> None:
        """Record that a document's file is there, if it is one of the dataset's."""
        row = self._rows.get(document)
        if row is None or self._recorded is None:
            return
        if document is not self._context.document:  # it was left: nobody recorded it
            last = document.history.done[-1:]
            steps = [
                ReviewStep("do", edit) for edit in last if isinstance(edit, StatusEdit | InputsEdit)
            ]
            self._recorded.record(row, document, steps)
            self.recorded.emit(row)
        if document.status is Status.ACCEPTED:
            self.accepted.emit(row)
        else:
            self._recorded.remove_files([row])

    def take_step(self, document: Document, kind: str, edit: Edit) -> None:
        """Record a step of the document that is open; a slider that moves, once it rests."""
        step = ReviewStep(kind, edit)
        if self.row is None or document is not self._context.document:
            return
        moving = isinstance(step.edit, ParamsEdit) and step.kind == "do"
        joined = self._steps[-1].merged(step) if self._steps else None
        if joined is not None:
            self._steps[-1] = joined
        else:
            self._steps.append(step)
        if moving:
            self._context.background.later("record", _REST, lambda: self._record(document))
        else:
            self._record(document)
            self.show_outdated()
            if document.outdated and self._recorded is not None:  # undone: the label file returns
                self._context.background.run(
                    "label file",
                    self._recorded.on_disk.flush,
                    lambda _: self.show_outdated(),
                    self._context.show_failure,
                )

    def choose_inputs(self, choice: InputsChoice) -> None:
        """Do what a person chose for the open sample if it is outdated."""
        document = self._context.settled()
        if document is None or self._recorded is None:
            return
        if self._recorded.refusal:
            self._context.view.show_error(self._recorded.refusal)
            return
        try:
            self._recorded.choose(document, choice)
        except InputError as error:
            self._context.view.show_error(str(error))

    def show_outdated(self) -> None:
        """Show whether the open sample is outdated, and what may become of it."""
        document, text, refusals = self._context.document, "", {}
        if document is not None and self._recorded is not None:
            old = self._recorded.outdated(document)
            if old is not None:
                refusals = old.refusals(document.inputs)
                reasons = "; ".join(dict.fromkeys(refusals.values()))
                text = f"Outdated: {name_roles(old.roles)} changed since the review."
                text += f" Not every choice is possible: {reasons}." if reasons else ""
                if old.lost_decisions and InputsChoice.APPLY not in refusals:
                    lost = counted(old.lost_decisions, "decision")
                    text += f" Applying drops {lost} made on the former masks or pseudo-labels."
        self._context.view.show_outdated(text, refusals)

    def _record(self, document: Document) -> None:
        if self.row is None or self._recorded is None:
            return
        steps, self._steps = self._steps, []
        if steps:
            self._recorded.record(self.row, document, steps)
            self.recorded.emit(self.row)
