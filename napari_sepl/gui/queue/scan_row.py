"""One line of the queue's dock: how far the reading of samples is, and a button to stop it."""

from collections.abc import Callable
from typing import Protocol

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.queue.scan import FIRST, Kept, Scan
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.review.passes import Pass
from napari_sepl.workflow.review.scan import class_pass
from napari_sepl.workflow.review.suspicion import Judged, suspicion_pass


class Scanned(Kept, Judged, Protocol):
    """What both passes ask of a dataset under review."""


class ScanRow(QWidget):
    """Scans the dataset that is open, and shows it; not there while nothing is to be told.

    First for classes, then, which takes longer, for failures.

    Parameters
    ----------
    background : Background
        Where samples are read.
    panel : QueuePanel
        The queue, which shows what is found.
    warn : callable
        Tells the user that samples cannot be read.
    trouble : callable
        Told why the record cannot be read.
    """

    def __init__(
        self,
        background: Background,
        panel: QueuePanel,
        warn: Callable[[str], None],
        trouble: Callable[[SeplError], None],
    ) -> None:
        super().__init__()
        self._background = background
        self._panel = panel
        self._warn = warn
        self._trouble = trouble
        self._reviewing: Scanned | None = None
        self._suspecting = False
        self._scan: Scan | None = None
        self.text, self.button = QLabel(), QPushButton()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button.clicked.connect(lambda _: self.toggle())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        self._show("")

    def open(self, reviewing: Scanned) -> None:
        """Scan a dataset, when its first image has had time to come."""
        self._reviewing, self._suspecting = reviewing, False
        classes = class_pass(reviewing.index, reviewing.known_facts)
        if classes.rows:
            self._begin(reviewing, classes)
        else:
            self._suspect(reviewing)

    def look_again(self) -> None:
        """Find out about samples whose suspicion was forgotten, unless the user stopped it."""
        scan, reviewing = self._scan, self._reviewing
        if self._suspecting and scan is not None and reviewing is not None:
            stopped = scan.left > 0 and not scan.running
            self._suspect(reviewing)
            if stopped:
                self.pause()

    def _begin(self, reviewing: Scanned, wanted: Pass) -> None:
        if self._scan is not None:
            self._scan.stop()
        self._scan = Scan(wanted, reviewing, self._background, self)
        self._scan.start(FIRST)

    def _suspect(self, reviewing: Scanned) -> None:
        self._suspecting = True
        self._begin(reviewing, suspicion_pass(reviewing))

    def leave(self) -> None:
        """Stop, for the dataset is about to be closed."""
        self.pause()
        self._reviewing = self._scan = None
        self._show("")

    def pause(self) -> None:
        """Stop until `go_on`."""
        if self._scan is not None and self._scan.running:
            self._scan.stop()
            self._show(self._scan.progress)

    def go_on(self) -> None:
        """Go on where it stopped."""
        if self._scan is not None:
            self._scan.start()

    def toggle(self) -> None:
        """Stop, or go on."""
        if self._scan is not None and self._scan.running:
            self.pause()
        else:
            self.go_on()

    def _show(self, text: str) -> None:
        self.text.setText(text)
        self.text.setToolTip(text)
        self.button.setText("Stop" if self._scan is not None and self._scan.running else "Go on")
        self.setVisible(bool(text))

    # --- ScanView

    def show_progress(self, text: str) -> None:
        """Show how far it is."""
        self._show(text)

    def show_found(self) -> None:
        """Draw what the queue knows now."""
        if self._reviewing is not None:
            reviewing = self._reviewing
            self._panel.show_new_facts(reviewing.queue, reviewing.index.classes)

    def show_end(self, failures: int) -> None:
        """Hide, tell once if samples could not be read, and go on with the next pass."""
        self._show("")
        if failures:
            told = f"{failures:,} samples have" if failures > 1 else "1 sample has"
            files = "files" if self._suspecting else "pseudo-labels"
            self._warn(
                f"{told} {files} that cannot be read: marked unreadable in the queue, "
                "where the tool tip says why."
            )
        if not self._suspecting and self._reviewing is not None:
            self._suspect(self._reviewing)

    def show_trouble(self, error: SeplError) -> None:
        """Tell why it stopped."""
        if self._scan is not None:
            self._show(self._scan.progress)
        self._trouble(error)
