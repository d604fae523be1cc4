"""What may be wrong with the image that is open: a short list, the gravest first."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_sepl.core.classes import ClassList
from napari_sepl.core.diagnosis import Diagnosis, Finding
from napari_sepl.document.findings import tell_finding

_LINES = 4
"""Lines that are seen; the others are reached by scrolling."""


class DiagnosisPanel(QWidget):
    """One line for each finding; a click points at what is at fault.

    Attributes
    ----------
    finding_chosen : Signal(Finding)
        The finding that was clicked.
    """

    finding_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.list = QLabel(""), QListWidget()
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(_LINES * self.list.fontMetrics().height() + 12)
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        self.title.setToolTip(
            "What may be wrong, found without the truth; click a line to see where."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(self.list)
        self._findings: tuple[Finding, ...] = ()
        self.list.hide()

    def show_diagnosis(self, diagnosis: Diagnosis, classes: ClassList) -> None:
        """Show what was found."""
        self._findings = diagnosis.findings
        self.title.setText(f"Suspicion: {100 * diagnosis.suspicion:.0f} %")
        self.list.clear()
        for finding in diagnosis.findings:
            text = tell_finding(finding, classes)
            item = QListWidgetItem(text)
            item.setToolTip(f"{finding.cause.kind}: {text}")
            self.list.addItem(item)
        self.list.setVisible(bool(diagnosis.findings))

    def _choose(self, item: QListWidgetItem) -> None:
        self.finding_chosen.emit(self._findings[self.list.row(item)])
