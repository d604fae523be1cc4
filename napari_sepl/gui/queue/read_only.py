"""The banner over the queue of a dataset that is read-only here."""

from contextlib import suppress
from datetime import datetime

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton, QWidget

from napari_sepl.files.store import Store
from napari_sepl.gui.panels.widgets import line_up


class ReadOnlyBanner(QWidget):
    """Shows who holds the record and since when, or why else it is read-only.

    Attributes
    ----------
    text : QLabel
        Why nothing can be changed.
    again : QPushButton
        Tries again to open the dataset for writing.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)  # names come from a file of others
        self.text.setWordWrap(True)
        self.text.setStyleSheet("color: rgb(240, 180, 80); font-weight: bold")
        self.again = QPushButton("Try again")
        self.again.setToolTip("Open the dataset for writing, if the other window has closed it")
        line_up(self.text, self.again, parent=self).setStretch(0, 1)
        self.hide()

    def show_right(self, store: Store) -> None:
        """Show why a record is read-only; hide if it is not."""
        holder = store.holder
        if holder is None:
            self.text.setText(f"Read-only: {store.reason}.")
        else:
            who = f"{holder.who} on {holder.host}"
            since = _local(holder.since)
            self.text.setText(f"Read-only: {who} has the record open since {since}.")
        self.setVisible(store.read_only)


def _local(since: str) -> str:
    """Return a time in UTC as one of this place, or as it is if it is none."""
    with suppress(ValueError, OverflowError, OSError):
        return f"{datetime.fromisoformat(since).astimezone():%Y-%m-%d %H:%M}"
    return since
