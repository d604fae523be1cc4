"""Buttons that compare labels with pseudo-labels and ground truth, and their legend."""

from collections.abc import Mapping, Sequence

from qtpy.QtWidgets import QLabel, QWidget

from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.layers.per_pixel import LegendRow
from napari_sepl.gui.panels.widgets import line_up, stack

_BUTTONS = ("swipe", "difference", "errors", "label_source")


class ComparePanel(QWidget):
    """A row of buttons, and one legend below it.

    Attributes
    ----------
    buttons : dict of str to ActionButton
        The buttons.
    legend : QLabel
        The legend of the shown layers; hidden if none is shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {name: ActionButton(name) for name in _BUTTONS}
        self.buttons["errors"].setEnabled(False)
        self.legend = QLabel("")
        self.legend.setVisible(False)
        for button in self.buttons.values():
            button.setCheckable(True)
        row = line_up(*self.buttons.values())
        row.setSpacing(4)
        stack(row, self.legend, parent=self)

    def show_swipe(self, *, on: bool) -> None:
        """Show whether the swipe is on."""
        self.buttons["swipe"].setChecked(on)

    def show_legends(self, legends: Mapping[str, Sequence[LegendRow]]) -> None:
        """Show what the colours mean; the button of a layer without a legend is disabled."""
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
