"""Parts that several panels share: rows and columns of widgets, tables and their models."""

from collections.abc import Mapping
from typing import Any, TypeVar

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

Box = TypeVar("Box", QVBoxLayout, QHBoxLayout)

NOWHERE = QModelIndex()
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def stack(*parts: QWidget | QLayout, parent: QWidget | None = None) -> QVBoxLayout:
    """Return a column of widgets and layouts without margins, set on `parent` if one is given."""
    return _fill(QVBoxLayout(parent), parts)


def line_up(*parts: QWidget | QLayout, parent: QWidget | None = None) -> QHBoxLayout:
    """Return a row of widgets and layouts without margins, set on `parent` if one is given."""
    return _fill(QHBoxLayout(parent), parts)


def _fill(box: Box, parts: tuple[QWidget | QLayout, ...]) -> Box:
    box.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QWidget):
            box.addWidget(part)
        else:
            box.addLayout(part)
    return box


def style_table(table: QTableView, row_height: int) -> None:
    """Let a table select whole rows, one at a time, and hide its row numbers; pixels."""
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(row_height)


class TableModel(QAbstractTableModel):
    """A table as Qt reads it; a subclass returns the number of rows and the cells.

    Parameters
    ----------
    columns : mapping of str to str
        The tooltip of each column by its title, from left to right.
    """

    def __init__(self, columns: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = tuple(columns.items())

    def count(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def rowCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802
        """Return the number of rows; none below a cell."""
        return 0 if parent.isValid() else self.count()

    def columnCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802
        """Return the number of columns; none below a cell."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802
        """Return the title or the tooltip of a column."""
        part = {Qt.ItemDataRole.DisplayRole: 0, Qt.ItemDataRole.ToolTipRole: 1}.get(role)
        if orientation != Qt.Orientation.Horizontal or part is None:
            return None
        return self._columns[section][part]

    def redraw(self, first: int, last: int) -> None:
        """Draw the rows from the first to the last again."""
        end = self.index(last, len(self._columns) - 1)
        self.dataChanged.emit(self.index(first, 0), end)
