"""The queue: every sample of the dataset, one line each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.store import Status
from napari_sepl.workflow.review.queue import COLUMNS, STATUSES, Column, Filter, Queue

_ORDER = tuple(COLUMNS)
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
            last = self.index(place, len(_ORDER) - 1)
            self.dataChanged.emit(self.index(place, 0), last)

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of lines."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_ORDER)

    def headerData(self, section: int, orientation: Any, role: int = _Role.DisplayRole) -> Any:  # noqa: N802
        """Return a column's name."""
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return str(_ORDER[section])
        return None

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour or tool tip of a cell."""
        row = int(self.rows[index.row()])
        column = _ORDER[index.column()]
        if role == _Role.DisplayRole:
            return COLUMNS[column].text(self.queue, row, self.classes)
        if role == _Role.ForegroundRole:
            failed = row in self.queue.failures
            return _FAILED if failed else _TEXT_COLOURS.get(self.queue.status_of(row))
        if role == _Role.ToolTipRole:
            return self.queue.failures.get(row) or self.queue.notes.get(row)
        return None


_WIDTHS = {
    Column.SAMPLE: 105,
    Column.STATUS: 68,
    Column.SUSPICION: 68,
    Column.CAUSE: 95,
    Column.CLASSES: 75,
    Column.CHANGE: 58,
}
_NARROW = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_LEAST = 120
"""Pixels of the table: four samples, so that a small window shows the legend of classes too."""

_TYPING = 150
"""Milliseconds without a key after which the typed text filters."""


class QueuePanel(QWidget):
    """Filters, table, counts and note.

    Attributes
    ----------
    sample_chosen : Signal(int)
        The row of the sample that was clicked.
    listing_changed : Signal
        Filter or sorting changed.
    note_changed : Signal(str)
        The note of the sample that is open.
    """

    sample_chosen = Signal(int)
    listing_changed = Signal()
    note_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = QueueModel(self)
        self.table = _table(self.model)
        self.status, self.class_choice, self.cause = QComboBox(), QComboBox(), QComboBox()
        self.text, self.note = QLineEdit(), QLineEdit()
        self.progress, self.counts = QProgressBar(), QLabel()
        self._typing = QTimer(self)
        self.sorted_by, self.descending = Column.SAMPLE, False
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.status.addItem("any status", None)
        for status in STATUSES:
            self.status.addItem(str(status), status)
        self.class_choice.addItem("any class", None)
        self.cause.addItem("any cause", None)
        for cause in Cause:
            self.cause.addItem(cause.label, cause)
        for choice in (self.status, self.class_choice, self.cause):  # or the dock would grow
            choice.setSizeAdjustPolicy(_NARROW)
            choice.setMinimumContentsLength(6)
        self.text.setPlaceholderText("part of an id or note; Enter opens the first")
        self.text.setClearButtonEnabled(True)
        self.note.setPlaceholderText("note on this sample")
        self.progress.setTextVisible(True)
        filters = QHBoxLayout()
        filters.addWidget(self.status)
        filters.addWidget(self.class_choice)
        filters.addWidget(self.cause)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(filters)
        for part in (self.text, self.table, self.note):
            column.addWidget(part)
        far = QHBoxLayout()
        far.addWidget(self.progress, 1)
        far.addWidget(self.counts, 1)
        column.addLayout(far)

    def _connect(self) -> None:
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING)
        self._typing.timeout.connect(self.listing_changed)
        for choice in (self.status, self.class_choice, self.cause):
            choice.currentIndexChanged.connect(lambda _: self.listing_changed.emit())
        self.text.textChanged.connect(lambda _: self._typing.start())
        self.text.returnPressed.connect(self._open_first)
        self.note.editingFinished.connect(self.finish_note)
        self.table.clicked.connect(self._choose)
        self.table.activated.connect(self._choose)
        self.table.horizontalHeader().sectionClicked.connect(self._sort)

    @property
    def filter(self) -> Filter:
        """The filter as the controls stand."""
        return Filter(
            self.status.currentData(),
            self.class_choice.currentData(),
            self.text.text(),
            self.cause.currentData(),
        )

    def show_filter(self, wanted: Filter) -> None:
        """Set the controls without saying so."""
        for control, value in (
            (self.status, wanted.status),
            (self.class_choice, wanted.class_id),
            (self.cause, wanted.cause),
        ):
            control.blockSignals(True)
            control.setCurrentIndex(max(0, control.findData(value)))
            control.blockSignals(False)
        self.text.blockSignals(True)
        self.text.setText(wanted.text)
        self.text.blockSignals(False)

    def show_sorting(self, column: Column, descending: bool) -> None:
        """Set by which column the list is sorted, without listing anew."""
        self.sorted_by, self.descending = column, descending
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(_ORDER.index(column), order)

    def show_class_choices(self, class_ids: Sequence[int], classes: ClassList) -> None:
        """Offer these classes to filter by, keeping the one that is chosen."""
        chosen = self.class_choice.currentData()
        self.class_choice.blockSignals(True)
        self.class_choice.clear()
        self.class_choice.addItem("any class", None)
        for class_id in class_ids:
            self.class_choice.addItem(classes.name(class_id), class_id)
        self.class_choice.setCurrentIndex(max(0, self.class_choice.findData(chosen)))
        self.class_choice.blockSignals(False)

    def list_samples(self, queue: Queue, classes: ClassList) -> None:
        """List what passes the filter, sorted as the header says."""
        self.model.show(queue, classes, self._listed(queue))
        self.show_current(self.model.current)
        self.show_counts(queue)

    def refresh_all(self, queue: Queue, classes: ClassList) -> None:
        """Draw what became known of samples; list anew only if that changes the list.

        The list stays where it was scrolled to, and the note as far as it was typed.
        """
        wanted = self.filter
        filtered = wanted.class_id is not None or wanted.cause is not None
        by_found = COLUMNS[self.sorted_by].found
        rows = self._listed(queue) if filtered or by_found else self.model.rows
        if np.array_equal(rows, self.model.rows):
            self.table.viewport().update()
        else:
            scrolled = self.table.verticalScrollBar().value()
            self.model.show(queue, classes, rows)
            self._select(self.model.current)
            self.table.verticalScrollBar().setValue(scrolled)
        self.show_counts(queue)

    def _listed(self, queue: Queue) -> NDArray[np.intp]:
        return queue.sort(queue.select(self.filter), self.sorted_by, descending=self.descending)

    def show_current(self, row: int) -> None:
        """Mark the sample that is open, and show its note."""
        if row != self.model.current or not self.note.isModified():  # else it is being typed
            self.note.setText(self.model.queue.notes.get(row, ""))
        self.model.current = row
        place = self._select(row)
        if place is not None:
            self.table.scrollTo(self.model.index(place, 0))

    def _select(self, row: int) -> int | None:
        """Mark a sample's line, if it is listed, and return its place."""
        place = self.model.place_of(row)
        if place is None:
            self.table.clearSelection()
        else:
            self.table.selectRow(place)
        return place

    def refresh_row(self, row: int, queue: Queue) -> None:
        """Draw a sample's line and the counts anew."""
        self.model.refresh(row)
        self.show_counts(queue)

    def neighbour(self, row: int, step: int) -> int | None:
        """Return the row listed `step` lines from another; None beyond the ends.

        From a sample that the filter leaves out, the list begins anew.
        """
        place = self.model.place_of(row)
        place = (0 if step > 0 else len(self.model.rows) - 1) if place is None else place + step
        return int(self.model.rows[place]) if 0 <= place < len(self.model.rows) else None

    def next_pending(self, row: int) -> int | None:
        """Return the next row listed after another that is pending and can be read.

        At the end of the list it starts over.
        """
        place = self.model.place_of(row)
        start = 0 if place is None else place + 1
        rows, queue = np.roll(self.model.rows, -start), self.model.queue
        pending = rows[queue.status[rows] == STATUSES.index(Status.PENDING)].tolist()
        left_out = queue.failures.keys() | {row}
        return next((found for found in pending if found not in left_out), None)

    def finish_note(self) -> None:
        """Tell of a note that is still being typed: a button may be pressed without leaving it."""
        if self.note.isModified():
            self.note.setModified(False)
            self.note_changed.emit(self.note.text())

    def worst_pending(self, row: int) -> int | None:
        """Return the listed pending row, but for this one, that is suspected most."""
        queue, rows = self.model.queue, self.model.rows
        pending = queue.status[rows] == STATUSES.index(Status.PENDING)
        known = ~np.isnan(queue.suspicion[rows]) & ~np.isin(rows, list(queue.failures))
        rows = rows[pending & known & (rows != row)]
        return int(rows[queue.suspicion[rows].argmax()]) if len(rows) else None

    def show_counts(self, queue: Queue) -> None:
        """Show how many samples have which status."""
        counts = queue.counts()
        done = len(queue) - counts[Status.PENDING]
        self.progress.setMaximum(max(1, len(queue)))
        self.progress.setValue(done)
        self.progress.setFormat(f"{done:,} of {len(queue):,} done")
        told = [f"{number:,} {status}" for status, number in counts.items() if number]
        shown = f"{len(self.model.rows):,} listed" if len(self.model.rows) < len(queue) else ""
        failed = f"{len(queue.failures):,} unreadable" if queue.failures else ""
        self.counts.setText(" · ".join(part for part in (*told, failed, shown) if part))

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            self.sample_chosen.emit(int(self.model.rows[index.row()]))

    def _open_first(self) -> None:
        self._typing.stop()
        self.listing_changed.emit()
        row = self.model.queue.find(self.text.text(), self.model.rows)
        if row is not None:
            self.sample_chosen.emit(row)

    def _sort(self, section: int) -> None:
        column = _ORDER[section]
        again = column is self.sorted_by
        self.show_sorting(column, not self.descending if again else COLUMNS[column].worst_first)
        self.listing_changed.emit()


def _table(model: QueueModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setMinimumHeight(_LEAST)
    rows = table.verticalHeader()
    rows.setVisible(False)
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # else 100,000 heights are asked for
    rows.setDefaultSectionSize(20)
    header = table.horizontalHeader()
    header.setSortIndicatorShown(True)
    header.setStretchLastSection(True)
    for section, column in enumerate(COLUMNS):
        table.setColumnWidth(section, _WIDTHS.get(column, 48))
    return table
