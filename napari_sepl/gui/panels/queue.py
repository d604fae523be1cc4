"""The queue: one row for each sample of the dataset."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QModelIndex, Qt, QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.store import Status
from napari_sepl.gui.panels.queue_table import queue_table, select_places, selected_places
from napari_sepl.gui.panels.widgets import TableModel, line_up, stack
from napari_sepl.workflow.review.queue import (
    COLUMNS,
    OUTDATED,
    STATUSES,
    Column,
    Filter,
    Queue,
    name_roles,
)

_ORDER = tuple(COLUMNS)
_TEXT_COLOURS = {
    Status.ACCEPTED: QColor(120, 200, 120),
    Status.SKIPPED: QColor(150, 150, 150),
    Status.FLAGGED: QColor(240, 180, 80),
}
_FAILED = QColor(240, 110, 110)
_OUTDATED = QColor(240, 140, 200)
_BEFORE = {status: str(status) for status in Status} | {Status.PENDING: "edited"}

_Role = Qt.ItemDataRole


class QueueModel(TableModel):
    """The samples that pass the filter, sorted; cells are made when they become visible."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__({str(name): column.tip for name, column in COLUMNS.items()}, parent)
        self.queue = Queue(())
        self.classes = NO_CLASSES
        self.rows: NDArray[np.intp] = np.zeros(0, np.intp)
        self.current = -1
        self._places: dict[int, int] = {}

    def show(self, queue: Queue, classes: ClassList, rows: Any) -> None:
        """Show other rows of a queue."""
        self.beginResetModel()
        self.queue, self.classes, self.rows = queue, classes, rows
        self._places = {int(row): place for place, row in enumerate(rows)}
        self.endResetModel()

    def place_of(self, row: int) -> int | None:
        """Return the line of a sample; None if the filter excludes it."""
        return self._places.get(row)

    def refresh(self, row: int) -> None:
        """Draw a sample's line again."""
        place = self.place_of(row)
        if place is not None:
            self.redraw(place, place)

    def count(self) -> int:
        """Return the number of listed samples."""
        return len(self.rows)

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return text, colour or tool tip of a cell."""
        row = int(self.rows[index.row()])
        column = _ORDER[index.column()]
        if role == _Role.DisplayRole:
            return COLUMNS[column].text(self.queue, row, self.classes)
        if role == _Role.ForegroundRole:
            if row in self.queue.failures:
                return _FAILED
            outdated = self.queue.outdated[row]
            return _OUTDATED if outdated else _TEXT_COLOURS.get(self.queue.status_of(row))
        if role == _Role.ToolTipRole:
            if column is Column.STATUS and self.queue.outdated[row]:
                changed = name_roles(self.queue.changed_inputs[row])
                return f"{changed} changed since it was {_BEFORE[self.queue.status_of(row)]}"
            return self.queue.failures.get(row) or self.queue.notes.get(row)
        return None


_NARROW = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_TYPING = 150
"""Milliseconds without a key press after which the typed text filters."""

_NOTE_REST = 1000
"""Milliseconds without a key press after which a note is saved."""


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
    scope_changed : Signal
        Other samples are selected or listed.
    """

    sample_chosen = Signal(int)
    listing_changed = Signal()
    note_changed = Signal(str)
    scope_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = QueueModel(self)
        self.table = queue_table(self.model)
        self.status, self.class_choice, self.cause = QComboBox(), QComboBox(), QComboBox()
        self.annotator = QComboBox()
        self.text, self.note = QLineEdit(), QLineEdit()
        self.progress, self.counts = QProgressBar(), QLabel()
        self._typing, self._noting = QTimer(self), QTimer(self)
        self.sorted_by, self.descending = Column.SAMPLE, False
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.status.addItem("any status", None)
        for status in STATUSES:
            self.status.addItem(str(status), status)
        self.status.addItem(OUTDATED, OUTDATED)
        self.class_choice.addItem("any class", None)
        self.cause.addItem("any cause", None)
        for cause in Cause:
            self.cause.addItem(cause.label, cause)
        self.annotator.addItem("any annotator", None)
        for choice in self._choices:  # or the dock would grow
            choice.setSizeAdjustPolicy(_NARROW)
            choice.setMinimumContentsLength(6)
        self.text.setPlaceholderText("part of an ID or note; Enter opens the best match")
        self.text.setClearButtonEnabled(True)
        self.note.setPlaceholderText("note on this sample")
        self.progress.setTextVisible(True)
        self.status.setToolTip("List only samples with this status")
        self.class_choice.setToolTip("List only samples whose pseudo-labels have this class")
        self.cause.setToolTip("List only samples whose suspicion has this main cause")
        self.progress.setToolTip("Samples that are accepted, skipped or flagged")
        self.annotator.setToolTip("List only samples that this annotator changed last")
        filters = line_up(*self._choices)
        below = line_up(self.progress, self.counts)
        below.setStretch(0, 1)
        below.setStretch(1, 1)
        stack(filters, self.text, self.table, self.note, below, parent=self)

    def _connect(self) -> None:
        for timer, rest in ((self._typing, _TYPING), (self._noting, _NOTE_REST)):
            timer.setSingleShot(True)
            timer.setInterval(rest)
        self._typing.timeout.connect(self.listing_changed)
        self._noting.timeout.connect(self.finish_note)
        for choice in self._choices:
            choice.currentIndexChanged.connect(lambda _: self.listing_changed.emit())
        self.text.textChanged.connect(lambda _: self._typing.start())
        self.text.returnPressed.connect(self._open_first)
        self.note.textEdited.connect(lambda _: self._noting.start())
        self.note.editingFinished.connect(self.finish_note)
        self.table.clicked.connect(self._choose)
        self.table.activated.connect(self._open)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self.scope_changed.emit())
        self.model.modelReset.connect(self.scope_changed)
        self.table.horizontalHeader().sectionClicked.connect(self._sort)

    @property
    def _choices(self) -> tuple[QComboBox, ...]:
        return self.status, self.class_choice, self.cause, self.annotator

    @property
    def filter(self) -> Filter:
        """The filter that the controls show."""
        status = self.status.currentData()
        return Filter(
            None if status == OUTDATED else status,
            self.class_choice.currentData(),
            self.text.text(),
            self.cause.currentData(),
            self.annotator.currentData(),
            outdated=status == OUTDATED,
        )

    def show_filter(self, wanted: Filter) -> None:
        """Set the controls without a signal."""
        for control, value in (
            (self.status, OUTDATED if wanted.outdated else wanted.status),
            (self.class_choice, wanted.class_id),
            (self.cause, wanted.cause),
            (self.annotator, wanted.annotator),
        ):
            with signals_blocked(control):
                control.setCurrentIndex(max(0, control.findData(value)))
        with signals_blocked(self.text):
            self.text.setText(wanted.text)

    def show_sorting(self, column: Column, descending: bool) -> None:
        """Set the sort column without listing the samples again."""
        self.sorted_by, self.descending = column, descending
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(_ORDER.index(column), order)

    def show_class_choices(self, class_ids: Sequence[int], classes: ClassList) -> None:
        """Offer these classes to filter by; the chosen one stays chosen."""
        _offer(self.class_choice, [(classes.name(one), one) for one in class_ids])

    def show_annotators(self, queue: Queue) -> None:
        """Offer those who changed samples to filter by; the chosen one stays chosen."""
        names = queue.annotators[1:]
        if names != [self.annotator.itemData(at) for at in range(1, self.annotator.count())]:
            _offer(self.annotator, [(name, name) for name in names])

    def list_samples(self, queue: Queue, classes: ClassList) -> None:
        """List the samples that pass the filter, sorted by the chosen column.

        Several selected samples stay selected as far as they are listed.
        """
        selected = self._selected()
        self.model.show(queue, classes, self._listed(queue))
        self.show_current(self.model.current)
        self._select_again(selected)
        self.show_counts(queue)

    def refresh_all(self, queue: Queue, classes: ClassList) -> None:
        """Draw new facts about samples; list again only if they change the list.

        The scroll position and a note that is being typed stay.
        """
        wanted = self.filter
        filtered = wanted != Filter(text=wanted.text)
        by_found = COLUMNS[self.sorted_by].found
        rows = self._listed(queue) if filtered or by_found else self.model.rows
        if np.array_equal(rows, self.model.rows):
            self.table.viewport().update()
        else:
            scrolled = self.table.verticalScrollBar().value()
            selected = self._selected()
            self.model.show(queue, classes, rows)
            self._select(self.model.current)
            self._select_again(selected)
            self.table.verticalScrollBar().setValue(scrolled)
        self.show_counts(queue)

    def _listed(self, queue: Queue) -> NDArray[np.intp]:
        return queue.sort(queue.select(self.filter), self.sorted_by, descending=self.descending)

    def show_current(self, row: int) -> None:
        """Mark the open sample, and show its note."""
        if row != self.model.current or not self.note.isModified():  # else it is being typed
            note = self.model.queue.notes.get(row, "")
            if note != self.note.text():  # else the cursor would move to the end
                self.note.setText(note)
        self.model.current = row
        place = self._select(row)
        if place is not None:
            self.table.scrollTo(self.model.index(place, 0))

    def _select(self, row: int) -> int | None:
        """Mark a sample's line, and return its place; None if it is not listed."""
        place = self.model.place_of(row)
        if place is None:
            self.table.clearSelection()
        else:
            self.table.selectRow(place)
        return place

    def _selected(self) -> NDArray[np.intp]:
        """Return the selected rows, in the order of the list."""
        return self.model.rows[selected_places(self.table)]

    def _select_again(self, rows: NDArray[np.intp]) -> None:
        """Select several rows as far as they are listed; one or none leaves the open sample."""
        places = np.flatnonzero(np.isin(self.model.rows, rows))
        if min(len(rows), len(places)) > 1:
            select_places(self.table, places)

    @property
    def scope(self) -> tuple[NDArray[np.intp], str]:
        """The rows that a bulk action is for, and how to name them.

        They are the selected ones if there are several, else all that the filter lists.
        """
        selected = self._selected()
        rows, how = (selected, "selected") if len(selected) > 1 else (self.model.rows, "listed")
        return rows, f"{len(rows):,} {how}"

    def refresh_row(self, row: int, queue: Queue) -> None:
        """Draw a sample's line and the counts again."""
        self.model.refresh(row)
        self.show_counts(queue)

    def neighbour(self, row: int, step: int) -> int | None:
        """Return the row listed `step` lines from another; None beyond the ends.

        From a sample that is not listed, a step forward leads to the first line, back to the last.
        """
        place = self.model.place_of(row)
        place = (0 if step > 0 else len(self.model.rows) - 1) if place is None else place + step
        return int(self.model.rows[place]) if 0 <= place < len(self.model.rows) else None

    def next_pending(self, row: int) -> int | None:
        """Return the next listed row that is pending and can be read; after the last, the first."""
        place = self.model.place_of(row)
        start = 0 if place is None else place + 1
        rows, queue = np.roll(self.model.rows, -start), self.model.queue
        pending = rows[queue.status[rows] == STATUSES.index(Status.PENDING)].tolist()
        left_out = queue.failures.keys() | {row}
        return next((found for found in pending if found not in left_out), None)

    def finish_note(self) -> None:
        """Emit a note that is still being typed: a button may be pressed while it has the focus."""
        self._noting.stop()
        if self.note.isModified():
            self.note.setModified(False)
            self.note_changed.emit(self.note.text())

    def worst_pending(self, row: int) -> int | None:
        """Return the other listed pending row with the highest suspicion; None if none is known."""
        queue, rows = self.model.queue, self.model.rows
        pending = queue.status[rows] == STATUSES.index(Status.PENDING)
        known = ~np.isnan(queue.suspicion[rows]) & ~np.isin(rows, list(queue.failures))
        rows = rows[pending & known & (rows != row)]
        return int(rows[queue.suspicion[rows].argmax()]) if len(rows) else None

    def show_counts(self, queue: Queue) -> None:
        """Show how many samples have which status, and offer those who changed them."""
        self.show_annotators(queue)
        counts = queue.counts()
        outdated = len(queue.changed_inputs)
        done = len(queue) - counts[Status.PENDING] - outdated
        self.progress.setMaximum(max(1, len(queue)))
        self.progress.setValue(done)
        self.progress.setFormat(f"{done:,} of {len(queue):,} done")
        texts = [f"{number:,} {status}" for status, number in counts.items() if number]
        shown = f"{len(self.model.rows):,} listed" if len(self.model.rows) < len(queue) else ""
        changed = f"{outdated:,} {OUTDATED}" if outdated else ""
        failed = f"{len(queue.failures):,} unreadable" if queue.failures else ""
        self.counts.setText(" · ".join(part for part in (*texts, changed, failed, shown) if part))

    def _choose(self, index: QModelIndex) -> None:
        """Open the clicked sample, unless the click only added it to others, or took it away."""
        if index.isValid() and self._selected().tolist() == [self.model.rows[index.row()]]:
            self._open(index)

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.sample_chosen.emit(int(self.model.rows[index.row()]))

    def _open_first(self) -> None:
        """Open the sample that the text means, which is no filter then."""
        self._typing.stop()
        self.listing_changed.emit()
        row = self.model.queue.find(self.text.text(), self.model.rows)
        if row is not None:
            with signals_blocked(self.text):
                self.text.clear()
            self.listing_changed.emit()
            self.sample_chosen.emit(row)

    def _sort(self, section: int) -> None:
        column = _ORDER[section]
        again = column is self.sorted_by
        self.show_sorting(column, not self.descending if again else COLUMNS[column].worst_first)
        self.listing_changed.emit()


def _offer(choice: QComboBox, options: Sequence[tuple[str, object]]) -> None:
    """Offer texts and their values after the first entry; the chosen value stays chosen."""
    chosen, first = choice.currentData(), choice.itemText(0)
    with signals_blocked(choice):
        choice.clear()
        for text, value in ((first, None), *options):
            choice.addItem(text, value)
        choice.setCurrentIndex(max(0, choice.findData(chosen)))
