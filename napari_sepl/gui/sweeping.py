"""The sweep over thresholds while the window stays at work: a few samples at a time."""

from collections.abc import Iterator
from time import monotonic
from typing import Protocol

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.measure.sweep import Sweep, SweepRun
from napari_sepl.workflow.results import SampleResult

_BATCH = 0.1
"""Seconds after which a batch begins no further sample: so long may other reading have to wait."""

_REDRAW = 1.0
"""Seconds at least from one drawing of the surface to the next."""


class SweepView(Protocol):
    """Where a sweep is shown."""

    def show_progress(self, done: int, total: int) -> None:
        """Show how far it is."""

    def show_sweep(self, sweep: Sweep) -> None:
        """Draw what is counted so far."""

    def show_end(self, failures: list[str]) -> None:
        """Show that all samples are counted, but for those that could not be read."""

    def show_trouble(self, error: SeplError) -> None:
        """Tell why it cannot go on."""


class Sweeping:
    """Counts the samples of one sweep in the background.

    Parameters
    ----------
    run : SweepRun
        The sweep.
    background : Background
        Where samples are counted.
    view : SweepView
        Where it is shown.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    done : int
        Samples that were dealt with.
    """

    def __init__(self, run: SweepRun, background: Background, view: SweepView) -> None:
        self.run = run
        self._background = background
        self._view = view
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
            self._view.show_progress(self.done, len(self.run))
            if not self._counting:
                self._count()

    def stop(self) -> None:
        """Begin no further batch; what is counted stays."""
        self.running = False

    def _count(self) -> None:
        self._counting = True
        self._background.run("sweep", self._batch, self._take, self._fail)

    def _batch(self) -> list[SampleResult[None]]:
        until = monotonic() + _BATCH
        steps: list[SampleResult[None]] = []
        for step in self._steps:
            steps.append(step)
            if monotonic() > until:
                break
        return steps

    def _take(self, steps: list[SampleResult[None]]) -> None:
        self._counting = False
        self.done += len(steps)
        self._failures += [step.message for step in steps if step.message]
        if not self.running:
            return
        self._view.show_progress(self.done, len(self.run))
        if self.ended:
            self.running = False
            self._view.show_sweep(self.run.sweep)
            self._view.show_end(self._failures)
            return
        if monotonic() - self._drawn > _REDRAW:
            self._view.show_sweep(self.run.sweep)
            self._drawn = monotonic()
        self._background.later("sweep", 0, self._go_on)

    def _go_on(self) -> None:
        if self.running and not self._counting:
            self._count()

    def _fail(self, error: SeplError) -> None:
        self._counting = self.running = False
        self._view.show_trouble(error)
