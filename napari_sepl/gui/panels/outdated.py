"""The line about an outdated sample that is open, with the choices for it."""

from collections.abc import Mapping

from qtpy.QtWidgets import QLabel, QWidget

from napari_sepl.document.edits import InputsChoice
from napari_sepl.gui.actions import ActionButton
from napari_sepl.gui.panels.widgets import stack

CHOICES = {
    InputsChoice.KEEP: "keep_accepted",
    InputsChoice.APPLY: "apply_annotations",
    InputsChoice.START_OVER: "start_over",
}
"""The action of each choice, by its name."""


class OutdatedPanel(QWidget):
    """Says that the open sample is outdated; hidden if it is not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.buttons = {choice: ActionButton(name) for choice, name in CHOICES.items()}
        stack(self.text, *self.buttons.values(), parent=self)
        self.hide()

    def show_outdated(self, text: str, refusals: Mapping[InputsChoice, str]) -> None:
        """Show a text and the choices; hide if it is empty.

        Parameters
        ----------
        text : str
            Which inputs changed.
        refusals : mapping of InputsChoice to str
            Why some choices cannot be made.
        """
        self.text.setText(text)
        for choice, button in self.buttons.items():
            reason = refusals.get(choice, "")
            button.setEnabled(not reason)
            button.setToolTip(button.action.tip(f"Not possible: {reason}" if reason else ""))
        self.setVisible(bool(text))
