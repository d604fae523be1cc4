"""The table of masks: sort, filter, choose."""

import math
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.explain import MaskRows

_HEADERS = ("mask", "class", "area", "o_s", "o_p", "decision", "IoU", "stability", "depth")
_TIPS = (
    "The mask's number",
    "The class it was selected for or, if rejected, shares most pixels with",
    "Pixels",
    "Share of the mask that lies on the class",
    "Share of the class that lies in the mask",
    "Why it is selected or rejected",
    "The IoU that SAM expects of it",
    "Its stability score",
    "How many masks hold it",
)
_DECISION = 5
_NOWHERE = QModelIndex()
_Role = Qt.ItemDataRole
SORT_ROLE = int(_Role.UserRole)
_SHOWN = ("all masks", "selected", "rejected", "decided by you")


class MaskModel(QAbstractTableModel):
    """The masks as Qt reads them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: MaskRows | None = None
        self._classes = NO_CLASSES

    def show(self, rows: MaskRows, classes: ClassList) -> None:
        """Take other rows; the view keeps its selection where their number stays."""
        if self.rows is not None and len(self.rows) == len(rows) and classes == self._classes:
            self.rows = rows
            last = self.index(len(rows) - 1, len(_HEADERS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self.rows, self._classes = rows, classes
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of masks."""
        return 0 if parent.isValid() or self.rows is None else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        """Return a column's name or explanation."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        texts = {_Role.DisplayRole: _HEADERS, _Role.ToolTipRole: _TIPS}.get(_Role(role))
        return None if texts is None else texts[section]

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour, alignment, or what a column is sorted by."""
        rows = self.rows
        if rows is None:
            return None
        mask, column = index.row(), index.column()
        if role == _Role.DisplayRole:
            return _text(self._value(rows, mask, column))
        if role == SORT_ROLE:
            value = self._value(rows, mask, column)
            return -1.0 if isinstance(value, float) and math.isnan(value) else value
        if role == _Role.TextAlignmentRole and column not in (1, _DECISION):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == _Role.DecorationRole and column == 1 and rows.assignment.class_ids[mask]:
            return QColor(*map(int, self._classes.palette()[rows.assignment.class_ids[mask]]))
        return None

    def _value(self, rows: MaskRows, mask: int, column: int) -> Any:
        class_id = int(rows.assignment.class_ids[mask])
        return (
            mask,
            self._classes.name(class_id) if class_id or rows.assignment.selected[mask] else "",
            int(rows.areas[mask]),
            float(rows.o_s[mask]),
            float(rows.o_p[mask]),
            rows.verdict(mask),
            float(rows.predicted_iou[mask]),
            float(rows.stability[mask]),
            int(rows.depths[mask]),
        )[column]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


class _Filter(QSortFilterProxyModel):
    """Lets through what is chosen above the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown, self.text = 0, ""
        self.setSortRole(SORT_ROLE)

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:  # noqa: N802
        model: Any = self.sourceModel()
        rows = model.rows
        if rows is None:
            return False
        selected, decided = rows.assignment.selected[row], rows.assignment.decided[row]
        kinds = (True, selected, not selected, decided)
        if not kinds[self.shown]:
            return False
        words = (model.data(model.index(row, c, parent)) for c in (0, 1, _DECISION))
        return self.text in " ".join(words).casefold()

    def refilter(self, shown: int, text: str) -> None:
        """Show other rows."""
        self.shown, self.text = shown, text.strip().casefold()
        self.invalidateFilter()


class MaskTable(QWidget):
    """The table, with a filter above it.

    Attributes
    ----------
    mask_chosen : Signal(int)
        A row was chosen.
    take_pressed, refuse_pressed : Signal(int)
        Enter or a double click, and Delete, on a row.
    """

    mask_chosen = Signal(int)
    take_pressed = Signal(int)
    refuse_pressed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self._filter = MaskModel(self), _Filter(self)
        self._filter.setSourceModel(self.model)
        self.shown, self.text = QComboBox(), QLineEdit()
        self.shown.addItems(_SHOWN)
        self.text.setPlaceholderText("class, decision or number")
        self.view = QTableView()
        self.view.setModel(self._filter)
        self.view.setWordWrap(False)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.verticalHeader().hide()
        self.view.horizontalHeader().setStretchLastSection(False)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for column, width in enumerate((48, 110, 70, 55, 55, 250, 50, 70, 50)):
            self.view.setColumnWidth(column, width)
        top, column_of = QHBoxLayout(), QVBoxLayout(self)
        column_of.setContentsMargins(0, 0, 0, 0)
        top.addWidget(self.shown)
        top.addWidget(self.text)
        column_of.addLayout(top)
        column_of.addWidget(self.view)
        self.shown.currentIndexChanged.connect(lambda _: self._refilter())
        self.text.textChanged.connect(lambda _: self._refilter())
        self.view.selectionModel().currentRowChanged.connect(self._on_row)
        self.view.doubleClicked.connect(lambda index: self.take_pressed.emit(self._mask(index)))
        self._showing = False
        self._on_keys = {
            Qt.Key.Key_Return: self.take_pressed,
            Qt.Key.Key_Enter: self.take_pressed,
            Qt.Key.Key_Delete: self.refuse_pressed,
        }
        self.view.installEventFilter(self)

    def show_rows(self, rows: MaskRows, classes: ClassList) -> None:
        """Show the masks of an image as they are now."""
        self._showing = True
        self.model.show(rows, classes)
        self._showing = False

    def show_mask(self, mask_index: int | None) -> None:
        """Choose a mask's row without saying so; none for None."""
        self._showing = True
        at = -1 if mask_index is None else mask_index
        index = self._filter.mapFromSource(self.model.index(at, 0))
        chosen = self.view.selectionModel()
        if index.isValid():
            flag = QItemSelectionModel.SelectionFlag
            chosen.setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
            self.view.scrollTo(index)
        else:
            chosen.clear()
        self._showing = False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Take with Enter and refuse with Delete, on the table."""
        if isinstance(event, QKeyEvent) and watched is not None and watched is self.view:
            pressed = self._on_keys.get(Qt.Key(event.key()))
            index = self.view.currentIndex()
            if event.type() == QEvent.Type.KeyPress and pressed is not None and index.isValid():
                pressed.emit(self._mask(index))
                return True
        return bool(super().eventFilter(watched, event))

    def _refilter(self) -> None:
        self._filter.refilter(self.shown.currentIndex(), self.text.text())

    def _mask(self, index: QModelIndex) -> int:
        return int(self._filter.mapToSource(index).row())

    def _on_row(self, index: QModelIndex, _before: QModelIndex) -> None:
        if index.isValid() and not self._showing:
            self.mask_chosen.emit(self._mask(index))
