"""What may be wrong with the image that is open: a short list, the gravest first."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_sepl.core.analysis.diagnosis.types import Diagnosis, Finding
from napari_sepl.core.labels.classes import ClassList

_LINES = 4
"""Lines that are seen; the others are reached by scrolling."""


class DiagnosisPanel(QWidget):
    """One line for each finding; a click points at what is at fault.

    Attributes
    ----------
    headline : QElidingLabel
        The suspicion and the main finding; to be placed where it is always seen.
    finding_chosen : Signal(Finding)
        The finding that was clicked.
    """

    finding_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.headline, self.list = QElidingLabel(), QListWidget()
        self.headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.headline.hide()
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(_LINES * self.list.fontMetrics().height() + 12)
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        self.list.setToolTip("What may be wrong; click a line to see where")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list)
        self._findings: tuple[Finding, ...] = ()
        self.list.hide()

    def show_diagnosis(self, diagnosis: Diagnosis, classes: ClassList) -> None:
        """Show what was found."""
        self._findings = diagnosis.findings
        main = diagnosis.main
        told = "nothing found" if main is None else main.describe(classes)
        self.headline.setText(f"suspicion {100 * diagnosis.suspicion:.0f} % · {told}")
        self.headline.setToolTip(told)
        self.headline.show()
        self.list.clear()
        for finding in diagnosis.findings:
            text = finding.describe(classes)
            item = QListWidgetItem(text)
            item.setToolTip(f"{finding.cause.kind}: {text}")
            self.list.addItem(item)
        self.list.setVisible(bool(diagnosis.findings))

    def _choose(self, item: QListWidgetItem) -> None:
        self.finding_chosen.emit(self._findings[self.list.row(item)])
