"""The legend: one row for each class, with its pixels or metrics before and after."""

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QHeaderView, QLabel, QTableView, QWidget

from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.class_rows import Change, ClassRow, mean_iou
from napari_sepl.gui.actions import ACTIONS
from napari_sepl.gui.panels.widgets import RIGHT, TableModel, stack, style_table

_CHANGED = "in percent, and its change against the pseudo-labels in points"
_COLUMNS = {
    "class": "Click to paint with a class; the tick shows or hides it on all layers",
    "before": "Pixels in the pseudo-labels",
    "after": "Pixels in the labels",
    "change": "Change in pixels",
    "IoU": f"Intersection over union with the ground truth, {_CHANGED}",
    "prec.": f"Precision: share of the class's pixels that are correct, {_CHANGED}",
    "recall": f"Recall: share of the class in the ground truth that is found, {_CHANGED}",
    ACTIONS["lock"].label: ACTIONS["lock"].tooltip,
}
WIDTH, _WIDTH_WITH_TRUTH = 412, 492
"""Width of the window in pixels that shows all columns."""

_LOCK = len(_COLUMNS) - 1
_PIXELS = (1, 2)
_CHANGE = 3
_METRICS = (4, 5, 6)
_BETTER, _WORSE = QColor(110, 210, 130), QColor(255, 130, 110)

_Role = Qt.ItemDataRole


class ClassModel(TableModel):
    """The rows of the legend as Qt reads them.

    Attributes
    ----------
    hidden_changed : Signal(frozenset)
        The ids of the hidden classes.
    lock_changed : Signal(int, bool)
        A class, and whether to lock it.
    """

    hidden_changed = Signal(object)
    lock_changed = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_COLUMNS, parent)
        self.rows: list[ClassRow] = []
        self.hidden: frozenset[int] = frozenset()
        self._classes = NO_CLASSES

    def show(self, rows: Sequence[ClassRow], classes: ClassList) -> None:
        """Show other rows; the view keeps its selection if the classes are the same."""
        same = [r.class_id for r in rows] == [r.class_id for r in self.rows]
        if same and classes == self._classes:
            self.rows = list(rows)
            self.redraw(0, len(rows) - 1)
            return
        self.beginResetModel()
        self.rows, self._classes = list(rows), classes
        self.endResetModel()

    def count(self) -> int:
        """Return the number of classes."""
        return len(self.rows)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the first and the last column be ticked."""
        flags = super().flags(index)
        ticked = index.column() in (0, _LOCK)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if ticked else flags

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour, tick or alignment of a cell."""
        row = self.rows[index.row()]
        if role in _CELL:
            return _CELL[role](row, index.column())
        if role == _Role.TextAlignmentRole and index.column():
            return RIGHT
        if index.column() == 0 and role == _Role.DecorationRole:
            return QColor(*map(int, self._classes.palette()[row.class_id]))
        if role == _Role.CheckStateRole and index.column() in (0, _LOCK):
            ticked = row.locked if index.column() else row.class_id not in self.hidden
            return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _Role.EditRole) -> bool:  # noqa: N802
        """Hide or show, or lock or unlock, the class whose box was ticked."""
        if role != _Role.CheckStateRole or index.column() not in (0, _LOCK):
            return False
        class_id = {self.rows[index.row()].class_id}
        shown = Qt.CheckState(value) == Qt.CheckState.Checked
        if index.column() == _LOCK:
            self.lock_changed.emit(*class_id, shown)
            return True
        self.hidden = self.hidden - class_id if shown else self.hidden | class_id
        self.dataChanged.emit(index, index)
        self.hidden_changed.emit(self.hidden)
        return True


def _text(row: ClassRow, column: int) -> str:
    change = row.after - row.before
    texts = (f"{row.class_id} {row.name}", f"{row.before:,}", f"{row.after:,}", f"{change:+,}")
    if column < len(texts):
        return texts[column]
    return "" if column == _LOCK else tell_change(_metric(row, column))


def _metric(row: ClassRow, column: int) -> Change:
    return (row.iou, row.precision, row.recall)[column - _METRICS[0]]


def tell_change(change: Change) -> str:
    """Return a share in percent and its change in points, such as "87.5 +3.2"."""
    if change.after is None:
        return ""
    gain = "" if change.gain is None else f" {100 * change.gain:+.1f}"
    return f"{100 * change.after:.1f}{gain}"


def _colour(row: ClassRow, column: int) -> QColor | None:
    """Return green for better, red for worse; None if one decimal shows no change."""
    gain = _metric(row, column).gain if column in _METRICS else None
    points = round(100 * (gain or 0), 1)
    if points == 0:
        return None
    return _BETTER if points > 0 else _WORSE


def _tip(row: ClassRow, column: int) -> str | None:
    """Return the numbers behind a change in pixels: beside metrics they have no column."""
    if column != _CHANGE:
        return None
    return f"{row.before:,} pixels in the pseudo-labels, {row.after:,} in the labels"


_CELL = {_Role.DisplayRole: _text, _Role.ForegroundRole: _colour, _Role.ToolTipRole: _tip}
"""What a cell returns for a row and a column, by role."""


class ClassPanel(QWidget):
    """The legend with its table, and the mean IoU below it if there is a ground truth.

    Attributes
    ----------
    class_chosen : Signal(int)
        A class was clicked: paint with it.
    hidden_changed : Signal(frozenset)
        The ids of the hidden classes.
    lock_changed : Signal(int, bool)
        A class, and whether to lock it.
    width_changed : Signal(int)
        How wide the window must be for all columns, in pixels.
    """

    width_changed = Signal(int)
    class_chosen = Signal(int)
    hidden_changed = Signal(object)
    lock_changed = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ClassModel(self)
        self.model.hidden_changed.connect(self.hidden_changed)
        self.model.lock_changed.connect(self.lock_changed)
        self.table = QTableView()
        self.table.setModel(self.model)
        style_table(self.table, 22)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(120)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.table.clicked.connect(self._choose)
        self.mean = QLabel("")
        self.mean.setVisible(False)
        self.mean.setToolTip(f"Mean IoU over the classes of the ground truth, {_CHANGED}")
        stack(self.table, self.mean, parent=self)

    def show_classes(self, rows: Sequence[ClassRow], classes: ClassList, current: int) -> None:
        """Show these rows, and select the row of the current class."""
        self.model.show(rows, classes)
        mean = mean_iou(rows)
        with_truth = mean.after is not None
        self.width_changed.emit(_WIDTH_WITH_TRUTH if with_truth else WIDTH)
        for column in (*_PIXELS, *_METRICS):  # there is no room for both
            self.table.setColumnHidden(column, (column in _METRICS) != with_truth)
        self.mean.setVisible(with_truth)
        self.mean.setText(f"mIoU {tell_change(mean)}")
        here = next((n for n, row in enumerate(rows) if row.class_id == current), None)
        if here is None:
            self.table.clearSelection()
        elif self.table.currentIndex().row() != here or not self.table.selectedIndexes():
            self.table.selectRow(here)

    def show_all(self) -> None:
        """Show all classes: the window shows another image."""
        self.model.hidden = frozenset()

    def _choose(self, clicked: QModelIndex) -> None:
        if clicked.column() != _LOCK:
            self.class_chosen.emit(self.model.rows[clicked.row()].class_id)
