"""Several selected rows of a table, as numbers: a hundred thousand of them, too."""

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QItemSelection, QItemSelectionModel
from qtpy.QtWidgets import QTableView


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
