"""The lines of the queue's table, made as they are seen."""

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_sepl.core.classes import VOC as NO_CLASSES
from napari_sepl.core.classes import ClassList
from napari_sepl.document.findings import NAMES
from napari_sepl.files.store import Status
from napari_sepl.workflow.review.queue import Column, Queue

COLUMNS = tuple(Column)
_TEXT_COLOURS = {
    Status.ACCEPTED: QColor(120, 200, 120),
    Status.SKIPPED: QColor(150, 150, 150),
    Status.FLAGGED: QColor(240, 180, 80),
}
_FAILED = QColor(240, 110, 110)

_NOWHERE = QModelIndex()
_Role = Qt.ItemDataRole


class QueueModel(QAbstractTableModel):
    """The samples that pass the filter, in the order asked for; cells are made when seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue = Queue(())
        self.classes = NO_CLASSES
        self.rows = np.zeros(0, np.intp)
        self.current = -1
        self._places: dict[int, int] = {}

    def show(self, queue: Queue, classes: ClassList, rows: Any) -> None:
        """Take another selection of rows."""
        self.beginResetModel()
        self.queue, self.classes, self.rows = queue, classes, rows
        self._places = {int(row): place for place, row in enumerate(rows)}
        self.endResetModel()

    def place_of(self, row: int) -> int | None:
        """Return at which line a sample stands; None if it is filtered out."""
        return self._places.get(row)

    def refresh(self, row: int) -> None:
        """Draw a sample's line anew."""
        place = self.place_of(row)
        if place is not None:
            last = self.index(place, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(place, 0), last)

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of lines."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        """Return a column's name."""
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return str(COLUMNS[section])
        return None

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour or tool tip of a cell."""
        row = int(self.rows[index.row()])
        column = COLUMNS[index.column()]
        if role == _Role.DisplayRole:
            return self._text(row, column)
        if role == _Role.ForegroundRole:
            failed = row in self.queue.failures
            return _FAILED if failed else _TEXT_COLOURS.get(self.queue.status_of(row))
        if role == _Role.ToolTipRole:
            return self.queue.failures.get(row) or self.queue.notes.get(row)
        return None

    def _text(self, row: int, column: Column) -> str:
        queue = self.queue
        match column:
            case Column.SAMPLE:
                text = queue.ids[row]
            case Column.STATUS:
                text = "unreadable" if row in queue.failures else str(queue.status_of(row))
            case Column.SUSPICION:
                text = _percent(queue.suspicion[row], 0)
            case Column.CAUSE:
                cause = queue.cause_of(row)
                text = "" if cause is None else NAMES[cause]
            case Column.CLASSES:
                text = ", ".join(self.classes.name(c) for c in queue.classes_of(row))
            case Column.CHANGE:
                text = _percent(queue.change[row], 1)
            case Column.EDITS:
                text = str(queue.edits[row] or "")
            case Column.NOTE:
                text = queue.notes.get(row, "")
        return text


def _percent(share: np.float32, digits: int) -> str:
    """Return a share as text, empty while it is not known."""
    return "" if np.isnan(share) else f"{100 * share:.{digits}f} %"
