"""Ways to look at the labels beside pseudo-labels and truth, and the legend of what is shown."""

from collections.abc import Mapping, Sequence

from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.layers.per_pixel import LegendRow

_BUTTONS = ("swipe", "difference", "errors", "label_source")


class ComparePanel(QWidget):
    """A row of buttons, and one legend beneath.

    Attributes
    ----------
    buttons : dict of str to ActionButton
        The buttons.
    legend : QLabel
        The legend of what is shown; hidden while nothing is.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {name: ActionButton(name) for name in _BUTTONS}
        self.buttons["errors"].setEnabled(False)
        self.legend = QLabel("")
        self.legend.setVisible(False)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in self.buttons.values():
            button.setCheckable(True)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.legend)

    def show_swipe(self, *, on: bool) -> None:
        """Show whether the swipe is on."""
        self.buttons["swipe"].setChecked(on)

    def show_legends(self, legends: Mapping[str, Sequence[LegendRow]]) -> None:
        """Show what colours mean; a layer that is not named cannot be asked for."""
        for name in ("difference", "errors", "label_source"):
            self.buttons[name].setEnabled(name in legends)
            self.buttons[name].setChecked(bool(legends.get(name)))
        lines = [_line(row) for rows in legends.values() for row in rows]
        self.legend.setVisible(bool(lines))
        self.legend.setText("<br>".join(lines))


def _line(row: LegendRow) -> str:
    rgb = "".join(f"{round(255 * part):02x}" for part in row.colour)
    square = f'<span style="color:#{rgb}">■</span>' if any(row.colour) else "□"
    return f"{square} {row.name}: {100 * row.share:.1f} %"
