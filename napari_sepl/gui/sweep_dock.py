"""The dock with the sweep over a dataset's thresholds: run it, look at it, click on it."""

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
from napari_sepl.core.errors import SeplError
from napari_sepl.core.labels.classes import VOC as NO_CLASSES
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import Guard
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.panels.sweep import BestPairs, SurfacePanel
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.measure.sweep import Point, Sweep, SweepRun, write_sweep
from napari_sepl.workflow.results import NAMED, SampleResult, take_batch

_BATCH = 0.1
"""Seconds after which a batch begins no further sample: so long may other reading have to wait."""

_REDRAW = 1.0
"""Seconds at least from one drawing of the surface to the next."""


class Sweeping:
    """Counts the samples of one sweep in the background.

    Parameters
    ----------
    run : SweepRun
        The sweep.
    background : Background
        Where samples are counted.
    dock : SweepDock
        Where it is shown.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    done : int
        Samples that were dealt with.
    """

    def __init__(self, run: SweepRun, background: Background, dock: "SweepDock") -> None:
        self.run = run
        self._background = background
        self._dock = dock
        self._steps: Iterator[SampleResult[None]] = iter(run)
        self._failures: list[str] = []
        self._counting = False  # a batch is on its way, be it still wanted or not
        self._drawn = 0.0
        self.running = False
        self.done = 0

    @property
    def ended(self) -> bool:
        """Whether all samples were dealt with."""
        return self.done == len(self.run)

    def start(self) -> None:
        """Begin, or go on after `stop`."""
        if not self.ended:
            self.running = True
            self._dock.show_progress(self.done, len(self.run))
            if not self._counting:
                self._count()

    def stop(self) -> None:
        """Begin no further batch; what is counted stays."""
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
        self._background.later("sweep", 0, self._go_on)

    def _go_on(self) -> None:
        if self.running and not self._counting:
            self._count()

    def _fail(self, error: SeplError) -> None:
        self._counting = self.running = False
        self._dock.show_trouble(error)


TITLE = "Sweep over thresholds (SEPL)"
_ALL = -1
_IOU, _PRECISION, _RECALL = "IoU with the truth", "precision", "recall"
_AGREEMENT, _CHANGE = "agreement with the pseudo-labels", "pixels changed"
_WITH_TRUTH, _WITHOUT = (_IOU, _PRECISION, _RECALL, _CHANGE), (_AGREEMENT, _CHANGE)


