"""Reading classes and suspicion of unopened samples in the background, while a person works."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from qtpy.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from napari_sepl.core.errors import SeplError, counted
from napari_sepl.files.store import StampedFacts
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.panels.widgets import line_up
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.diagnose import recall, suspicion_scan
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import Scan, ScanBatch, Suspicion, class_scan

FIRST = 1000
"""Milliseconds until a scan starts: the first image is shown before."""

_PAUSE = 10
"""Milliseconds between two batches, in which other work gets a thread."""

_BATCH = 0.05
"""Seconds after which a batch begins no further sample: the next sample may wait that long."""

_ROWS = 256
"""Samples of a batch at most: unchanged ones take no time."""

_REDRAW = 1000
"""Milliseconds between two redraws of the queue."""


class SaveFacts(Protocol):
    """Saves facts in the record; False if other writes wait, unless they are the last facts."""

    def __call__(self, facts: Mapping[str, StampedFacts], *, last: bool) -> bool:
        """Save them."""


class BackgroundScan:
    """Runs one scan in small batches, so that other work goes first.

    Parameters
    ----------
    scan : Scan
        Which samples to read for which facts.
    queue : Queue
        Where the facts are shown.
    save : callable
        Saves the facts in the record.
    background : Background
        Runs the batches.
    view : ScanRow
        Shows progress, end and errors.

    Attributes
    ----------
    running : bool
        Whether the scan is running.
    """

    def __init__(
        self, scan: Scan, queue: Queue, save: SaveFacts, background: Background, view: "ScanRow"
    ) -> None:
        self._scan = scan
        self._queue = queue
        self._save_facts = save
        self._background = background
        self._view = view
        self._rows = scan.rows
        self._next = self._failures = 0
        self._unsaved: dict[str, StampedFacts] = {}
        self._drawing = False
        self.running = False

    @property
    def progress(self) -> str:
        """The progress as text."""
        return f"{self._scan.title}: {self._next:,} of {len(self._rows):,}"

    @property
    def left(self) -> int:
        """The number of samples still to read."""
        return len(self._rows) - self._next

    def start(self, delay: int = 0) -> None:
        """Start, or resume after `stop`, in `delay` milliseconds."""
        if not self.running and self._next < len(self._rows):
            self.running = True
            self._background.later("scan", delay, self._run_batch)

    def stop(self) -> None:
        """Stop, and ignore the running batch; facts found so far stay."""
        if self.running:
            self.running = False
            self._save(last=True)

    def _run_batch(self) -> None:
        if not self.running:
            return
        if self._next == len(self._rows):
            self.stop()
            self._view.show_found()
            self._view.show_end(self._failures)
            return
        self._view.show_progress(self.progress)
        rows, read = self._rows[self._next : self._next + _ROWS], self._scan.read
        self._background.run("scan", lambda: read(rows, _BATCH), self._add, self._fail)

    def _add(self, scanned: ScanBatch) -> None:
        if not self.running:
            return
        for row, facts in scanned.facts.items():
            self._queue.find_classes(row, facts.class_ids)
            if facts.suspicion is not None:
                self._queue.find_suspicion(row, *facts.suspicion)
        self._queue.failures.update(scanned.failures)
        self._next += scanned.count
        self._failures += len(scanned.failures)
        self._unsaved |= scanned.fresh
        self._save()
        if not self._drawing:
            self._drawing = True
            self._background.later("draw scan", _REDRAW, self._draw)
        self._background.later("scan", _PAUSE, self._run_batch)

    def _save(self, *, last: bool = False) -> None:
        """Save new facts, unless a person's work still waits to be written."""
        if self._unsaved and self._save_facts(self._unsaved, last=last):
            self._unsaved = {}

    def _draw(self) -> None:
        self._drawing = False
        if self.running:
            self._view.show_found()

    def _fail(self, error: SeplError) -> None:
        if self.running:
            self.running = False
            self._view.show_trouble(error)


