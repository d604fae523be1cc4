"""Finding out, while a person works, about the samples that nobody opened yet."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_sepl.core.errors import SeplError
from napari_sepl.files.store import StampedFacts
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.diagnose import suspicion_scan
from napari_sepl.workflow.review.queue import Queue
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import Scan, ScanBatch, class_scan

FIRST = 1000
"""Milliseconds after which it begins, so that the first image comes first."""

_PAUSE = 10
"""Milliseconds between two batches, in which whatever else waits gets a thread."""

_BATCH = 0.05
"""Seconds after which a batch begins no further sample: so long may `next` have to wait."""

_ROWS = 256
"""Samples of a batch at most, for those of which nothing changed take no time."""

_REDRAW = 1000
"""Milliseconds at least from one drawing of what was found to the next."""


class KeepFacts(Protocol):
    """Keeps what was read; False, unless it is the last, while other things wait."""

    def __call__(self, facts: Mapping[str, StampedFacts], *, last: bool) -> bool:
        """Keep it."""


class ScanView(Protocol):
    """Where a pass shows how far it is."""

    def show_progress(self, text: str) -> None:
        """Show how far it is."""

    def show_found(self) -> None:
        """Draw what the queue knows now."""

    def show_end(self, failures: int) -> None:
        """Show that all is read, but for some that could not be."""

    def show_trouble(self, error: SeplError) -> None:
        """Tell why it had to stop."""


class BackgroundScan:
    """Reads the samples of a dataset in small batches, one at a time.

    Parameters
    ----------
    wanted : Scan
        What to find out.
    queue : Queue
        Where what is found goes.
    keep : callable
        Keeps what was read; False, unless it is the last, while other things wait.
    background : Background
        Where samples are read.
    view : ScanView
        Where it is shown.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    """

    def __init__(
        self,
        wanted: Scan,
        queue: Queue,
        keep: KeepFacts,
        background: Background,
        view: ScanView,
    ) -> None:
        self._pass = wanted
        self._queue = queue
        self._keep_facts = keep
        self._background = background
        self._view = view
        self._rows = wanted.rows
        self._next = self._failures = 0
        self._unkept: dict[str, StampedFacts] = {}
        self._drawing = False
        self.running = False

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        return f"{self._pass.title}: {self._next:,} of {len(self._rows):,}"

    @property
    def left(self) -> int:
        """How many samples are still to be looked at."""
        return len(self._rows) - self._next

    def start(self, delay: int = 0) -> None:
        """Begin, or go on after `stop`, in so many milliseconds."""
        if not self.running and self._next < len(self._rows):
            self.running = True
            self._background.later("pass", delay, self._go_on)

    def stop(self) -> None:
        """End it, whatever is being read; what was found stays."""
        if self.running:
            self.running = False
            self._keep(last=True)

    def _go_on(self) -> None:
        if not self.running:
            return
        if self._next == len(self._rows):
            self.stop()
            self._view.show_found()
            self._view.show_end(self._failures)
            return
        self._view.show_progress(self.progress)
        rows, look = self._rows[self._next : self._next + _ROWS], self._pass.read
        self._background.run("pass", lambda: look(rows, _BATCH), self._take, self._fail)

    def _take(self, scanned: ScanBatch) -> None:
        if not self.running:
            return
        for row, facts in scanned.facts.items():
            self._queue.find_classes(row, facts.class_ids)
            if facts.suspicion is not None and np.isnan(self._queue.suspicion[row]):
                self._queue.set_suspicion(row, *facts.suspicion)
        self._queue.failures.update(scanned.failures)
        self._next += scanned.count
        self._failures += len(scanned.failures)
        self._unkept |= scanned.fresh
        self._keep()
        if not self._drawing:
            self._drawing = True
            self._background.later("draw pass", _REDRAW, self._draw)
        self._background.later("pass", _PAUSE, self._go_on)

    def _keep(self, *, last: bool = False) -> None:
        """Have what was read kept, unless what a person did still waits to be written."""
        if self._unkept and self._keep_facts(self._unkept, last=last):
            self._unkept = {}

    def _draw(self) -> None:
        self._drawing = False
        if self.running:
            self._view.show_found()

    def _fail(self, error: SeplError) -> None:
        if self.running:
            self.running = False
            self._view.show_trouble(error)


class ScanRow(QWidget):
    """Looks through the dataset that is open, and shows it; not there while nothing is to be told.

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
        self._reviewing: Reviewing | None = None
        self._suspecting = False
        self._run: BackgroundScan | None = None
        self.text, self.button = QLabel(), QPushButton()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button.clicked.connect(lambda _: self.toggle())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        self._show("")

    def open(self, reviewing: Reviewing) -> None:
        """Look through a dataset, when its first image has had time to come."""
        self._reviewing, self._suspecting = reviewing, False
        classes = class_scan(reviewing.index, reviewing.on_disk.store.facts)
        if classes.rows:
            self._begin(reviewing, classes)
        else:
            self._suspect(reviewing)

    def rescan(self) -> None:
        """Find out about samples whose suspicion was forgotten, unless the user stopped it."""
        run, reviewing = self._run, self._reviewing
        if self._suspecting and run is not None and reviewing is not None:
            stopped = run.left > 0 and not run.running
            self._suspect(reviewing)
            if stopped:
                self.pause()

    def _begin(self, reviewing: Reviewing, wanted: Scan) -> None:
        if self._run is not None:
            self._run.stop()
        keep = reviewing.on_disk.put_facts
        self._run = BackgroundScan(wanted, reviewing.queue, keep, self._background, self)
        self._run.start(FIRST)

    def _suspect(self, reviewing: Reviewing) -> None:
        self._suspecting = True
        self._begin(reviewing, suspicion_scan(reviewing))

    def leave(self) -> None:
        """Stop, for the dataset is about to be closed."""
        self.pause()
        self._reviewing = self._run = None
        self._show("")

    def pause(self) -> None:
        """Stop until `go_on`."""
        if self._run is not None and self._run.running:
            self._run.stop()
            self._show(self._run.progress)

    def go_on(self) -> None:
        """Go on where it stopped."""
        if self._run is not None:
            self._run.start()

    def toggle(self) -> None:
        """Stop, or go on."""
        if self._run is not None and self._run.running:
            self.pause()
        else:
            self.go_on()

    def _show(self, text: str) -> None:
        self.text.setText(text)
        self.text.setToolTip(text)
        self.button.setText("Stop" if self._run is not None and self._run.running else "Go on")
        self.setVisible(bool(text))

    # --- ScanView

    def show_progress(self, text: str) -> None:
        """Show how far it is."""
        self._show(text)

    def show_found(self) -> None:
        """Draw what the queue knows now."""
        if self._reviewing is not None:
            reviewing = self._reviewing
            self._panel.refresh_all(reviewing.queue, reviewing.index.classes)

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
        if self._run is not None:
            self._show(self._run.progress)
        self._trouble(error)