class SweepDock(QWidget):
    """Sweeps the dataset that is open with the strategy that is set; a click sets the sliders.

    Parameters
    ----------
    controller : Controller
        Has the document, whose settings are followed and set, the view and the background.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._context = controller.context
        self._index: SampleIndex | None = None
        self._sweeping: Sweeping | None = None
        self._sweep: Sweep | None = None
        self.surface, self.best = SurfacePanel(), BestPairs()
        self.shown, self.of_class = QComboBox(), QComboBox()
        self.start, self.save = QPushButton("Sweep"), QPushButton("Save CSV…")
        self.bar, self.told = QProgressBar(), QLabel()
        self.told.setWordWrap(True)
        self._lay_out()
        self.start.clicked.connect(lambda _: self.toggle())
        self.save.clicked.connect(lambda _: self._save())
        self.shown.currentIndexChanged.connect(lambda _: self._draw())
        self.of_class.currentIndexChanged.connect(lambda _: self._draw())
        self.best.class_chosen.connect(self._choose_class)
        self.surface.pair_chosen.connect(self._use)
        controller.showing.followed.connect(self._follow)
        self.open(None)

    def _lay_out(self) -> None:
        left, right = QWidget(), QWidget()
        choices = QHBoxLayout()
        choices.addWidget(self.shown)
        choices.addWidget(self.of_class)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(choices)
        column.addWidget(self.surface)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.save)
        column.addLayout(buttons)
        for part in (self.bar, self.told, self.best):
            column.addWidget(part)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(right)
        split.setSizes([500, 400])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(split)

    # --- a dataset

    def open(self, index: SampleIndex | None) -> None:
        """Take another dataset, or none; the sweep of the last one ends."""
        if self._sweeping is not None:
            self._sweeping.stop()
        self._index, self._sweeping, self._sweep = index, None, None
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.best.show_rows([], NO_CLASSES)
        self.surface.clear()
        self.told.setText("" if index is not None else "No dataset is open.")
        self._show_state()

    def toggle(self) -> None:
        """Begin a sweep with the strategy that is set, stop it, or go on with it."""
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
            self._context.view.tell("Open a sample first: its strategy is what is swept.")
            return
        try:
            run = SweepRun(self._index, document.params)
        except SeplError as error:
            self._context.view.warn(str(error))
            return
        if self._sweeping is not None:
            self._sweeping.stop()
        self._sweep = None
        self._offer(run)
        self._sweeping = Sweeping(run, self._context.background, self)
        self._sweeping.start()

    def _offer(self, run: SweepRun) -> None:
        """Offer what can be shown of a sweep, keeping what is chosen where it is among that."""
        truth = Role.TRUTH in run.index.folders
        _fill(self.shown, [(name, name) for name in (_WITH_TRUTH if truth else _WITHOUT)])
        classes = run.index.classes
        names = [(classes.name(k), k) for k in range(len(classes))]
        _fill(self.of_class, [("all classes", _ALL), *names])

    def _suits(self, sweeping: Sweeping) -> bool:
        """Tell whether a sweep is of the strategy that is set now."""
        document, swept = self._context.document, sweeping.run.params
        return document is not None and _rules(document.params) == _rules(swept)

    def _show_state(self) -> None:
        sweeping = self._sweeping
        running = sweeping is not None and sweeping.running
        broken_off = sweeping is not None and not running and not sweeping.ended
        go_on = sweeping is not None and broken_off and self._suits(sweeping)
        self.start.setText("Stop" if running else "Go on" if go_on else "Sweep")
        self.start.setEnabled(self._index is not None)
        self.save.setEnabled(self._sweep is not None and not running and not broken_off)
        self.bar.setVisible(running or broken_off)

    # --- the sweep

    def show_progress(self, done: int, total: int) -> None:
        """Show how far it is."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setFormat(f"{done:,} of {total:,} samples")

    def show_sweep(self, sweep: Sweep) -> None:
        """Draw what is counted so far."""
        self._sweep = sweep
        self.best.show_rows(sweep.best_of_classes, sweep.classes)
        rules = f"{sweep.params.strategy}, {sweep.params.conflict}"
        best, default = sweep.best, sweep.default
        told = f"{sweep.samples:,} samples, {rules}."
        if best is not None and default is not None:
            told += (
                f" Best mIoU {100 * best.iou:.2f} at t1 {best.t1:.4g}, t2 {best.t2:.4g}; "
                f"{100 * default.iou:.2f} at the paper's values."
            )
        self.told.setText(told)
        self._draw()

    def show_end(self, failures: list[str]) -> None:
        """Show that it is over, and tell which samples could not be read."""
        self._show_state()
        run = self._sweeping.run if self._sweeping is not None else None
        if run is not None and (run.without_truth or run.without_masks):
            left = [(run.without_truth, "ground truth"), (run.without_masks, "masks")]
            told = [f"{len(ids):,} without {what}" for ids, what in left if ids]
            self.told.setText(f"{self.told.text()} Left out: {', '.join(told)}.")
        if failures:
            more = f" and {len(failures) - NAMED:,} more" * (len(failures) > NAMED)
            self._context.view.warn(
                f"{len(failures):,} samples could not be counted: "
                f"{' '.join(failures[:NAMED])}{more}"
            )

    def show_trouble(self, error: SeplError) -> None:
        """Tell why it stopped."""
        self._show_state()
        self._context.view.warn(str(error))

    # --- looking

    def _draw(self) -> None:
        sweep = self._sweep
        if sweep is not None and self.shown.currentData() is not None:
            shares, best = self._chosen(sweep)
            self.surface.show_surface(sweep.t1, sweep.t2, shares, best)
            self._follow()

    def _chosen(self, sweep: Sweep) -> tuple[NDArray[np.float64], Point | None]:
        """Return the surface that is asked for, and its best pair if it has one."""
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
        """Mark the thresholds of the image that is open."""
        document = self._context.document
        if document is not None and self.isVisible():
            self.surface.show_pair(document.params.t1, document.params.t2)
            self._show_state()

    def _use(self, t1: float, t2: float) -> None:
        """Set the thresholds that were clicked on, as one step of the image that is open."""
        document = self._context.document
        if document is not None:
            params = document.params.model_copy(update={"t1": t1, "t2": t2})
            self._controller.set_params(params)
            self._context.view.params.show_params(params)

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
            lambda paths: view.tell(f"Saved: {' and '.join(map(str, paths))}"),
            lambda error: view.warn(str(error)),
        )

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Catch up with what happened while the panel was hidden."""
        super().showEvent(event)
        self._follow()


def _rules(params: Params) -> Params:
    """Return settings that are equal where strategy and conflict rule are."""
    return params.model_copy(update={"t1": 0.0, "t2": 0.0})


def _mean(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over classes, those left out in which it is not defined."""
    known = ~np.isnan(shares)
    total = np.where(known, shares, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _fill(box: QComboBox, choices: list[tuple[str, object]]) -> None:
    """Offer other choices, keeping the present one if it is among them."""
    with signals_blocked(box):
        chosen = box.currentData()
        box.clear()
        for name, value in choices:
            box.addItem(name, value)
        box.setCurrentIndex(max(0, box.findData(chosen)))
