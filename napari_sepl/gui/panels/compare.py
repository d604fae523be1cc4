"""Ways to look at the labels beside pseudo-labels and truth, and the legend of what is shown."""

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_sepl.gui.keys import key_of
from napari_sepl.gui.layers.per_pixel import LegendRow

_BUTTONS = (
    ("swipe", "Swipe", "Pseudo-labels left of a divider, enhanced labels right of it"),
    ("difference", "Difference", "Colour what differs from the pseudo-labels"),
    ("errors", "Errors", "Colour what differs from the truth, where there is one"),
    ("where_from", "Where from", "Colour each pixel by what gave it its label"),
)


class ComparePanel(QWidget):
    """A row of buttons, and one legend beneath.

    Attributes
    ----------
    pressed : Signal(str)
        A button was pressed: a name of `buttons`.
    buttons : dict of str to QPushButton
        The buttons.
    legend : QLabel
        The legend of what is shown; hidden while nothing is.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {name: self._button(name, text, tip) for name, text, tip in _BUTTONS}
        self.buttons["errors"].setEnabled(False)
        self.legend = QLabel("")
        self.legend.setVisible(False)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in self.buttons.values():
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.legend)

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setToolTip(f"{tip} ({key_of(name)})")
        button.clicked.connect(lambda: self.pressed.emit(name))
        return button

    def show_swipe(self, *, on: bool) -> None:
        """Show whether the swipe is on."""
        self.buttons["swipe"].setChecked(on)

    def show_legends(self, legends: Mapping[str, Sequence[LegendRow]]) -> None:
        """Show what colours mean; a layer that is not named cannot be asked for."""
        for name in ("difference", "errors", "where_from"):
            self.buttons[name].setEnabled(name in legends)
            self.buttons[name].setChecked(bool(legends.get(name)))
        lines = [_line(row) for rows in legends.values() for row in rows]
        self.legend.setVisible(bool(lines))
        self.legend.setText("<br>".join(lines))


def _line(row: LegendRow) -> str:
    rgb = "".join(f"{round(255 * part):02x}" for part in row.colour)
    square = f'<span style="color:#{rgb}">■</span>' if any(row.colour) else "□"
    return f"{square} {row.name}: {100 * row.share:.1f} %"
