"""The findings of the open image, the strongest first."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_sepl.core.analysis.diagnosis.types import Diagnosis, Finding
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.gui.panels.widgets import stack

_LINES = 4
"""Visible lines; the list scrolls to the others."""


class DiagnosisPanel(QWidget):
    """One line for each finding; a click shows where it is.

    Attributes
    ----------
    headline : QElidingLabel
        The suspicion and the main finding; the window places it where it never scrolls.
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
        self.list.setToolTip("Possible label errors; click one to see where it is")
        stack(self.list, parent=self)
        self._findings: tuple[Finding, ...] = ()
        self.list.hide()

    def show_diagnosis(self, diagnosis: Diagnosis, classes: ClassList) -> None:
        """Show suspicion and findings."""
        self._findings = diagnosis.findings
        main = diagnosis.main
        text = "no findings" if main is None else main.describe(classes)
        self.headline.setText(f"suspicion {100 * diagnosis.suspicion:.0f} % · {text}")
        self.headline.setToolTip(f"How likely the labels are wrong, and the main reason: {text}")
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
