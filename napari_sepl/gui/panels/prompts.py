"""SAM's prompts: on and off, and what SAM is at."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_sepl.gui.keys import key_of

_BUTTONS = (
    ("prompt", "Prompt SAM", "Points and boxes on the image become masks"),
    ("snap", "Snap to SAM", "Let SAM redraw the outline of the current class"),
    ("add", "Add mask", "Add the mask, taken for the current class"),
    ("drop", "Drop prompts", "Take back all prompts"),
)
_OFF = "Prompts need one of SAM's models, chosen above."


class PromptsPanel(QWidget):
    """The buttons, and a line of text.

    Attributes
    ----------
    pressed : Signal(str)
        A button was pressed, by its name in `buttons`.
    buttons : dict of str to QPushButton
        The buttons.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = {name: self._button(name, text, tip) for name, text, tip in _BUTTONS}
        self.buttons["prompt"].setCheckable(True)
        self.text = QLabel("")
        self.text.setWordWrap(True)
        column, grid = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(0, 0, 0, 0)
        for number, button in enumerate(self.buttons.values()):
            grid.addWidget(button, number // 2, number % 2)
        column.addLayout(grid)
        column.addWidget(self.text)
        self.show_prompting(on=False, text="")

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        key = key_of(name)
        button.setToolTip(f"{tip} ({key})" if key else tip)
        button.clicked.connect(lambda: self.pressed.emit(name))
        return button

    def show_prompting(self, *, on: bool, text: str) -> None:
        """Show whether prompts are taken, and what SAM is at."""
        self.buttons["prompt"].setChecked(on)
        for name in ("snap", "add", "drop"):
            self.buttons[name].setEnabled(on)
        self.text.setText(text if on else _OFF)
