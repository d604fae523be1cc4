"""What a person can do to an image: frozen steps, each with an inverse and a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import PixelRuns, write_runs
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.annotations import Annotations, blank_map


class Status(StrEnum):
    """The status of a sample: how far its review is."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    FLAGGED = "flagged"


@dataclass(frozen=True)
class ParamsEdit:
    """Other settings.

    Parameters
    ----------
    before, after : Params
        The settings around the step.
    gesture : str, optional
        Steps of one gesture (one drag of a slider) count as one in the history. The record keeps
        it, so no two gestures ever have the same.
    """

    before: Params
    after: Params
    gesture: str | None = None

    def inverse(self) -> "ParamsEdit":
        """Return the step that takes this one back."""
        return ParamsEdit(self.after, self.before)

    def merged(self, later: "Edit") -> "ParamsEdit | None":
        """Return this and the next step as one, or None if they are not of one gesture."""
        if not isinstance(later, ParamsEdit) or self.gesture is None:
            return None
        if later.gesture != self.gesture:
            return None
        return ParamsEdit(self.before, later.after, self.gesture)

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:  # noqa: ARG002
        """Tell whether the step can be done where this was said."""
        return annotations.params == self.before

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return what is said after the step."""
        return annotations.having(params=self.after)

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Say what the step did."""
        after = self.after.model_dump()
        changed = {k: v for k, v in after.items() if v != getattr(self.before, k)}
        told = {name: "the method's" if value is None else value for name, value in changed.items()}
        return "set " + ", ".join(f"{name} = {value}" for name, value in told.items())

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes; two small models."""
        return 1000


@dataclass(frozen=True, eq=False)
class StrokeEdit:
    """Painted pixels: brush, fill, polygon, eraser, or a tool that cleans a class.

    Parameters
    ----------
    change : PixelRuns
        The overlay's values before and after.
    told : str
        What was done, where it was no plain stroke.
    """

    change: PixelRuns
    told: str = ""

    def inverse(self) -> "StrokeEdit":
        """Return the step that takes this one back."""
        return StrokeEdit(self.change.inverse(), self.told)

    def merged(self, later: "Edit") -> None:  # noqa: ARG002
        """Return None: every stroke is a step of its own."""
        return

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Tell whether the step can be done where this was said."""
        return _holds(annotations.overlay, self.change, shape)

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:
        """Return what is said after the step; the overlay is written in place."""
        overlay = blank_map(shape) if annotations.overlay is None else annotations.overlay
        write_runs(overlay, self.change)
        return annotations.having(overlay=overlay)

    def describe(self, classes: ClassList) -> str:
        """Say what the step did."""
        if self.told:
            return f"{self.told} ({self.change.pixels:,} pixels)"
        painted = sorted({int(value) for value in self.change.after})
        names = ", ".join(classes.name(value) for value in painted if value >= 0)
        return f"paint {self.change.pixels:,} pixels {names}".rstrip()

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes."""
        return self.change.nbytes


@dataclass(frozen=True)
class DecisionEdit:
    """Decisions on regions.

    Parameters
    ----------
    before, after : mapping of int to int or None
        For each region the class it was given, -1 for refused, None for left to the algorithm.
    told : str
        What was done: "refuse mask 12 (dog)".
    """

    before: Mapping[int, int | None]
    after: Mapping[int, int | None]
    told: str = ""

    def inverse(self) -> "DecisionEdit":
        """Return the step that takes this one back."""
        return DecisionEdit(self.after, self.before, self.told)

    def merged(self, later: "Edit") -> None:  # noqa: ARG002
        """Return None: every decision is a step of its own."""
        return

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:  # noqa: ARG002
        """Tell whether the step can be done where this was said."""
        return all(annotations.decisions.get(region) == was for region, was in self.before.items())

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return what is said after the step."""
        decisions = {**annotations.decisions, **self.after}
        return annotations.having(
            decisions={r: k for r, k in sorted(decisions.items()) if k is not None}
        )

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Say what the step did."""
        return self.told

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes."""
        return 200 * (1 + len(self.after))


