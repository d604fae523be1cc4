"""The dialog that exports the open dataset in the background."""

from collections.abc import Callable, Generator

from qtpy.QtWidgets import QDialog, QLabel, QProgressBar, QPushButton, QWidget

from napari_sepl.core.errors import SeplError
from napari_sepl.files.class_lists import read_class_map
from napari_sepl.gui.panels.export_choice import ExportChoice, ExportChoicePanel
from napari_sepl.gui.panels.widgets import line_up, stack
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import ReviewSource
from napari_sepl.workflow.results import Batch, Outcome, SampleResult, first_failures, take_batch
from napari_sepl.workflow.review.reviewing import Reviewing

_BATCH = 0.1
"""Seconds after which a batch begins no further sample: other reading may wait that long."""


class Exporting:
    """Runs one export in the background.

    Parameters
    ----------
    make : callable
        Returns the export; called off the window's thread.
    background : Background
        Runs the batches.
    view : ExportDialog
        Shows progress and end.

    Attributes
    ----------
    running : bool
        Whether the export is running.
    """

    def __init__(
        self, make: Callable[[], Export], background: Background, view: "ExportDialog"
    ) -> None:
        self._make = make
        self._background = background
        self._view = view
        self._export: Export | None = None
        self._steps: Generator[SampleResult[None], None, None] | None = None
        self._done: list[SampleResult[None]] = []
        self._wanted = True
        self.running = False

    def start(self) -> None:
        """Start the export."""
        self.running = True
        self._background.run("export", self._make, self._begin, self._fail)

    def stop(self) -> None:
        """Begin no further sample; written files are whole, and the same export can resume."""
        self._wanted = False

    def _begin(self, export: Export) -> None:
        self._export, self._steps = export, export.run()
        self._view.show_progress(0, len(export))
        self._go_on()

    def _go_on(self) -> None:
        if self._wanted:
            self._background.run("export", self._batch, self._take, self._fail)
        else:
            if self._steps is not None:
                self._steps.close()
            self._end("Stopped. Export again to resume.")

    def _batch(self) -> Batch[None]:
        return take_batch(self._steps or (), _BATCH, lambda: self._wanted)

    def _take(self, batch: Batch[None]) -> None:
        self._done += batch.results
        if self._export is not None:
            self._view.show_progress(len(self._done), len(self._export))
        if batch.ended:
            self._end("")
        else:
            self._background.later("export", 0, self._go_on)

    def _end(self, last: str) -> None:
        self.running = False
        failures = [step.message for step in self._done if step.outcome is Outcome.FAILED]
        counts = {
            outcome: sum(step.outcome is outcome for step in self._done) for outcome in Outcome
        }
        counted = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
        sentences = [
            f"{counted or 'No sample exported'}.",
            *first_failures(failures),
            *([] if self._export is None else self._export.outcome()),
            last,
        ]
        self._view.show_end(" ".join(sentences).strip(), fine=not failures)

    def _fail(self, error: SeplError) -> None:
        self.running = False
        self._view.show_end(str(error), fine=False)


class ExportDialog(QDialog):
    """Asks what to export, exports it in the background, and shows the progress.

    Parameters
    ----------
    background : Background
        Runs the export.
    """

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export labels (SEPL)")
        self._background = background
        self._reviewing: Reviewing | None = None
        self._exporting: Exporting | None = None
        self.choice = ExportChoicePanel()
        self.bar, self.outcome = QProgressBar(), QLabel()
        self.outcome.setWordWrap(True)
        self.start, self.leave = QPushButton("Export"), QPushButton("Close")
        buttons = line_up(self.start, self.leave)
        column = stack(self.choice, self.bar, self.outcome, buttons, parent=self)
        column.setContentsMargins(9, 9, 9, 9)
        self.start.clicked.connect(lambda _: self.toggle())
        self.leave.clicked.connect(lambda _: self.close())
        self._show_state()

    def open_for(self, reviewing: Reviewing) -> None:
        """Show the dialog for a dataset."""
        if reviewing is not self._reviewing:
            self._reviewing = reviewing
            self.outcome.setText("")
            self.choice.show_classes(reviewing.index.classes)
        self.show()
        self.raise_()

    def leave_dataset(self) -> None:
        """Stop and hide: the dataset closes."""
        if self._exporting is not None:
            self._exporting.stop()
        self._reviewing = None
        self.hide()

    def toggle(self) -> None:
        """Start an export, or stop the running one."""
        exporting, reviewing = self._exporting, self._reviewing
        if exporting is not None and exporting.running:
            exporting.stop()
            self.outcome.setText("stopping…")
        elif reviewing is not None:
            try:
                choice = self.choice.chosen()
            except SeplError as error:
                self.outcome.setText(str(error))
                return
            self.outcome.setText("")
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

    # --- what the export shows

    def show_progress(self, done: int, total: int) -> None:
        """Show the progress."""
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self.bar.setFormat(f"{done:,} of {total:,} samples")

    def show_end(self, text: str, *, fine: bool) -> None:
        """Show the outcome, and whether all went well."""
        self._show_state()
        self.outcome.setText(text if fine else f"⚠ {text}")


def make_export(reviewing: Reviewing, choice: ExportChoice) -> Export:
    """Return the export of a dataset as reviewed so far; call it off the window's thread.

    Raises
    ------
    SeplError
        If the record cannot be written to disk, or the class map cannot be read.
    """
    source = ReviewSource(
        reviewing.index, reviewing.on_disk.written(), choice.statuses, reviewing.session.start
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
