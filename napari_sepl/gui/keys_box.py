"""The window that lists all keys."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.gui.keys import describe_keys

_WIDTH, _HEIGHT = 720, 640


class KeysBox(QDialog):
    """Lists which key and which movement of the mouse does what; scrolled where it is too high."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys of SEPL")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(describe_keys())
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        area = QScrollArea()
        area.setWidget(text)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(area)
        column.addWidget(close)
        self.resize(_WIDTH, _HEIGHT)


def show_keys(parent: QWidget) -> None:
    """Show all keys, once however often it is asked for, and let the user work on."""
    box = parent.findChild(KeysBox) or KeysBox(parent)
    box.show()
    box.raise_()
