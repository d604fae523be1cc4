"""The window that lists all keys."""

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_sepl.gui.keys import describe_keys


def show_keys(parent: QWidget) -> None:
    """Show which key and which movement of the mouse does what, and let the user work on."""
    box = QMessageBox(parent)
    box.setWindowTitle("Keys of SEPL")
    box.setText(describe_keys())
    box.setModal(False)
    box.show()
