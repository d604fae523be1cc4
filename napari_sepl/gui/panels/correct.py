"""Correcting by hand: the current class, the superpixel brush, cleaning."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_sepl.core.classes import ClassList
from napari_sepl.gui.keys import key_of
from napari_sepl.gui.panels.quick_pick import icon_of

_PIXELS = 100
_MOST_PIXELS = 10_000_000

_BUTTONS = (
    ("superpixels", "Superpixel brush", "Drag to paint whole regions between mask borders"),
    ("fill_holes", "Fill holes", "Fill holes of the current class up to this many pixels"),
    ("drop_islands", "Drop islands", "Drop regions of the current class below this many pixels"),
    ("grow", "Grow to masks", "Grow the current class to the mask borders around it"),
    ("cut", "Cut at masks", "Cut off what of the current class crosses a mask border"),
    ("clear_class", "Undecide class", "Leave all masks of the current class to SEPL"),
    ("clear_image", "Undecide all", "Leave all masks of the image to SEPL"),
)


class CorrectPanel(QWidget):
    """The tools that correct one image.

    Attributes
    ----------
    pressed : Signal(str)
        A button was pressed: "quick_pick", or a name of `buttons`.
    buttons : dict of str to QPushButton
        The buttons.
    pixels : QSpinBox
        The size of holes and islands.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.current = QPushButton("class")
        self.current.setToolTip(f"The class to paint and take with ({key_of('quick_pick')})")
        self.current.clicked.connect(lambda: self.pressed.emit("quick_pick"))
        self.pixels = QSpinBox()
        self.pixels.setRange(1, _MOST_PIXELS)
        self.pixels.setValue(_PIXELS)
        self.pixels.setSuffix(" px")
        self.buttons = {name: self._button(name, text, tip) for name, text, tip in _BUTTONS}
        self.buttons["superpixels"].setCheckable(True)
        self._lay_out()

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        key = key_of(name)
        button.setToolTip(f"{tip} ({key})" if key else tip)
        button.clicked.connect(lambda: self.pressed.emit(name))
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        grid = QGridLayout()
        grid.addWidget(self.current, 0, 0)
        grid.addWidget(self.pixels, 0, 1)
        for number, name in enumerate(self.buttons):
            grid.addWidget(self.buttons[name], 1 + number // 2, number % 2)
        column.addLayout(grid)

    def show_class(self, class_id: int, classes: ClassList) -> None:
        """Show the current class."""
        self.current.setText(f"{class_id} {classes.name(class_id)}")
        self.current.setIcon(icon_of(classes, class_id))

    def show_superpixels(self, on: bool) -> None:
        """Show whether the superpixel brush is in hand."""
        self.buttons["superpixels"].setChecked(on)
