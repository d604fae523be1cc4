"""The dock with the sweep over the thresholds of a dataset."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SeplError, counted, name_first
from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import Guard
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.panels.sweep import BestPairs, SurfacePanel
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.measure.sweep import Point, Sweep, SweepRun, write_sweep
from napari_sepl.workflow.results import SampleResult, take_batch

_BATCH = 0.1
"""Seconds after which a batch begins no further sample: other reading may wait that long."""

_REDRAW = 1.0
"""Minimum seconds between two drawings of the surface."""


class Sweeping:
    """Counts the samples of one sweep in the background.

    Parameters
    ----------
    run : SweepRun
        The sweep.
    background : Background
        Where samples are counted.
    dock : SweepDock
        Shows the sweep.

    Attributes
    ----------
    running : bool
        Whether it is running.
    done : int
        Samples counted or failed so far.
    """

    def __init__(self, run: SweepRun, background: Background, dock: "SweepDock") -> None:
        self.run = run
        self._background = background
        self._dock = dock
        self._steps: Iterator[SampleResult[None]] = iter(run)
        self._failures: list[str] = []
        self._counting = False  # a batch is running, still wanted or not
        self._drawn = 0.0
        self.running = False
        self.done = 0

    @property
    def ended(self) -> bool:
        """Whether all samples were counted or failed."""
        return self.done == len(self.run)

    def start(self) -> None:
        """Start, or resume after `stop`."""
        if not self.ended:
            self.running = True
            self._dock.show_progress(self.done, len(self.run))
            if not self._counting:
                self._count()

    def stop(self) -> None:
        """Begin no further batch; the counts stay."""
        self.running = False

    def _count(self) -> None:
        self._counting = True
        self._background.run("sweep", self._batch, self._take, self._fail)

    def _batch(self) -> list[SampleResult[None]]:
        return take_batch(self._steps, _BATCH).results

    def _take(self, steps: list[SampleResult[None]]) -> None:
        self._counting = False
        self.done += len(steps)
        self._failures += [step.message for step in steps if step.message]
        if not self.running:
            return
        self._dock.show_progress(self.done, len(self.run))
        if self.ended:
            self.running = False
            self._dock.show_sweep(self.run.sweep)
            self._dock.show_end(self._failures)
            return
        if monotonic() - self._drawn > _REDRAW:
            self._dock.show_sweep(self.run.sweep)
            self._drawn = monotonic()
        self._background.later("sweep", 0, self._resume)

    def _resume(self) -> None:
        if self.running and not self._counting:
            self._count()

    def _fail(self, error: SeplError) -> None:
        self._counting = self.running = False
        self._dock.show_trouble(error)


TITLE = "Sweep over thresholds (SEPL)"
_ALL = -1
_IOU, _PRECISION, _RECALL = "IoU with the ground truth", "precision", "recall"
_AGREEMENT, _CHANGE = "agreement with the pseudo-labels", "pixels changed"
_WITH_TRUTH, _WITHOUT = (_IOU, _PRECISION, _RECALL, _CHANGE), (_AGREEMENT, _CHANGE)


class SweepDock(QWidget):
    """Sweeps the open dataset with the current strategy; a click sets the sliders.

    Parameters
    ----------
    controller : Controller
        Has the document, whose settings it shows and sets, the view and the background.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = controller.context
        self._index: SampleIndex | None = None
        self._sweeping: Sweeping | None = None
        self._sweep: Sweep | None = None
        self.surface, self.best = SurfacePanel(), BestPairs()
        self.shown, self.of_class = QComboBox(), QComboBox()
        self.start, self.save = QPushButton("Sweep"), QPushButton("Save CSV…")
        self.bar, self.summary = QProgressBar(), QLabel()
        self.summary.setWordWrap(True)
        self._lay_out()
        self.start.clicked.connect(lambda _: self.toggle())
        self.save.clicked.connect(lambda _: self._save())
        self.shown.currentIndexChanged.connect(lambda _: self._draw())
        self.of_class.currentIndexChanged.connect(lambda _: self._draw())
        self.best.class_chosen.connect(self._choose_class)
        self.surface.pair_chosen.connect(lambda t1, t2: controller.set_thresholds(t1=t1, t2=t2))
        controller.showing.followed.connect(self._follow)
        self.open(None)

    def _lay_out(self) -> None:
        split = QSplitter(Qt.Orientation.Horizontal)
        for top, below in (
            ((self.shown, self.of_class), (self.surface,)),
            ((self.start, self.save), (self.bar, self.summary, self.best)),
        ):
            half, row = QWidget(), QHBoxLayout()
            column = QVBoxLayout(half)
            column.setContentsMargins(0, 0, 0, 0)
            column.addLayout(row)
            for part in top:
                row.addWidget(part)
            for part in below:
                column.addWidget(part)
            split.addWidget(half)
        split.setSizes([500, 400])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(split)

    # --- a dataset

    def open(self, index: SampleIndex | None) -> None:
        """Follow another dataset, or none; the sweep of the last one ends."""
        if self._sweeping is not None:
            self._sweeping.stop()
        self._index, self._sweeping, self._sweep = index, None, None
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.best.show_rows([], NO_CLASSES)
        self.surface.clear()
        self.summary.setText("" if index is not None else "No dataset is open.")
        self._show_state()

    def toggle(self) -> None:
        """Start a sweep with the current strategy, stop it, or resume it."""
        sweeping = self._sweeping
        if sweeping is not None and sweeping.running:
            sweeping.stop()
        elif sweeping is not None and not sweeping.ended and self._suits(sweeping):
            sweeping.start()
        else:
            self._begin()
        self._show_state()

    def _begin(self) -> None:
        document = self._context.document
        if self._index is None:
            return
        if document is None:
            self._context.view.show_info("Open a sample first: the sweep uses its strategy.")
            return
        try:
            run = SweepRun(self._index, document.params)
        except SeplError as error:
            self._context.view.show_error(str(error))
            return
        if self._sweeping is not None:
            self._sweeping.stop()
        self._sweep = None
        self._offer(run)
        self._sweeping = Sweeping(run, self._context.background, self)
        self._sweeping.start()

    def _offer(self, run: SweepRun) -> None:
        """Fill the choices for a sweep, keeping those made where possible."""
        truth = Role.TRUTH in run.index.folders
        _fill(self.shown, [(name, name) for name in (_WITH_TRUTH if truth else _WITHOUT)])
        classes = run.index.classes
        names = [(classes.name(k), k) for k in classes.ids]
        _fill(self.of_class, [("all classes", _ALL), *names])

    def _suits(self, sweeping: Sweeping) -> bool:
        """Return whether a sweep uses the current strategy."""
        document, swept = self._context.document, sweeping.run.params
        return document is not None and _rules(document.params) == _rules(swept)

    def _show_state(self) -> None:
        sweeping = self._sweeping
        running = sweeping is not None and sweeping.running
        stopped = sweeping is not None and not running and not sweeping.ended
        resumable = sweeping is not None and stopped and self._suits(sweeping)
        self.start.setText("Stop" if running else "Resume" if resumable else "Sweep")
        self.start.setEnabled(self._index is not None)
        self.save.setEnabled(self._sweep is not None and not running and not stopped)
        self.bar.setVisible(running or stopped)

    # --- the sweep

    def show_progress(self, done: int, total: int) -> None:
        """Show the progress."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setFormat(f"{done:,} of {total:,} samples")

    def show_sweep(self, sweep: Sweep) -> None:
        """Draw the counts so far."""
        self._sweep = sweep
        self.best.show_rows(sweep.best_of_classes, sweep.classes)
        rules = f"{sweep.params.strategy}, {sweep.params.conflict}"
        best, default = sweep.best, sweep.default
        summary = f"{counted(sweep.samples, 'sample')}, {rules}."
        if best is not None and default is not None:
            summary += (
                f" Best mIoU {100 * best.iou:.2f} at t1 {best.t1:.4g}, t2 {best.t2:.4g}; "
                f"{100 * default.iou:.2f} at the paper defaults."
            )
        self.summary.setText(summary)
        self._draw()

    def show_end(self, failures: list[str]) -> None:
        """Show that it ended, and which samples could not be counted."""
        self._show_state()
        run = self._sweeping.run if self._sweeping is not None else None
        if run is not None and (run.without_truth or run.without_masks):
            lacking = [(run.without_truth, "ground truth"), (run.without_masks, "masks")]
            parts = [f"{len(ids):,} without {what}" for ids, what in lacking if ids]
            self.summary.setText(f"{self.summary.text()} Excluded: {', '.join(parts)}.")
        if failures:
            self._context.view.show_error(
                f"Not counted: {counted(len(failures), 'sample')}: {name_first(failures, ' ')}"
            )

    def show_trouble(self, error: SeplError) -> None:
        """Show why it failed."""
        self._show_state()
        self._context.view.show_error(str(error))

    # --- looking

    def _draw(self) -> None:
        sweep = self._sweep
        if sweep is not None and self.shown.currentData() is not None:
            shares, best = self._chosen(sweep)
            self.surface.show_surface(sweep.t1, sweep.t2, shares, best)
            self._follow()

    def _chosen(self, sweep: Sweep) -> tuple[NDArray[np.float64], Point | None]:
        """Return the chosen surface, and its best pair if it has one."""
        shown, class_id = self.shown.currentData(), self.of_class.currentData()
        self.of_class.setEnabled(shown != _CHANGE)
        if shown == _CHANGE:
            return sweep.change, None
        matches = sweep.matches
        by_class = {_PRECISION: matches.precision, _RECALL: matches.recall}.get(shown, matches.iou)
        if class_id == _ALL:
            mean = matches.mean_iou if shown in (_IOU, _AGREEMENT) else _mean(by_class)
            return mean, sweep.best if shown == _IOU else None
        fitting = [row.best for row in sweep.best_of_classes if row.class_id == class_id]
        return by_class[class_id], fitting[0] if fitting and shown == _IOU else None

    def _choose_class(self, class_id: int) -> None:
        self.of_class.setCurrentIndex(self.of_class.findData(class_id))

    def _follow(self) -> None:
        """Mark the thresholds of the open image."""
        document = self._context.document
        if document is not None and self.isVisible():
            self.surface.show_pair(document.params.t1, document.params.t2)
            self._show_state()

    def _save(self) -> None:
        sweep = self._sweep
        chosen, _ = QFileDialog.getSaveFileName(self, "Save sweep", "sweep.csv", "table (*.csv)")
        if sweep is None or not chosen:
            return
        view, path = self._context.view, Path(chosen).with_suffix(".csv")
        inputs = () if self._index is None else self._index.spec.inputs
        guard = Guard(inputs, asked=frozenset({Path(chosen)}), overwrite=True)  # the dialog asked
        self._context.background.run(
            "save sweep",
            lambda: write_sweep(path, sweep, guard),
            lambda paths: view.show_info(f"Saved: {' and '.join(map(str, paths))}"),
            self._context.show_failure,
        )

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Show what changed while the dock was hidden."""
        super().showEvent(event)
        self._follow()


def _rules(params: Params) -> Params:
    """Return settings that are equal if strategy and conflict rule are."""
    return params.model_copy(update={"t1": 0.0, "t2": 0.0})


def _mean(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the classes in which it is defined; NaN where it is in none."""
    return np.asarray(np.ma.masked_invalid(shares).mean(axis=0).filled(np.nan))


def _fill(box: QComboBox, choices: list[tuple[str, object]]) -> None:
    """Fill a box with choices, keeping the current one if possible."""
    with signals_blocked(box):
        chosen = box.currentData()
        box.clear()
        for name, value in choices:
            box.addItem(name, value)
        box.setCurrentIndex(max(0, box.findData(chosen)))
