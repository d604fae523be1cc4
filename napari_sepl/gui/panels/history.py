"""The history of the image: click a step to undo or redo up to it."""

from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QListView, QWidget

from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.history import History
from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.panels.widgets import NOWHERE, stack

_Role = Qt.ItemDataRole


class HistoryModel(QAbstractListModel):
    """The steps as Qt reads them: the start, done steps, undone steps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = History()
        self._classes = NO_CLASSES
        self._rows = 1

    @property
    def position(self) -> int:
        """The number of done steps."""
        return len(self._history.done)

    def show(self, history: History, classes: ClassList) -> None:
        """Show another history."""
        self.beginResetModel()
        self._history, self._classes = history, classes
        self._rows = 1 + len(history.done) + len(history.undone)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = NOWHERE) -> int:  # noqa: N802
        """Return the number of steps plus one for the start."""
        return 0 if parent.isValid() else self._rows

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """Return a step in words, or grey for an undone one."""
        row, done = index.row(), self._history.done
        if role == _Role.DisplayRole:
            if row == 0:
                return "start"
            undone = self._history.undone
            step = done[row - 1] if row <= len(done) else undone[len(done) - row]
            return step.describe(self._classes)
        if role == _Role.ForegroundRole and row > len(done):
            return Qt.GlobalColor.gray
        return None


class HistoryPanel(QWidget):
    """The list of steps.

    Attributes
    ----------
    step_chosen : Signal(int)
        How many steps are to remain done.
    buttons : dict of str to ActionButton
        Undo and redo; the window places them where they never scroll.
    """

    step_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {name: ActionButton(name) for name in ("undo", "redo")}
        self.model = HistoryModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setMinimumHeight(110)
        self.list.clicked.connect(lambda index: self.step_chosen.emit(index.row()))
        self.list.setToolTip("Click a step to undo or redo up to it")
        stack(self.list, parent=self)

    def show_history(self, history: History, classes: ClassList) -> None:
        """Show the steps, the current one, and what undo and redo would do."""
        self.model.show(history, classes)
        here = self.model.index(self.model.position)
        self.list.setCurrentIndex(here)
        self.list.scrollTo(here)
        for name, steps in (("undo", history.done), ("redo", history.undone)):
            button = self.buttons[name]
            button.setEnabled(bool(steps))
            tip = f"{button.action.title}: {steps[-1].describe(classes)}" if steps else ""
            button.setToolTip(button.action.tip(tip))
