"""The diagnosis of the open image, updated after its labels."""

from collections.abc import Mapping

from psygnal import Signal

from napari_sepl.core.analysis.diagnosis.types import Diagnosis, Finding
from napari_sepl.document.document import Document
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.pointing import Pointing

_PAUSE = 100
"""Milliseconds of rest after a drag before the diagnosis starts."""


class Diagnosing:
    """Diagnoses the open document in the background.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the view and the background.
    pointing : Pointing
        Points at the mask or class of a finding.

    Attributes
    ----------
    image_labels : mapping of str to tuple of int
        The image-level labels of samples, by id.
    found : Signal(Document, Diagnosis)
        Emitted when the open document has a new diagnosis.
    """

    found = Signal(Document, Diagnosis)

    def __init__(self, context: ReviewContext, pointing: Pointing) -> None:
        self._context = context
        self._pointing = pointing
        self._diagnosed: tuple[Resolved, Diagnosis] | None = None
        self.image_labels: Mapping[str, tuple[int, ...]] = {}

    def follow(self) -> None:
        """Show the diagnosis of the current labels, at once if it was computed before."""
        document = self._context.document
        if document is None:
            return
        diagnosis = self.current
        if diagnosis is not None:
            self._show(document, diagnosis)
        else:
            self._context.background.later("diagnosis", _PAUSE, self._start)

    @property
    def current(self) -> Diagnosis | None:
        """The diagnosis of the labels as they are; None while it is not known."""
        document, known = self._context.document, self._diagnosed
        is_current = document is not None and known is not None and known[0] is document.resolved
        return known[1] if is_current and known is not None else None

    def point_at(self, finding: Finding) -> None:
        """Point at the mask of a finding, else at its class; choose a class without pixels."""
        document = self._context.document
        if document is None:
            return
        if finding.mask_index is not None:
            self._pointing.point_at(finding.mask_index)
        elif finding.class_id in document.inputs.overlap.class_ids:
            self._pointing.point_at(-finding.class_id)
        else:
            self._context.choose_class(finding.class_id)

    def _start(self) -> None:
        document = self._context.document
        if document is None:
            return
        resolved = document.resolved
        image_labels = self.image_labels.get(document.inputs.sample_id, ())
        self._context.background.run(
            "diagnosis",
            lambda: resolved.diagnose(image_labels),
            lambda diagnosis: self._take(document, resolved, diagnosis),
            self._context.show_failure,
        )

    def _take(self, document: Document, resolved: Resolved, diagnosis: Diagnosis) -> None:
        if document is self._context.document and resolved is document.resolved:
            self._diagnosed = resolved, diagnosis
            self._show(document, diagnosis)
            self.found.emit(document, diagnosis)

    def _show(self, document: Document, diagnosis: Diagnosis) -> None:
        self._context.view.diagnosis.show_diagnosis(diagnosis, document.inputs.classes)
