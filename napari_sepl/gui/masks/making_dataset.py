"""Generating the masks of a dataset: a file for each sample."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import SeplError, counted
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files.dataset.index import Role
from napari_sepl.files.masks import mask_file
from napari_sepl.gui.context import ReviewContext
from napari_sepl.gui.masks.choice import MaskChoice, Recipe
from napari_sepl.gui.masks.making import Making
from napari_sepl.gui.queue.navigator import Navigator
from napari_sepl.proposals.maker import (
    OnProgress,
    OpeningError,
    ProposalError,
    StoppedError,
    ignore,
)
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.workflow.masks import made_otherwise, propose_folder
from napari_sepl.workflow.results import Outcome, SampleResult, first_failures
from napari_sepl.workflow.review.reviewing import Reviewing

DEATHS = 3
"""Samples in a row at which the process may crash before mask generation stops."""

_PARTS = 1000
"""Steps of the progress bar for a sample."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """The samples to generate masks for, and with what."""

    rows: list[int]
    recipe: Recipe
    remote: Remote
    otherwise: str  # how the folder's other masks were made; empty if in the same way
    there: Path | None  # existing masks of a single sample, to be replaced


@dataclass(eq=False)
class _Run:
    """The progress of a plan."""

    plan: _Plan
    steps: Iterator[SampleResult[None]] = field(default_factory=lambda: iter(()))
    done: int = 0
    failures: list[str] = field(default_factory=list)

    def note(self, step: SampleResult[None]) -> None:
        self.done += 1
        if step.outcome is Outcome.FAILED:
            self.failures.append(step.message)

    def outcome(self, folder: Path) -> list[str]:
        """Return sentences on how many samples have masks now, and what failed."""
        samples, made = len(self.plan.rows), self.done - len(self.failures)
        named = first_failures([f"{message.rstrip('.')}." for message in self.failures])
        if samples > 1:
            return [f"{made:,} of {samples:,} samples now have masks in {folder}.", *named]
        return [f"The masks are in {folder}."] * made + named


class DatasetMaking:
    """Generates masks for samples of a dataset under review.

    Parameters
    ----------
    context : ReviewContext
        Has the view and the background.
    making : Making
        Has the process.
    reviewing : Reviewing
        The dataset.
    navigator : Navigator
        Called for each sample with new masks.
    """

    def __init__(
        self, context: ReviewContext, making: Making, reviewing: Reviewing, navigator: Navigator
    ) -> None:
        self._context = context
        self._making = making
        self._reviewing = reviewing
        self._navigator = navigator
        self._folder = reviewing.index.folders[Role.MASKS]
        self._closed = False

    def make_open(self, choice: MaskChoice) -> None:
        """Generate the masks of the open sample; asks before it replaces existing ones."""
        row = self._navigator.row
        if row is not None:
            self._begin([row], choice, replace=True)

    def make_pending(self, choice: MaskChoice) -> None:
        """Generate the masks of all pending samples without masks, one after the other."""
        rows = self._reviewing.queue.lacking_masks().tolist()
        if rows:
            self._begin(rows, choice, replace=False)
        else:
            self._context.view.show_info("All pending samples have masks.")

    def close(self) -> None:
        """Stop at once, without a message: the dataset is about to be closed."""
        self._closed = True
        self._making.cancel()
        self._making.show_pending("")

    def show_pending(self) -> None:
        """Show which pending samples have no masks."""
        queue = self._reviewing.queue
        rows = queue.lacking_masks()
        text = f"Pending without masks: {queue.describe(rows)}." if len(rows) else ""
        self._making.show_pending(text or "All pending samples have masks.")

    # --- before

    def _begin(self, rows: list[int], choice: MaskChoice, *, replace: bool) -> None:
        if self._reviewing.refusal:
            self._context.view.show_error(self._reviewing.refusal)
        elif self._making.begin(choice):
            self._context.background.run(
                "make masks",
                lambda: self._plan(rows, choice, replace=replace),
                self._ask,
                lambda error: self._end(None, error),
            )

    def _plan(self, rows: list[int], choice: MaskChoice, *, replace: bool) -> _Plan:
        """Look which masks exist; off the window's thread."""
        recipe = self._making.prepare(choice)
        there = self._reviewing.sample(rows[0]).masks if replace else None
        how = made_otherwise(self._folder, recipe.made_with)
        return _Plan(rows, recipe, self._making.process_for(recipe), how, there)

    def _ask(self, plan: _Plan) -> None:
        """Ask before masks are replaced or mixed, and generate masks."""
        sample_id, view = self._reviewing.queue.ids[plan.rows[0]], self._context.view
        if self._closed or self._making.cancelled:
            self._end(None, StoppedError("Mask generation cancelled."))
        elif plan.there not in (None, mask_file(self._folder, sample_id)):
            self._making.end()
            view.show_error(
                f"Masks in this format cannot be replaced: {plan.there} holds the masks of "
                f"{sample_id}. Move it away first."
            )
        elif (question := self._question(plan)) and not view.confirm(question):
            self._making.end()
        else:
            self._run(plan)

    def _question(self, plan: _Plan) -> str:
        """Return the question to ask first; empty for none."""
        parts = [] if plan.there is None else [f"{plan.there} exists and will be replaced."]
        if plan.otherwise:
            samples, model = self._reviewing.queue.describe(plan.rows), plan.recipe.choice.model
            parts.append(
                f"{self._folder} holds masks that were made {plan.otherwise}. Those of {samples} "
                f"will be made by {model}, in the same folder."
            )
        return f"{' '.join(parts)} Generate masks?" if parts else ""

    # --- one sample after the other

    def _run(self, plan: _Plan) -> None:
        run, samples = _Run(plan), len(plan.rows)
        what = "generating masks" if samples == 1 else f"masks of {counted(samples, 'sample')}"

        def show(done: int = 0, total: int = 1) -> None:
            parts = _PARTS * run.done + _PARTS * done // max(total, 1)
            self._making.show(parts, _PARTS * samples, what)

        run.steps = propose_folder(
            self._reviewing.index,
            self._folder,
            EnduringMasks(plan.remote, self._making),
            plan.recipe.made_with,
            sample_ids=[self._reviewing.queue.ids[row] for row in plan.rows],
            guided=plan.recipe.choice.guided,
            told=self._making.listen(show),
            mixed=True,  # if so, it was asked
            overwrite=plan.there is not None,
        )
        show()
        self._go_on(run)

    def _go_on(self, run: _Run) -> None:
        self._context.background.run(
            "make masks",
            lambda: next(run.steps, None),
            lambda step: self._take(run, step),
            lambda error: self._end(run, error),
        )

    def _take(self, run: _Run, step: SampleResult[None] | None) -> None:
        if step is None or self._closed:
            self._end(run)
            return
        run.note(step)
        if step.outcome is not Outcome.FAILED:
            self._note_masks(self._reviewing.queue.rows[step.sample_id])
        self._go_on(run)

    def _note_masks(self, row: int) -> None:
        """Update the queue and the window after a sample got new masks."""
        queue = self._reviewing.queue
        queue.without_masks[row] = False
        queue.change[row] = np.nan
        self._navigator.masks_made(row)
        self.show_pending()

    def _end(self, run: _Run | None, error: SeplError | None = None) -> None:
        """Show the outcome in one message."""
        self._making.end()
        if run is not None:
            run.steps = iter(())  # which releases the lock of the folder
        if self._closed:
            return
        parts = [str(error)] * (error is not None) + (run.outcome(self._folder) if run else [])
        view = self._context.view
        fine = isinstance(error, StoppedError | None) and (run is None or not run.failures)
        (view.show_info if fine else view.show_error)(" ".join(parts))


class EnduringMasks:
    """Generates masks in another process, and stops when that crashes at several samples in a row.

    Parameters
    ----------
    remote : Remote
        The process.
    making : Making
        Knows whether mask generation was cancelled.
    """

    def __init__(self, remote: Remote, making: Making) -> None:
        self._remote = remote
        self._making = making
        self._deaths = 0

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Return the masks of one image, as `RemoteMasks.make` does, whose errors it raises too.

        Raises
        ------
        OpeningError
            If the process crashed at this sample and at those just before.
        """
        self._making.raise_if_cancelled()
        try:
            masks = RemoteMasks(self._remote).make(image, pseudo, on_progress)
        except (OpeningError, StoppedError):
            raise
        except ProposalError as error:
            self._deaths = self._deaths + 1 if self._remote.process_id is None else 0
            if self._deaths == DEATHS:
                raise OpeningError(
                    f"{error} It crashed at {DEATHS} samples in a row, so mask generation stops."
                ) from error
            raise
        self._deaths = 0
        return masks
