"""The dialog that exports the dataset under review."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from napari_sepl.core.errors import SeplError
from napari_sepl.files.class_lists import read_class_map
from napari_sepl.gui.export.exporting import Exporting
from napari_sepl.gui.panels.export_choice import ExportChoice, ExportChoicePanel
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import ReviewSource
from napari_sepl.workflow.review.reviewing import Reviewing

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_sepl.gui.worker import Background


class ExportDialog(QDialog):
    """Asks what to export, does so beside the window, and tells how far it is.

    Parameters
    ----------
    background : Background
        Where samples are read and written.
    """

    def __init__(self, background: "Background", parent: "QWidget | None" = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export labels (SEPL)")
        self._background = background
        self._reviewing: Reviewing | None = None
        self._exporting: Exporting | None = None
        self.choice = ExportChoicePanel()
        self.bar, self.told = QProgressBar(), QLabel()
        self.told.setWordWrap(True)
        self.start, self.leave = QPushButton("Export"), QPushButton("Close")
        column, row = QVBoxLayout(self), QHBoxLayout()
        for part in (self.choice, self.bar, self.told):
            column.addWidget(part)
        row.addWidget(self.start)
        row.addWidget(self.leave)
        column.addLayout(row)
        self.start.clicked.connect(lambda _: self.toggle())
        self.leave.clicked.connect(lambda _: self.close())
        self._show_state()

    def open_for(self, reviewing: Reviewing) -> None:
        """Show the dialog for a dataset."""
        if reviewing is not self._reviewing:
            self._reviewing = reviewing
            self.told.setText("")
            self.choice.show_classes(reviewing.index.classes)
        self.show()
        self.raise_()

    def leave_dataset(self) -> None:
        """Stop and hide, for the dataset is about to be closed."""
        if self._exporting is not None:
            self._exporting.stop()
        self._reviewing = None
        self.hide()

    def toggle(self) -> None:
        """Begin an export, or stop the one that is under way."""
        exporting, reviewing = self._exporting, self._reviewing
        if exporting is not None and exporting.running:
            exporting.stop()
            self.told.setText("stopping…")
        elif reviewing is not None:
            try:
                choice = self.choice.chosen()
            except SeplError as error:
                self.told.setText(str(error))
                return
            self.told.setText("")
            self._exporting = Exporting(
                lambda: make_export(reviewing, choice), self._background, self
            )
            self._exporting.start()
            self._show_state()

    def _show_state(self) -> None:
        running = self._exporting is not None and self._exporting.running
        self.start.setText("Stop" if running else "Export")
        self.choice.setEnabled(not running)
        self.bar.setVisible(running)

    # --- ExportView

    def show_progress(self, done: int, total: int) -> None:
        """Show how far it is."""
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self.bar.setFormat(f"{done:,} of {total:,} samples")

    def show_end(self, text: str, *, fine: bool) -> None:
        """Tell what came of it."""
        self._show_state()
        self.told.setText(text if fine else f"⚠ {text}")


def make_export(reviewing: Reviewing, choice: ExportChoice) -> Export:
    """Return the export of a dataset as it was reviewed so far; for a thread of its own.

    Raises
    ------
    SeplError
        If what was done is not on the disk, or the class map cannot be read.
    """
    source = ReviewSource(
        reviewing.index, reviewing.on_disk.stored(), choice.statuses, reviewing.session.start
    )
    class_map = (
        None if choice.class_map is None else read_class_map(choice.class_map, source.classes)
    )
    return Export(
        source,
        choice.to,
        choice.settings,
        class_map=class_map,
        with_classes=choice.class_ids,
        overwrite=choice.overwrite,
    )
