"""An export while the window stays at work: a few samples at a time, beside its thread."""

from collections.abc import Callable, Generator
from time import monotonic
from typing import NamedTuple, Protocol

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.results import Outcome, SampleResult

_BATCH = 0.1
"""Seconds after which a batch begins no further sample: so long may other reading have to wait."""

_NAMED = 5  # failures that are told one by one


class ExportView(Protocol):
    """Where an export is shown."""

    def show_progress(self, done: int, total: int) -> None:
        """Show how far it is."""

    def show_end(self, text: str, *, fine: bool) -> None:
        """Tell what came of it, and whether all went well."""


class _Batch(NamedTuple):
    steps: list[SampleResult[None]]
    ended: bool


class Exporting:
    """Runs one export in the background.

    Parameters
    ----------
    make : callable
        Returns the export; called beside the window's thread.
    background : Background
        Where samples are read and written.
    view : ExportView
        Where it is shown.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    """

    def __init__(
        self, make: Callable[[], Export], background: Background, view: ExportView
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
        """Begin."""
        self.running = True
        self._background.run("export", self._make, self._begin, self._fail)

    def stop(self) -> None:
        """Begin no further sample; what is written is whole, and the same export goes on there."""
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
            self._end("Stopped. The same export goes on from here.")

    def _batch(self) -> _Batch:
        until = monotonic() + _BATCH
        steps: list[SampleResult[None]] = []
        for step in self._steps or ():
            steps.append(step)
            if monotonic() > until or not self._wanted:
                return _Batch(steps, ended=False)
        return _Batch(steps, ended=True)

    def _take(self, batch: _Batch) -> None:
        self._done += batch.steps
        if self._export is not None:
            self._view.show_progress(len(self._done), len(self._export))
        if batch.ended:
            self._end("")
        else:
            self._background.later("export", 0, self._go_on)

    def _end(self, told: str) -> None:
        self.running = False
        failures = [step.message for step in self._done if step.outcome is Outcome.FAILED]
        self._view.show_end(" ".join([*self._sentences(failures), told]).strip(), fine=not failures)

    def _sentences(self, failures: list[str]) -> list[str]:
        counts = {
            outcome: sum(step.outcome is outcome for step in self._done) for outcome in Outcome
        }
        counted = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
        more = len(failures) - _NAMED
        return [
            f"{counted or 'No sample exported'}.",
            *failures[:_NAMED],
            *([f"And {more:,} more failed."] if more > 0 else []),
            *([] if self._export is None else self._export.outcome()),
        ]

    def _fail(self, error: SeplError) -> None:
        self.running = False
        self._view.show_end(str(error), fine=False)
