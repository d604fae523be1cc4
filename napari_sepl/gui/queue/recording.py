"""What is done to the samples of a dataset, on its way to the record."""

from functools import partial
from time import monotonic
from weakref import WeakKeyDictionary

from psygnal import Signal

from napari_sepl.document.document import Document
from napari_sepl.document.edits import Edit, ParamsEdit, Status, StatusEdit
from napari_sepl.files.store import ReviewStep
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.saving import SaveTarget
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.review.reviewing import Reviewing

_REST = 200
"""Milliseconds after which a slider that stopped is recorded."""


class Recording:
    """Listens to the sample that is open and records each of its steps.

    Parameters
    ----------
    controller : Controller
        Shows the sample.
    background : Background
        Where a slider is given time to stop.

    Attributes
    ----------
    row : int or None
        The sample that is open.
    recorded : Signal(int)
        Emitted with the row whose state was recorded.
    accepted : Signal(int)
        Emitted with the row of a sample whose accepted labels are on the disk.
    """

    recorded, accepted = Signal(int), Signal(int)

    def __init__(self, controller: Controller, background: Background) -> None:
        self._controller = controller
        self._background = background
        self._reviewing: Reviewing | None = None
        self.row: int | None = None
        self._since = 0.0
        self._steps: list[ReviewStep] = []
        self._rows: WeakKeyDictionary[Document, int] = WeakKeyDictionary()
        controller.stepped.connect(self._on_stepped)
        controller.saving.accepted.connect(self._on_accepted)

    def start(self, reviewing: Reviewing) -> None:
        """Record into this dataset from now on."""
        self._reviewing = reviewing

    def stop(self) -> None:
        """Record nothing more; what is open counts as saved, for all of it is in the store."""
        document = self._controller.context.document
        if self.row is not None and document is not None:
            document.mark_saved(document.history.mark)
        target = self._controller.saving.target
        self._controller.saving.target = SaveTarget(target.folder, target.inputs)
        self._reviewing = self.row = None
        self._rows.clear()

    def open(self, row: int, document: Document) -> None:
        """Record what is done to this sample from now on."""
        self.row, self._since = row, monotonic()
        self._rows[document] = row

    def leave(self) -> None:
        """Record the sample that is open, with the time spent on it."""
        document = self._controller.context.settled()
        if document is not None and self.row is not None and self._reviewing is not None:
            self._record(document)
            self._reviewing.add_seconds(self.row, monotonic() - self._since)
            self._since = monotonic()

    def target_of(self, row: int) -> SaveTarget:
        """Return where the labels of a sample go."""
        if self._reviewing is None:
            raise RuntimeError("no dataset is open")
        reviewing = self._reviewing
        return SaveTarget(
            reviewing.folder,
            reviewing.files[row],
            reviewing.refusal,
            not reviewing.refusal,
            partial(reviewing.wrote, row),
            partial(reviewing.announce, row),
        )

    def _on_accepted(self, document: Document) -> None:
        """Record that a document's file is there, if it is one of the dataset's."""
        row = self._rows.get(document)
        if row is None or self._reviewing is None:
            return
        if document is not self._controller.context.document:  # it was left: nobody recorded it
            last = document.history.done[-1:]
            steps = [ReviewStep("do", edit) for edit in last if isinstance(edit, StatusEdit)]
            self._reviewing.record(row, document, steps)
            self.recorded.emit(row)
        if document.status is Status.ACCEPTED:
            self.accepted.emit(row)
        else:
            self._reviewing.remove_files([row])

    def _on_stepped(self, document: Document, kind: str, edit: Edit) -> None:
        step = ReviewStep(kind, edit)
        if self.row is None or document is not self._controller.context.document:
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
        if self.row is None or self._reviewing is None:
            return
        steps, self._steps = self._steps, []
        if steps:
            self._reviewing.record(self.row, document, steps)
            self.recorded.emit(self.row)
