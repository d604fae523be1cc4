"""Protocols of the panels, which features of the window call and tests mock."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.diagnosis.types import Diagnosis
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.scores import Scores
from napari_sepl.document.class_rows import ClassRow
from napari_sepl.document.edits import InputsChoice
from napari_sepl.document.history import History
from napari_sepl.gui.layers.per_pixel import LegendRow
from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.workflow.review.queue import Queue


class ShowsParams(Protocol):
    """The panel of sliders."""

    def show_params(self, params: Params) -> None:
        """Show settings that the sliders did not set themselves."""

    def show_scores(self, scores: Scores | None) -> None:
        """Show the background rule of an image's scores; None for hard pseudo-labels."""

    def show_critical_thresholds(self, t1: NDArray[np.float64], t2: NDArray[np.float64]) -> None:
        """Show the critical thresholds under the sliders."""


class ShowsClasses(Protocol):
    """The legend."""

    def show_classes(self, rows: Sequence[ClassRow], classes: ClassList, current: int) -> None:
        """Show the areas and scores of each class, and which is the current one."""

    def show_all(self) -> None:
        """Show all classes as visible."""


class ShowsCorrecting(Protocol):
    """The panel of correction tools."""

    def show_class(self, class_id: int, classes: ClassList) -> None:
        """Show the current class."""

    def show_superpixels(self, on: bool) -> None:
        """Show whether the superpixel brush is on."""

    @property
    def pixel_limit(self) -> int:
        """The size of holes and small regions, in pixels."""


class ShowsHistory(Protocol):
    """The panel of the history."""

    def show_history(self, history: History, classes: ClassList) -> None:
        """Show the steps that were done and undone."""


class ShowsComparing(Protocol):
    """The panel for comparing."""

    def show_legends(self, legends: Mapping[str, Sequence[LegendRow]]) -> None:
        """Show the legend of each layer with a value for each pixel; empty for a hidden one."""

    def show_swipe(self, *, on: bool) -> None:
        """Show whether the swipe is on."""


class ShowsDiagnosis(Protocol):
    """The list of findings."""

    def show_diagnosis(self, diagnosis: Diagnosis, classes: ClassList) -> None:
        """Show the findings of the image."""


class ShowsMaking(Protocol):
    """The panel that generates masks."""

    @property
    def choice(self) -> MaskChoice:
        """The chosen model and settings."""

    def show_making(self, done: int, total: int, what: str) -> None:
        """Show the progress of mask generation; 0 of 0 when it ended."""

    def show_model(self, about: str) -> None:
        """Show which model is loaded, and on which device."""


class ShowsPrompting(Protocol):
    """The panel of SAM prompts."""

    def show_prompting(self, *, on: bool, text: str) -> None:
        """Show whether prompts are on, and the state of SAM."""


class View(Protocol):
    """The panels of one image, and the messages and questions of the window.

    Its methods show values without emitting signals.
    """

    @property
    def params(self) -> ShowsParams:
        """The settings."""

    @property
    def classes(self) -> ShowsClasses:
        """The legend."""

    @property
    def correct(self) -> ShowsCorrecting:
        """The correction tools."""

    @property
    def history(self) -> ShowsHistory:
        """The history."""

    @property
    def compare(self) -> ShowsComparing:
        """Swap, swipe and differences."""

    @property
    def diagnosis(self) -> ShowsDiagnosis:
        """The findings."""

    @property
    def masks(self) -> ShowsMaking:
        """Mask generation."""

    @property
    def prompts(self) -> ShowsPrompting:
        """SAM prompts."""

    def show_title(self, text: str) -> None:
        """Show which image is open and whether it is saved."""

    def show_outdated(self, text: str, refusals: Mapping[InputsChoice, str]) -> None:
        """Show which inputs of the sample changed, and why choices cannot be made; "" for none."""

    def show_mask(self, text: str) -> None:
        """Show the mask under the cursor; empty for none."""

    def show_busy(self, text: str) -> None:
        """Show what is in progress; empty for nothing."""

    def show_read_only(self, *, on: bool) -> None:
        """Disable the controls that change an image, or enable them again."""

    def show_panels(self, expanded: Mapping[str, bool]) -> None:
        """Expand and collapse panels, by name; the others stay as they are."""

    def show_info(self, text: str) -> None:
        """Show a message."""

    def show_error(self, text: str) -> None:
        """Show an error message."""

    def ask_folder(self, sample_id: str) -> Path | None:
        """Ask for the folder that the labels go to; None if cancelled."""

    def ask_copy_file(self, sample_id: str) -> Path | None:
        """Ask for the PNG file that a copy of the labels goes to; None if the user cancelled."""

    def ask_masks_file(self, sample_id: str) -> Path | None:
        """Ask for the JSON file that the masks go to; None if cancelled."""

    def show_shortcuts(self) -> None:
        """Show all keys and mouse gestures."""

    def ask_class(self, classes: ClassList, current: int) -> int | None:
        """Ask for a class, by its name or number; None if cancelled."""

    def confirm(self, question: str) -> bool:
        """Ask a yes-no question."""

    def confirm_replace(self, path: Path) -> bool:
        """Ask whether a file that this window did not write may be replaced."""


class QueueView(Protocol):
    """The panel of the queue, as the navigator uses it."""

    def list_samples(self, queue: Queue, classes: ClassList) -> None:
        """List the samples that pass the filter."""

    def show_current(self, row: int) -> None:
        """Mark the open sample."""

    def refresh_row(self, row: int, queue: Queue) -> None:
        """Redraw the row of a sample and the counts."""

    def neighbour(self, row: int, step: int) -> int | None:
        """Return the row that is listed `step` lines from another; None beyond the ends."""

    def next_pending(self, row: int) -> int | None:
        """Return the next row listed after another that is pending and can be read.

        At the end of the list it starts over.
        """

    def finish_note(self) -> None:
        """Save a note that is still being typed."""

    def worst_pending(self, row: int) -> int | None:
        """Return the listed pending row with the highest suspicion, except this one."""