@dataclass(frozen=True, eq=False)
class LockEdit:
    """A class protected, or no longer.

    Parameters
    ----------
    class_id : int
        The class.
    lock : bool
        Whether it is protected after the step.
    change : PixelRuns
        The pinned labels before and after.
    """

    class_id: int
    lock: bool
    change: PixelRuns

    def inverse(self) -> "LockEdit":
        """Return the step that takes this one back."""
        return LockEdit(self.class_id, not self.lock, self.change.inverse())

    def merged(self, later: "Edit") -> None:  # noqa: ARG002
        """Return None: every protection is a step of its own."""
        return

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Tell whether the step can be done where this was said."""
        differs = (self.class_id in annotations.locked) != self.lock
        return differs and _holds(annotations.locked_pixels, self.change, shape)

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:
        """Return what is said after the step; the pinned labels are written in place."""
        locked_pixels = (
            blank_map(shape) if annotations.locked_pixels is None else annotations.locked_pixels
        )
        write_runs(locked_pixels, self.change)
        one = {self.class_id}
        locked = annotations.locked | one if self.lock else annotations.locked - one
        return annotations.having(locked_pixels=locked_pixels, locked=locked)

    def describe(self, classes: ClassList) -> str:
        """Say what the step did."""
        return f"{'lock' if self.lock else 'unprotect'} {classes.name(self.class_id)}"

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes."""
        return self.change.nbytes


@dataclass(frozen=True, eq=False)
class PromptEdit:
    """A mask made by prompts and taken for a class, or taken away again.

    Parameters
    ----------
    index : int
        Its index, the one after the last mask's.
    mask : MaskSet
        The one mask.
    class_id : int
        The class it is taken for.
    added : bool
        Whether it is there after the step.
    """

    index: int
    mask: MaskSet
    class_id: int
    added: bool = True

    def inverse(self) -> "PromptEdit":
        """Return the step that takes this one back."""
        return PromptEdit(self.index, self.mask, self.class_id, not self.added)

    def merged(self, later: "Edit") -> None:  # noqa: ARG002
        """Return None: every mask is a step of its own."""
        return

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Tell whether the step can be done where this was said."""
        if self.added:
            return self.mask.shape == shape and self.index not in annotations.prompted
        there = annotations.prompted.get(self.index)
        selected = annotations.decisions.get(self.index) == self.class_id
        return selected and there is not None and there.digest == self.mask.digest

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return what is said after the step."""
        decisions = {r: k for r, k in annotations.decisions.items() if r != self.index}
        prompted = {r: one for r, one in annotations.prompted.items() if r != self.index}
        if self.added:
            decisions[self.index], prompted[self.index] = self.class_id, self.mask
        return annotations.having(decisions=decisions, prompted=prompted)

    def describe(self, classes: ClassList) -> str:
        """Say what the step did."""
        return f"prompt: mask {self.index} as {classes.name(self.class_id)}"

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes."""
        return 200 + self.mask.nbytes


@dataclass(frozen=True)
class StatusEdit:
    """Another status of the sample.

    Parameters
    ----------
    before, after : Status
        The status around the step.
    """

    before: Status
    after: Status

    def inverse(self) -> "StatusEdit":
        """Return the step that undoes this one."""
        return StatusEdit(self.after, self.before)

    def merged(self, later: "Edit") -> None:  # noqa: ARG002
        """Return None: every change of the status is a step of its own."""
        return

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:  # noqa: ARG002
        """Return True: any annotations may have any status."""
        return True

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return the annotations, which have no part in the status."""
        return annotations

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Return a short description of the step."""
        return f"status {self.after} (was {self.before})"

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes."""
        return 200


Edit = ParamsEdit | StrokeEdit | DecisionEdit | LockEdit | PromptEdit | StatusEdit


def status_after(first: Status, steps: Sequence[Edit]) -> Status:
    """Return the status of a sample after some steps.

    Any other step makes an accepted sample pending: its labels were not accepted as they are now.

    Parameters
    ----------
    first : Status
        The status before the steps.
    steps : sequence of Edit
        The steps that are done, oldest first.
    """
    status, later = first, len(steps)
    for at in range(len(steps) - 1, -1, -1):
        step = steps[at]
        if isinstance(step, StatusEdit):
            status, later = step.after, len(steps) - at - 1
            break
    return Status.PENDING if status is Status.ACCEPTED and later else status


def _holds(opinions: NDArray[np.int16] | None, change: PixelRuns, shape: tuple[int, int]) -> bool:
    """Tell whether an (H, W) map has, on all runs of a change, the values from before it."""
    if len(change.stops) and int(change.stops.max()) > shape[0] * shape[1]:
        return False
    if opinions is None:
        return bool((change.before == -1).all())
    flat = opinions.reshape(-1)
    lengths = change.stops - change.starts
    firsts = np.repeat(change.starts - np.cumsum(lengths) + lengths, lengths)
    at = firsts + np.arange(lengths.sum())
    return bool((flat[at] == np.repeat(change.before, lengths)).all())
