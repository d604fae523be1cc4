"""The legend: one line for each class, with what became of it."""

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.class_rows import Change, ClassRow, mean_iou
from napari_sepl.gui.actions import ACTIONS

_HEADERS = ("class", "before", "after", "change", "IoU", "prec.", "recall", ACTIONS["lock"].label)
_TIPS = (
    "Click to paint with a class; the tick shows or hides it on all layers",
    "Pixels in the pseudo-labels",
    "Pixels in the final labels",
    "Change in pixels",
    "Intersection over union with the truth, in percent, and its change in points",
    "Precision: share of the label's pixels that are right, in percent, and its change in points",
    "Recall: share of the class's true pixels that are found, in percent, and its change in points",
    ACTIONS["lock"].tooltip,
)
WIDTH, _WIDTH_WITH_TRUTH = 412, 492
"""Pixels of the window in which all columns are seen."""

_HOLD = len(_HEADERS) - 1
_PIXELS = (1, 2)
_CHANGE = 3
_METRICS = (4, 5, 6)
_BETTER, _WORSE = QColor(110, 210, 130), QColor(255, 130, 110)

_NOWHERE = QModelIndex()
_Role = Qt.ItemDataRole


class ClassModel(QAbstractTableModel):
    """The rows of the legend as Qt reads them.

    Attributes
    ----------
    hidden_changed : Signal(frozenset)
        The class ids that are not to be shown.
    lock_changed : Signal(int, bool)
        A class is to be protected, or no longer.
    """

    hidden_changed = Signal(object)
    lock_changed = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ClassRow] = []
        self.hidden: frozenset[int] = frozenset()
        self._classes = NO_CLASSES

    def show(self, rows: Sequence[ClassRow], classes: ClassList) -> None:
        """Take other rows; the view keeps its selection where the classes stay."""
        same = [r.class_id for r in rows] == [r.class_id for r in self.rows]
        if same and classes == self._classes:
            self.rows = list(rows)
            last = self.index(len(rows) - 1, len(_HEADERS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self.rows, self._classes = list(rows), classes
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of classes."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        """Return a column's name or explanation."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        return {_Role.DisplayRole: _HEADERS, _Role.ToolTipRole: _TIPS}.get(role, {section: None})[
            section
        ]

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the first and the last column be ticked."""
        flags = super().flags(index)
        ticked = index.column() in (0, _HOLD)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if ticked else flags

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour, tick or alignment of a cell."""
        row = self.rows[index.row()]
        if role in _CELL:
            return _CELL[role](row, index.column())
        if role == _Role.TextAlignmentRole and index.column():
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if index.column() == 0 and role == _Role.DecorationRole:
            return QColor(*map(int, self._classes.palette()[row.class_id]))
        if role == _Role.CheckStateRole and index.column() in (0, _HOLD):
            ticked = row.locked if index.column() else row.class_id not in self.hidden
            return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _Role.EditRole) -> bool:  # noqa: N802
        """Take a tick."""
        if role != _Role.CheckStateRole or index.column() not in (0, _HOLD):
            return False
        class_id = {self.rows[index.row()].class_id}
        shown = Qt.CheckState(value) == Qt.CheckState.Checked
        if index.column() == _HOLD:
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
    return "" if column == _HOLD else tell_change(_metric(row, column))


def _metric(row: ClassRow, column: int) -> Change:
    return (row.iou, row.precision, row.recall)[column - _METRICS[0]]


def tell_change(change: Change) -> str:
    """Return a share in percent and its change in points, such as "87.5 +3.2"."""
    if change.after is None:
        return ""
    gain = "" if change.gain is None else f" {100 * change.gain:+.1f}"
    return f"{100 * change.after:.1f}{gain}"


def _colour(row: ClassRow, column: int) -> QColor | None:
    """Return what tells better from worse; None for no change that can be read."""
    gain = _metric(row, column).gain if column in _METRICS else None
    points = round(100 * (gain or 0), 1)
    if points == 0:
        return None
    return _BETTER if points > 0 else _WORSE


def _tip(row: ClassRow, column: int) -> str | None:
    """Return the numbers behind a change in pixels, which have no column beside a truth."""
    if column != _CHANGE:
        return None
    return f"{row.before:,} pixels in the pseudo-labels, {row.after:,} now"


_CELL = {_Role.DisplayRole: _text, _Role.ForegroundRole: _colour, _Role.ToolTipRole: _tip}
"""What a cell answers for a row and a column, by role."""


class ClassPanel(QWidget):
    """The legend with its table, and the mean IoU beneath where there is a truth.

    Attributes
    ----------
    class_chosen : Signal(int)
        A class was clicked: paint with it.
    hidden_changed : Signal(frozenset)
        The class ids that are not to be shown.
    lock_changed : Signal(int, bool)
        A class is to be protected, or no longer.
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
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(120)
        vertical = self.table.verticalHeader()
        vertical.setVisible(False)
        vertical.setDefaultSectionSize(22)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        self.table.clicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.mean = QLabel("")
        self.mean.setVisible(False)
        self.mean.setToolTip(
            "Mean over the classes of the truth, and its change against the pseudo-labels"
        )
        layout.addWidget(self.table)
        layout.addWidget(self.mean)

    def show_classes(self, rows: Sequence[ClassRow], classes: ClassList, current: int) -> None:
        """Show these rows, that of the current class selected."""
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
        """Forget which classes were hidden: another image is open, or another legend."""
        self.model.hidden = frozenset()

    def _choose(self, clicked: QModelIndex) -> None:
        if clicked.column() != _HOLD:
            self.class_chosen.emit(self.model.rows[clicked.row()].class_id)
