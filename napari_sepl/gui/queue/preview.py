"""The dialog that lists what a bulk action will change, before it does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QLabel,
    QWidget,
)

from napari_sepl.core.errors import counted
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.gui.panels.queue import QueueModel
from napari_sepl.gui.panels.queue_table import queue_table
from napari_sepl.gui.panels.widgets import line_up, stack
from napari_sepl.workflow.review.queue import COLUMNS, Column, Queue

_SHOWN = (Column.SAMPLE, Column.STATUS, Column.CHANGE, Column.EDITS)
_SIZE = 480, 480
_MOST = 2.0
"""Percent of pixels that change at most, to begin with."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a bulk action is about to do.

    Parameters
    ----------
    text : str
        What it does, with the samples to follow.
    rows : (N,) intp
        The samples that it can change.
    edited : (N,) bool
        Which of them a person edited, or gave a status that the action takes from them.
    do : callable
        Does it to some of the rows.
    by_change : bool
        Whether the user chooses the largest change of the samples.
    """

    text: str
    rows: NDArray[np.intp]
    edited: NDArray[np.bool_]
    do: Callable[[Sequence[int]], None]
    by_change: bool = False


class BulkPreview(QDialog):
    """Lists all samples that a bulk action will change; the action runs if the user agrees.

    Parameters
    ----------
    plan : Plan
        The action.
    scope : str
        The samples that it was called on, such as "12 selected".
    queue : Queue
        What is known of the samples.
    classes : ClassList
        Names of the classes.
    """

    def __init__(
        self, plan: Plan, scope: str, queue: Queue, classes: ClassList, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("SEPL")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*_SIZE)
        self._plan, self._scope, self._queue, self._classes = plan, scope, queue, classes
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.most = QDoubleSpinBox()
        self.edited = QCheckBox()
        self.model = QueueModel(self)
        self.table = queue_table(self.model)
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Ok | buttons.Cancel)
        self._lay_out()
        self._show()

    def _lay_out(self) -> None:
        for section, column in enumerate(COLUMNS):
            self.table.setColumnHidden(section, column not in _SHOWN)
        self.most.setRange(0, 100)
        self.most.setDecimals(1)
        self.most.setValue(_MOST)
        largest = QWidget()
        line_up(QLabel("Largest change (percent of pixels):"), self.most, parent=largest)
        largest.setVisible(self._plan.by_change)
        column = stack(self.text, largest, self.table, self.edited, self.buttons, parent=self)
        column.setContentsMargins(9, 9, 9, 9)
        self.most.valueChanged.connect(lambda _: self._show())
        self.edited.toggled.connect(lambda _: self._show())
        self.buttons.accepted.connect(self._agree)
        self.buttons.rejected.connect(self.close)

    def _show(self) -> None:
        """List the samples that the action will change as the controls are set."""
        plan = self._plan
        fits = np.ones(len(plan.rows), np.bool_)
        if plan.by_change:
            fits = self._queue.change[plan.rows] <= np.float32(self.most.value() / 100)
        left_out = int(np.count_nonzero(fits & plan.edited))
        wanted = fits if self.edited.isChecked() else fits & ~plan.edited
        rows: NDArray[np.intp] = plan.rows[wanted]
        self.model.show(self._queue, self._classes, rows)
        self.text.setText(f"{plan.text} {counted(len(rows), 'sample')}, of {self._scope}:")
        self.edited.setText(f"Include {left_out:,} that a person edited or gave a status")
        self.edited.setVisible(left_out > 0)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(len(rows) > 0)

    def _agree(self) -> None:
        rows = self.model.rows.tolist()
        self.close()
        self._plan.do(rows)