class ScanRow(QWidget):
    """Scans the open dataset: progress, and a button to stop it; hidden if nothing is to be read.

    It reads classes first, then computes suspicion, which takes longer.

    Parameters
    ----------
    context : ReviewContext
        Its background runs the batches, its view shows how many samples cannot be read.
    panel : QueuePanel
        The queue, which shows the facts.
    trouble : callable
        Called with the error if the record cannot be read.
    """

    def __init__(
        self, context: ReviewContext, panel: QueuePanel, trouble: Callable[[SeplError], None]
    ) -> None:
        super().__init__()
        self._context = context
        self._panel = panel
        self._trouble = trouble
        self._reviewing: Reviewing | None = None
        self._suspecting = False
        self._run: BackgroundScan | None = None
        self.text, self.button = QLabel(), QPushButton()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button.clicked.connect(lambda _: self.toggle())
        line_up(self.text, self.button, parent=self).setStretch(0, 1)
        self.show_progress("")

    def open(self, reviewing: Reviewing) -> None:
        """Scan a dataset, once its first image had time to appear."""
        self._reviewing, self._suspecting = reviewing, False
        self._context.background.run(
            "recall", partial(recall, reviewing), self._remember, self._trouble
        )
        classes = class_scan(reviewing.index, reviewing.on_disk.store.facts)
        self._begin(classes if classes.rows else None)

    def _remember(self, kept: Mapping[int, Suspicion]) -> None:
        """Show what the record kept of earlier scans; this one checks it."""
        if self._reviewing is not None:
            self._reviewing.queue.remember(list(kept), list(kept.values()))
            self.show_found()

    def rescan(self) -> None:
        """Compute the suspicion of changed samples, unless the user stopped the scan."""
        run = self._run
        if self._suspecting and run is not None:
            stopped = run.left > 0 and not run.running
            self._begin()
            if stopped:
                self.pause()

    def _begin(self, classes: Scan | None = None) -> None:
        """Start the scan for classes, or the one for suspicion if it is None."""
        reviewing = self._reviewing
        if reviewing is None:
            return
        if self._run is not None:
            self._run.stop()
        self._suspecting = classes is None
        scan = suspicion_scan(reviewing) if classes is None else classes
        save = reviewing.on_disk.put_facts
        self._run = BackgroundScan(scan, reviewing.queue, save, self._context.background, self)
        self._run.start(FIRST)

    def leave(self) -> None:
        """Stop: the dataset closes."""
        self.pause()
        self._reviewing = self._run = None
        self.show_progress("")

    def pause(self) -> None:
        """Stop until the user resumes."""
        if self._run is not None and self._run.running:
            self._run.stop()
            self.show_progress(self._run.progress)

    def toggle(self) -> None:
        """Stop, or resume."""
        if self._run is not None and self._run.running:
            self.pause()
        elif self._run is not None:
            self._run.start()

    # --- what the scan shows

    def show_progress(self, text: str) -> None:
        """Show the progress and the button; hide both if the text is empty."""
        self.text.setText(text)
        self.text.setToolTip(text)
        self.button.setText("Stop" if self._run is not None and self._run.running else "Resume")
        self.setVisible(bool(text))

    def show_found(self) -> None:
        """Draw the facts in the queue."""
        if self._reviewing is not None:
            reviewing = self._reviewing
            self._panel.refresh_all(reviewing.queue, reviewing.index.classes)

    def show_end(self, failures: int) -> None:
        """Hide, warn once if samples cannot be read, and start the next scan."""
        self.show_progress("")
        if failures:
            files = "Files" if self._suspecting else "Pseudo-labels"
            samples = counted(failures, "sample")
            self._context.view.show_error(
                f"{files} of {samples} cannot be read: see their tooltips in the queue."
            )
        if not self._suspecting:
            self._begin()

    def show_trouble(self, error: SeplError) -> None:
        """Show where the scan stopped, and report why."""
        if self._run is not None:
            self.show_progress(self._run.progress)
        self._trouble(error)
