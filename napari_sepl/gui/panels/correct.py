"""Correcting by hand: the current class, the superpixel brush, cleaning, where pixels came from."""

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_sepl.core.classes import ClassList
from napari_sepl.gui.keys import key_of
from napari_sepl.gui.panels.quick_pick import icon_of
from napari_sepl.gui.sources_layer import SourceRow

_PIXELS = 100
_MOST_PIXELS = 10_000_000

_BUTTONS = (
    ("superpixels", "Superpixel brush", "Drag to paint whole regions between mask borders"),
    ("where_from", "Where from", "Colour each pixel by what gave it its label"),
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
        for name in ("superpixels", "where_from"):
            self.buttons[name].setCheckable(True)
        self.legend = QLabel("")
        self.legend.setVisible(False)
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
        column.addWidget(self.legend)

    def show_class(self, class_id: int, classes: ClassList) -> None:
        """Show the current class."""
        self.current.setText(f"{class_id} {classes.name(class_id)}")
        self.current.setIcon(icon_of(classes, class_id))

    def show_superpixels(self, on: bool) -> None:
        """Show whether the superpixel brush is in hand."""
        self.buttons["superpixels"].setChecked(on)

    def show_sources(self, rows: Sequence[SourceRow]) -> None:
        """Show the legend of where pixels came from; none if it is hidden."""
        self.buttons["where_from"].setChecked(bool(rows))
        self.legend.setVisible(bool(rows))
        lines = []
        for row in rows:
            rgb = "".join(f"{round(255 * part):02x}" for part in row.colour)
            square = f'<span style="color:#{rgb}">■</span>' if any(row.colour) else "□"
            lines.append(f"{square} {row.name}: {100 * row.share:.1f} %")
        self.legend.setText("<br>".join(lines))
