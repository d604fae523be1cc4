"""The table of classes with the pair of thresholds that fits each best."""

import math
from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_sepl.core.classes import ClassList
from napari_sepl.workflow.measure.sweep import ClassBest

_HEADERS = ("class", "t1", "t2", "IoU", "Δ to the paper's")


class BestPairs(QTableWidget):
    """A line for each class; none without truth.

    Attributes
    ----------
    class_chosen : Signal(int)
        The class of a line that was chosen.
    """

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADERS), parent)
        self.setHorizontalHeaderLabels(_HEADERS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(20)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._class_ids: list[int] = []
        self.cellClicked.connect(lambda row, _: self.class_chosen.emit(self._class_ids[row]))

    def show_rows(self, rows: Sequence[ClassBest], classes: ClassList) -> None:
        """Show what fits each class."""
        self._class_ids = [row.class_id for row in rows]
        self.setRowCount(len(rows))
        for line, row in enumerate(rows):
            best = row.best
            gain = 100 * (best.iou - row.default)
            texts = (
                classes.name(row.class_id), f"{best.t1:.4g}", f"{best.t2:.4g}",
                f"{100 * best.iou:.2f}", "" if math.isnan(gain) else f"{gain:+.2f}",
            )  # fmt: skip
            for column, text in enumerate(texts):
                self.setItem(line, column, _item(text, to_the_right=column > 0))


def _item(text: str, *, to_the_right: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    if to_the_right:
        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
