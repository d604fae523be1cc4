"""The table of masks: sort, filter, select, reject."""

import math
from typing import Any

from qtpy.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QKeyEvent
from qtpy.QtWidgets import QComboBox, QLineEdit, QTableView, QWidget

from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.explain import MaskRows
from napari_sepl.gui.panels.widgets import RIGHT, TableModel, line_up, stack, style_table

_COLUMNS = {
    "mask": "Number of the mask",
    "class": "Class that the mask is selected for; if rejected, the class it overlaps most",
    "area": "Area in pixels",
    "o_s": "Share of the mask inside the class, compared with t1",
    "o_p": "Share of the class inside the mask, compared with t2",
    "decision": "Why the mask is selected or rejected",
    "IoU": "Quality of the mask as SAM predicts it (predicted_iou)",
    "stability": "SAM's stability score of the mask",
    "depth": "Number of masks that contain this mask",
    "brings": "Class that the mask brings from its file, and its score",
}
_DECISION, _BRINGS = 5, 9
_Role = Qt.ItemDataRole
SORT_ROLE = int(_Role.UserRole)
_SHOWN = ("all masks", "selected", "rejected", "with a decision")


class MaskModel(TableModel):
    """The masks as Qt reads them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(_COLUMNS, parent)
        self.rows: MaskRows | None = None
        self._classes = NO_CLASSES

    def show(self, rows: MaskRows, classes: ClassList) -> None:
        """Show other rows; the view keeps its selection if their number is the same."""
        if self.rows is not None and len(self.rows) == len(rows) and classes == self._classes:
            self.rows = rows
            self.redraw(0, len(rows) - 1)
            return
        self.beginResetModel()
        self.rows, self._classes = rows, classes
        self.endResetModel()

    def count(self) -> int:
        """Return the number of masks."""
        return 0 if self.rows is None else len(self.rows)

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour, alignment or sort key of a cell."""
        rows = self.rows
        if rows is None:
            return None
        mask, column = index.row(), index.column()
        if role == _Role.DisplayRole:
            return _text(self._value(rows, mask, column))
        if role == SORT_ROLE:
            value = self._value(rows, mask, column)
            return -1.0 if isinstance(value, float) and math.isnan(value) else value
        if role == _Role.TextAlignmentRole and column not in (1, _DECISION, _BRINGS):
            return RIGHT
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
            rows.brought[mask],
        )[column]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


class _Filter(QSortFilterProxyModel):
    """Lists the masks that the choices above the table allow."""

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
        words = (model.data(model.index(row, c, parent)) for c in (0, 1, _DECISION, _BRINGS))
        return self.text in " ".join(words).casefold()

    def refilter(self, shown: int, text: str) -> None:
        self.shown, self.text = shown, text.strip().casefold()
        self.invalidateFilter()


class MaskTable(QWidget):
    """The table, with a filter above it.

    Attributes
    ----------
    mask_chosen : Signal(int)
        A row was chosen.
    select_pressed, reject_pressed : Signal(int)
        Enter or a double click, and Delete, on a row.
    """

    mask_chosen = Signal(int)
    select_pressed = Signal(int)
    reject_pressed = Signal(int)

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
        style_table(self.view, self.view.verticalHeader().defaultSectionSize())
        self.view.horizontalHeader().setStretchLastSection(False)
        for column, width in enumerate((48, 110, 70, 55, 55, 250, 50, 70, 50, 110)):
            self.view.setColumnWidth(column, width)
        self.view.setToolTip("Enter or double click: select a mask; Delete: reject it")
        stack(line_up(self.shown, self.text), self.view, parent=self)
        self.shown.currentIndexChanged.connect(lambda _: self._refilter())
        self.text.textChanged.connect(lambda _: self._refilter())
        self.view.selectionModel().currentRowChanged.connect(self._on_row)
        self.view.doubleClicked.connect(lambda index: self.select_pressed.emit(self._mask(index)))
        self._showing = False
        self._on_keys = {
            Qt.Key.Key_Return: self.select_pressed,
            Qt.Key.Key_Enter: self.select_pressed,
            Qt.Key.Key_Delete: self.reject_pressed,
        }
        self.view.installEventFilter(self)

    def show_rows(self, rows: MaskRows, classes: ClassList) -> None:
        """Show the masks of an image."""
        self._showing = True
        self.model.show(rows, classes)
        self._showing = False

    def show_mask(self, mask_index: int | None) -> None:
        """Select a mask's row without a signal; None selects no row."""
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
        """Select with Enter and reject with Delete, on the table."""
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
