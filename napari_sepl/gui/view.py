"""What features ask of the window: its panels implement this, in a test a mock does."""

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
from napari_sepl.document.history import History
from napari_sepl.gui.layers.per_pixel import LegendRow
from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.workflow.review.queue import Queue


class ShowsParams(Protocol):
    """The panel of sliders."""

    def show_params(self, params: Params) -> None:
        """Show settings that did not come from this window's own sliders."""

    def show_scores(self, scores: Scores | None) -> None:
        """Show the rule for the background of an image's scores; none for hard labels."""

    def show_critical_thresholds(self, t1: NDArray[np.float64], t2: NDArray[np.float64]) -> None:
        """Show where masks would be taken or refused by each threshold."""


class ShowsClasses(Protocol):
    """The legend."""

    def show_classes(self, rows: Sequence[ClassRow], classes: ClassList, current: int) -> None:
        """Show what became of each class, and which is the current one."""

    def show_all(self) -> None:
        """Show that all classes are drawn, none hidden."""


class ShowsCorrecting(Protocol):
    """The panel of tools to correct with."""

    def show_class(self, class_id: int, classes: ClassList) -> None:
        """Show the class that is painted and taken with."""

    def show_superpixels(self, on: bool) -> None:
        """Show whether the superpixel brush is in hand."""

    @property
    def pixel_limit(self) -> int:
        """The size of holes and small regions, in pixels."""


class ShowsHistory(Protocol):
    """The list of steps."""

    def show_history(self, history: History, classes: ClassList) -> None:
        """Show the steps that were done, and those that were undone."""


class ShowsComparing(Protocol):
    """The panel of ways to compare."""

    def show_legends(self, legends: Mapping[str, Sequence[LegendRow]]) -> None:
        """Show the legend of each layer that tells of each pixel; empty for a hidden one."""

    def show_swipe(self, *, on: bool) -> None:
        """Show whether pseudo-labels and enhanced labels are seen side by side."""


class ShowsDiagnosis(Protocol):
    """The list of what may be wrong."""

    def show_diagnosis(self, diagnosis: Diagnosis, classes: ClassList) -> None:
        """Show what may be wrong with the image."""


class ShowsMaking(Protocol):
    """The panel that makes masks."""

    @property
    def choice(self) -> MaskChoice:
        """The model and settings that are chosen."""

    def show_making(self, done: int, total: int, what: str) -> None:
        """Show how far the making of masks has come; 0 of 0 when it is over."""

    def show_model(self, about: str) -> None:
        """Show which model is loaded, and where it computes."""


class ShowsPrompting(Protocol):
    """The panel of SAM's prompts."""

    def show_prompting(self, *, on: bool, text: str) -> None:
        """Show whether prompts are taken, and what SAM is at."""


class View(Protocol):
    """The panels of one image, and the messages and questions of the window.

    Setters show, and never answer back.
    """

    @property
    def params(self) -> ShowsParams:
        """The settings."""

    @property
    def classes(self) -> ShowsClasses:
        """The legend."""

    @property
    def correct(self) -> ShowsCorrecting:
        """The tools to correct with."""

    @property
    def history(self) -> ShowsHistory:
        """The steps."""

    @property
    def compare(self) -> ShowsComparing:
        """The ways to compare."""

    @property
    def diagnosis(self) -> ShowsDiagnosis:
        """What may be wrong."""

    @property
    def masks(self) -> ShowsMaking:
        """The making of masks."""

    @property
    def prompts(self) -> ShowsPrompting:
        """SAM's prompts."""

    def show_title(self, text: str) -> None:
        """Show which image is open and whether it is saved."""

    def show_mask(self, text: str) -> None:
        """Show the mask under the cursor; empty for none."""

    def show_busy(self, text: str) -> None:
        """Show that something is under way; empty for nothing."""

    def show_panels(self, opened: Mapping[str, bool]) -> None:
        """Open and close panels, by name; those that are not named stay as they are."""

    def tell(self, text: str) -> None:
        """Tell the user that something was done."""

    def warn(self, text: str) -> None:
        """Tell the user that something went wrong."""

    def ask_folder(self, sample_id: str) -> Path | None:
        """Ask for the folder that the labels go to; None if the user changed their mind."""

    def ask_copy_file(self, sample_id: str) -> Path | None:
        """Ask for the PNG file that a copy of the labels goes to; None if the user cancelled."""

    def ask_masks_file(self, sample_id: str) -> Path | None:
        """Ask for the JSON file that the masks go to; None if the user changed their mind."""

    def show_shortcuts(self) -> None:
        """Show all keys and movements of the mouse."""

    def ask_class(self, classes: ClassList, current: int) -> int | None:
        """Ask for a class, by its name or number; None if the user changed their mind."""

    def confirm(self, question: str) -> bool:
        """Ask a question that is answered by yes or no."""

    def confirm_replace(self, path: Path) -> bool:
        """Ask whether a file that this window did not write may be replaced."""


class QueueView(Protocol):
    """What the navigator asks of the queue's panel."""

    def list_samples(self, queue: Queue, classes: ClassList) -> None:
        """List what passes the filter."""

    def show_current(self, row: int) -> None:
        """Mark the sample that is open."""

    def refresh_row(self, row: int, queue: Queue) -> None:
        """Draw a sample's line and the counts anew."""

    def neighbour(self, row: int, step: int) -> int | None:
        """Return the row that is listed `step` lines from another; None beyond the ends."""

    def next_pending(self, row: int) -> int | None:
        """Return the next row listed after another that is pending and can be read.

        At the end of the list it starts over.
        """

    def finish_note(self) -> None:
        """Tell of a note that is still being typed."""

    def worst_pending(self, row: int) -> int | None:
        """Return the listed pending row, but for this one, that is suspected most."""
