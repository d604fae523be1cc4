"""Writing each step on the open sample of a dataset to the record."""

from functools import partial
from time import monotonic
from weakref import WeakKeyDictionary

from psygnal import Signal

from napari_sepl.document.document import Document
from napari_sepl.document.edits import Edit, ParamsEdit
from napari_sepl.files.store import ReviewStep, Status
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.saving import SaveTarget
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.review.reviewing import Reviewing

_REST = 200
"""Milliseconds after which a resting slider is recorded."""


class Recording:
    """Listens to the open sample and records each of its steps.

    Parameters
    ----------
    controller : Controller
        Shows the sample.
    background : Background
        Waits until a slider rests.

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

    def __init__(self, controller: Controller, background: Background) -> None:
        self._controller = controller
        self._background = background
        self._reviewing: Reviewing | None = None
        self.row: int | None = None
        self._since = 0.0
        self._steps: list[ReviewStep] = []
        self._rows: WeakKeyDictionary[Document, int] = WeakKeyDictionary()
        controller.stepped.connect(self._on_stepped)
        controller.saving.saved.connect(self._on_saved)

    def start(self, reviewing: Reviewing) -> None:
        """Record into this dataset from now on."""
        self._reviewing = reviewing

    def stop(self) -> None:
        """Stop; the open document counts as saved, since the record has all of it."""
        document = self._controller.context.document
        if self.row is not None and document is not None:
            document.mark_saved(document.history.mark)
        target = self._controller.saving.target
        self._controller.saving.target = SaveTarget(
            target.folder, target.inputs, before=target.before
        )
        self._reviewing = self.row = None
        self._rows.clear()

    def open(self, row: int, document: Document) -> None:
        """Record the steps on this sample from now on."""
        self.row, self._since = row, monotonic()
        self._rows[document] = row

    def leave(self) -> None:
        """Record the open sample and the time spent on it."""
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
            str(reviewing.queue.status_of(row)),
            partial(reviewing.wrote, row),
        )

    def _on_saved(self, document: Document, accepted: bool) -> None:
        """Record that the labels of a document are on disk, if it is of the dataset."""
        row = self._rows.get(document)
        if row is None or self._reviewing is None:
            return
        if accepted:
            self._reviewing.queue.set_status(row, Status.ACCEPTED)
        steps: list[ReviewStep] = []  # those of a closed sample are recorded already
        if row == self.row:
            steps, self._steps = self._steps, []
        self._reviewing.record(row, document, steps)
        self.recorded.emit(row)
        if accepted:
            self.accepted.emit(row)

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
