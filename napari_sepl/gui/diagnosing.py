"""What may be wrong with the image that is open, kept up to date behind the labels."""

from collections.abc import Mapping

from psygnal import Signal

from napari_sepl.core.analysis.diagnosis.types import Diagnosis, Finding
from napari_sepl.core.errors import SeplError
from napari_sepl.document.document import Document
from napari_sepl.document.resolve import Resolved
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.pointing import Pointing

_PAUSE = 100
"""Milliseconds of rest after which it follows a drag; it is of no use while labels still move."""


class Diagnosing:
    """Diagnoses the document that is open, beside the window's thread.

    Parameters
    ----------
    context : ReviewContext
        Has the document, the view and the background.
    pointing : Pointing
        Points at what a finding is about.

    Attributes
    ----------
    image_labels : mapping of str to tuple of int
        The classes that samples are known to hold, by id.
    found : Signal(Document, Diagnosis)
        Emitted when the document that is open has a new diagnosis.
    """

    found = Signal(Document, Diagnosis)

    def __init__(self, context: ReviewContext, pointing: Pointing) -> None:
        self._context = context
        self._pointing = pointing
        self._diagnosed: tuple[Resolved, Diagnosis] | None = None
        self.image_labels: Mapping[str, tuple[int, ...]] = {}

    def follow(self) -> None:
        """Show the diagnosis of the labels as they are, at once if it is known."""
        document = self._context.document
        if document is None:
            return
        if self._diagnosed is not None and self._diagnosed[0] is document.resolved:
            self._show(document, self._diagnosed[1])
        else:
            self._context.background.later("diagnosis", _PAUSE, self._start)

    def point_at(self, finding: Finding) -> None:
        """Point at the mask at fault, else at the class's pseudo-labels; choose a missing class."""
        document = self._context.document
        if document is None:
            return
        if finding.mask_index is not None:
            self._pointing.name(finding.mask_index)
        elif finding.class_id in document.inputs.overlap.class_ids:
            self._pointing.name(-finding.class_id)
        else:
            self._context.choose_class(finding.class_id)

    def _start(self) -> None:
        document = self._context.document
        if document is None:
            return
        resolved, image_labels = (
            document.resolved,
            self.image_labels.get(document.inputs.sample_id, ()),
        )
        self._context.background.run(
            "diagnosis",
            lambda: resolved.diagnose(image_labels),
            lambda diagnosis: self._take(document, resolved, diagnosis),
            self._fail,
        )

    def _take(self, document: Document, resolved: Resolved, diagnosis: Diagnosis) -> None:
        if document is self._context.document and resolved is document.resolved:
            self._diagnosed = resolved, diagnosis
            self._show(document, diagnosis)
            self.found.emit(document, diagnosis)

    def _show(self, document: Document, diagnosis: Diagnosis) -> None:
        self._context.view.diagnosis.show_diagnosis(diagnosis, document.inputs.classes)

    def _fail(self, error: SeplError) -> None:
        self._context.view.warn(str(error))
