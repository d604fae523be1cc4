"""A table of samples, in which several can be selected: a hundred thousand, too."""

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QItemSelection, QItemSelectionModel
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_sepl.gui.panels.widgets import TableModel, style_table
from napari_sepl.workflow.review.queue import COLUMNS, Column

_WIDTHS = {
    Column.SAMPLE: 105,
    Column.STATUS: 68,
    Column.SUSPICION: 68,
    Column.CAUSE: 95,
    Column.CLASSES: 75,
    Column.CHANGE: 58,
}
_LEAST = 120
"""Minimum height of the table in pixels: a small window shows the legend of classes too."""


def queue_table(model: TableModel) -> QTableView:
    """Return a table of samples, in which several can be selected."""
    table = QTableView()
    table.setModel(model)
    style_table(table, 20)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setMinimumHeight(_LEAST)
    rows = table.verticalHeader()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # else Qt asks for 100,000 heights
    header = table.horizontalHeader()
    header.setSortIndicatorShown(True)
    header.setStretchLastSection(True)
    for section, column in enumerate(COLUMNS):
        table.setColumnWidth(section, _WIDTHS.get(column, 48))
    return table


def selected_places(table: QTableView) -> NDArray[np.intp]:
    """Return the selected rows of a table as (N,) intp, ascending."""
    ranges = table.selectionModel().selection()
    places = [np.arange(one.top(), one.bottom() + 1, dtype=np.intp) for one in ranges]
    return np.unique(np.concatenate(places)) if places else np.zeros(0, np.intp)


def select_places(table: QTableView, places: NDArray[np.intp]) -> None:
    """Select rows of a table, at least one, and no others.

    Parameters
    ----------
    table : QTableView
        The table.
    places : (N,) intp
        The rows, ascending.
    """
    model, chosen = table.model(), QItemSelection()
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        first, last = int(run[0]), int(run[-1])
        chosen.select(model.index(first, 0), model.index(last, model.columnCount() - 1))
    flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
    table.selectionModel().select(chosen, flag)
