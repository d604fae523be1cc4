"""Tools to correct labels by hand: current class, superpixel brush, cleaning."""

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor, QIcon, QKeyEvent, QPixmap
from qtpy.QtWidgets import (
    QDialog,
    QGridLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QWidget,
)

from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.panels.widgets import stack

_PIXELS = 100
_MOST_PIXELS = 10_000_000

_BUTTONS = (
    "superpixels", "fill_holes", "remove_small_regions", "grow", "cut",
    "reset_class", "reset_image",
)  # fmt: skip


class CorrectPanel(QWidget):
    """The tools that correct one image.

    Attributes
    ----------
    current : ActionButton
        Shows the current class, and chooses another.
    buttons : dict of str to ActionButton
        The buttons.
    pixels : QSpinBox
        The size of holes and small regions.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.current = ActionButton("choose_class")
        self.pixels = QSpinBox()
        self.pixels.setRange(1, _MOST_PIXELS)
        self.pixels.setValue(_PIXELS)
        self.pixels.setSuffix(" px")
        self.buttons = {name: ActionButton(name) for name in _BUTTONS}
        self.buttons["superpixels"].setCheckable(True)
        grid = QGridLayout()
        grid.addWidget(self.current, 0, 0)
        grid.addWidget(self.pixels, 0, 1)
        for number, name in enumerate(self.buttons):
            grid.addWidget(self.buttons[name], 1 + number // 2, number % 2)
        stack(grid, parent=self)

    @property
    def pixel_limit(self) -> int:
        """The size of holes and small regions, in pixels."""
        return int(self.pixels.value())

    def show_class(self, class_id: int, classes: ClassList) -> None:
        """Show the current class."""
        self.current.setText(f"{class_id} {classes.name(class_id)}")
        self.current.setIcon(icon_of(classes, class_id))

    def show_superpixels(self, on: bool) -> None:
        """Show whether the superpixel brush is active."""
        self.buttons["superpixels"].setChecked(on)


_Role = Qt.ItemDataRole.UserRole


class QuickPick(QDialog):
    """A popup that chooses a class: type and press Enter; Escape changes nothing.

    Parameters
    ----------
    classes : ClassList
        The classes to choose from; ignore is offered too.
    current : int
        The class that is selected at first.
    """

    def __init__(self, classes: ClassList, current: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose class")
        self.text = QLineEdit()
        self.text.setPlaceholderText("name or number")
        self.list = QListWidget()
        for class_id in (*classes.ids, IGNORE):
            item = QListWidgetItem(
                icon_of(classes, class_id), f"{class_id} {classes.name(class_id)}"
            )
            item.setData(_Role, class_id)
            self.list.addItem(item)
            if class_id == current:
                self.list.setCurrentItem(item)
        stack(self.text, self.list, parent=self).setContentsMargins(9, 9, 9, 9)
        self.text.textChanged.connect(self._filter)
        self.text.returnPressed.connect(self.accept)
        self.list.itemClicked.connect(self.accept)
        self.text.installEventFilter(self)

    @property
    def chosen(self) -> int | None:
        """The class that Enter chooses; None if no class is listed."""
        item = self.list.currentItem()
        return None if item is None or item.isHidden() else int(item.data(_Role))

    def _filter(self, typed: str) -> None:
        """List the classes with this number, or with a word that starts with the typed text."""
        typed = typed.strip().casefold()
        best: tuple[int, QListWidgetItem] | None = None
        for row in range(self.list.count()):
            item = self.list.item(row)
            number, _, name = item.text().casefold().partition(" ")
            words = name.replace("-", " ").replace("_", " ").split()
            listed = number == typed or any(w.startswith(typed) for w in (name, *words))
            item.setHidden(not listed)
            rank = 0 if typed in (number, name) else 1 if name.startswith(typed) else 2
            if listed and (best is None or rank < best[0]):
                best = (rank, item)
        self.list.setCurrentItem(best[1] if best else None)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Let the arrow keys move in the list while the text has the focus."""
        keys = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        pressed = event is not None and event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent) and event.key() in keys:
            self.list.event(event)
            return True
        return bool(super().eventFilter(watched, event))


def icon_of(classes: ClassList, class_id: int) -> QIcon:
    """Return a class's colour as an icon."""
    square = QPixmap(14, 14)
    square.fill(QColor(*map(int, classes.palette()[class_id])))
    return QIcon(square)
