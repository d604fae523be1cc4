"""The steps of a history: frozen, each with an inverse and a description."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import NO_OPINION, PixelRuns, write_runs
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.annotations import Annotations, or_blank


class _Step:
    """A step that stays one of its own in the history."""

    def merged(self, later: "Edit") -> "Edit | None":  # noqa: ARG002
        """Return this and the next step as one, or None if they stay two."""
        return None


class Status(StrEnum):
    """The status of a sample: how far its review is."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    FLAGGED = "flagged"


class InputsChoice(StrEnum):
    """What becomes of annotations whose inputs changed."""

    KEEP = "keep"
    """The accepted labels become strokes over what the new inputs give."""
    APPLY = "apply"
    """The annotations are applied to the new inputs."""
    START_OVER = "start over"
    """No annotations."""


@dataclass(frozen=True)
class ParamsEdit(_Step):
    """A change of parameters.

    Parameters
    ----------
    before, after : Params
        The parameters around the step.
    gesture : str, optional
        Steps of one gesture (one drag of a slider) count as one in the history. The record stores
        it, so it must be unique.
    """

    before: Params
    after: Params
    gesture: str | None = None

    def inverse(self) -> "ParamsEdit":
        """Return the step that undoes this one."""
        return ParamsEdit(self.after, self.before)

    def merged(self, later: "Edit") -> "ParamsEdit | None":
        """Return this and the next step as one, or None if they are not of one gesture."""
        if not isinstance(later, ParamsEdit) or self.gesture is None:
            return None
        if later.gesture != self.gesture:
            return None
        return ParamsEdit(self.before, later.after, self.gesture)

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:  # noqa: ARG002
        """Return whether the step can be applied to these annotations."""
        return annotations.params == self.before

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return the annotations after the step."""
        return replace(annotations, params=self.after)

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Return a line for the history."""
        after = self.after.model_dump()
        changed = {k: v for k, v in after.items() if v != getattr(self.before, k)}
        shown = {name: "default" if value is None else value for name, value in changed.items()}
        return "set " + ", ".join(f"{name} = {value}" for name, value in shown.items())

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return 1000  # two small models


@dataclass(frozen=True, eq=False)
class StrokeEdit(_Step):
    """Painted pixels: brush, fill, polygon, eraser, or the cleaning of a class.

    Parameters
    ----------
    change : PixelRuns
        The overlay's values before and after.
    text : str
        Description if it is not a plain stroke.
    """

    change: PixelRuns
    text: str = ""

    def inverse(self) -> "StrokeEdit":
        """Return the step that undoes this one."""
        return StrokeEdit(self.change.inverse(), self.text)

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Return whether the step can be applied to these annotations."""
        return _holds(annotations.overlay, self.change, shape)

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:
        """Return the annotations after the step; the map is written in place."""
        overlay = or_blank(annotations.overlay, shape)
        write_runs(overlay, self.change)
        return replace(annotations, overlay=overlay)

    def describe(self, classes: ClassList) -> str:
        """Return a line for the history."""
        if self.text:
            return f"{self.text} ({self.change.pixels:,} pixels)"
        painted = sorted({int(value) for value in self.change.after})
        names = ", ".join(classes.name(value) for value in painted if value >= 0)
        return f"paint {self.change.pixels:,} pixels" + (f" as {names}" if names else "")

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.change.nbytes


@dataclass(frozen=True)
class DecisionEdit(_Step):
    """Decisions on regions.

    Parameters
    ----------
    before, after : mapping of int to int or None
        For each region the class it is selected for, -1 for rejected, None for automatic.
    text : str
        Description: "reject mask 12 (dog)".
    """

    before: Mapping[int, int | None]
    after: Mapping[int, int | None]
    text: str = ""

    def inverse(self) -> "DecisionEdit":
        """Return the step that undoes this one."""
        return DecisionEdit(self.after, self.before, self.text)

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:  # noqa: ARG002
        """Return whether the step can be applied to these annotations."""
        return all(annotations.decisions.get(region) == was for region, was in self.before.items())

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return the annotations after the step."""
        decisions = {**annotations.decisions, **self.after}
        return replace(
            annotations, decisions={r: k for r, k in sorted(decisions.items()) if k is not None}
        )

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Return a line for the history."""
        return self.text

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return 200 * (1 + len(self.after))


@dataclass(frozen=True, eq=False)
class LockEdit(_Step):
    """A class locked or unlocked.

    Parameters
    ----------
    class_id : int
        The class.
    lock : bool
        Whether it is locked after the step.
    change : PixelRuns
        The locked pixels before and after.
    """

    class_id: int
    lock: bool
    change: PixelRuns

    def inverse(self) -> "LockEdit":
        """Return the step that undoes this one."""
        return LockEdit(self.class_id, not self.lock, self.change.inverse())

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Return whether the step can be applied to these annotations."""
        differs = (self.class_id in annotations.locked) != self.lock
        return differs and _holds(annotations.locked_pixels, self.change, shape)

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:
        """Return the annotations after the step; the map is written in place."""
        locked_pixels = or_blank(annotations.locked_pixels, shape)
        write_runs(locked_pixels, self.change)
        one = {self.class_id}
        locked = annotations.locked | one if self.lock else annotations.locked - one
        return replace(annotations, locked_pixels=locked_pixels, locked=locked)

    def describe(self, classes: ClassList) -> str:
        """Return a line for the history."""
        return f"{'lock' if self.lock else 'unlock'} {classes.name(self.class_id)}"

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.change.nbytes


@dataclass(frozen=True, eq=False)
class PromptEdit(_Step):
    """A prompted mask, added and selected for a class, or removed.

    Parameters
    ----------
    index : int
        Its index, the one after the last mask's.
    mask : MaskSet
        The one mask.
    class_id : int
        The class it is selected for.
    added : bool
        Whether it exists after the step.
    """

    index: int
    mask: MaskSet
    class_id: int
    added: bool = True

    def inverse(self) -> "PromptEdit":
        """Return the step that undoes this one."""
        return PromptEdit(self.index, self.mask, self.class_id, not self.added)

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Return whether the step can be applied to these annotations."""
        if self.added:
            return self.mask.shape == shape and self.index not in annotations.prompted
        there = annotations.prompted.get(self.index)
        selected = annotations.decisions.get(self.index) == self.class_id
        return selected and there is not None and there.digest == self.mask.digest

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return the annotations after the step."""
        decisions = {r: k for r, k in annotations.decisions.items() if r != self.index}
        prompted = {r: one for r, one in annotations.prompted.items() if r != self.index}
        if self.added:
            decisions[self.index], prompted[self.index] = self.class_id, self.mask
        return replace(annotations, decisions=decisions, prompted=prompted)

    def describe(self, classes: ClassList) -> str:
        """Return a line for the history."""
        return f"add prompted mask {self.index} for {classes.name(self.class_id)}"

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return 200 + self.mask.nbytes


@dataclass(frozen=True)
class StatusEdit(_Step):
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

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:  # noqa: ARG002
        """Return True: any annotations may have any status."""
        return True

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return the annotations, which have no part in the status."""
        return annotations

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Return a line for the history."""
        return f"status {self.after} (was {self.before})"

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return 200


@dataclass(frozen=True, eq=False)
class InputsEdit(_Step):
    """A choice what becomes of annotations whose inputs changed: the first step on new inputs.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed: "image", "pseudo", "masks".
    choice : InputsChoice
        The choice.
    was, annotations : Annotations
        The annotations before, applied to the new inputs, and after.
    before, after : Status
        The status around the step.
    """

    roles: tuple[str, ...]
    choice: InputsChoice
    was: Annotations
    annotations: Annotations
    before: Status
    after: Status

    def inverse(self) -> "InputsEdit":
        """Return the step that undoes this one."""
        was, now = self.annotations, self.was
        return InputsEdit(self.roles, self.choice, was, now, self.after, self.before)

    def follows(self, annotations: Annotations, shape: tuple[int, int]) -> bool:
        """Return whether the step can be applied to these annotations."""
        return annotations.equals(self.was, shape)

    def apply(self, annotations: Annotations, shape: tuple[int, int]) -> Annotations:  # noqa: ARG002
        """Return the annotations after the step, with maps of their own."""
        return self.annotations.copy()

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Return a line for the history."""
        return _CHOSEN[self.choice]

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return 1000 + self.was.nbytes + self.annotations.nbytes


_CHOSEN = {
    InputsChoice.KEEP: "keep the accepted labels on new inputs",
    InputsChoice.APPLY: "apply the annotations to new inputs",
    InputsChoice.START_OVER: "start over on new inputs",
}

Edit = ParamsEdit | StrokeEdit | DecisionEdit | LockEdit | PromptEdit | StatusEdit | InputsEdit


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
        if isinstance(step, StatusEdit | InputsEdit):
            status, later = step.after, len(steps) - at - 1
            break
    return Status.PENDING if status is Status.ACCEPTED and later else status


def _holds(opinions: NDArray[np.int16] | None, change: PixelRuns, shape: tuple[int, int]) -> bool:
    """Return whether an (H, W) map has the values from before a change on all its runs."""
    if len(change.stops) and int(change.stops.max()) > shape[0] * shape[1]:
        return False
    if opinions is None:
        return bool((change.before == NO_OPINION).all())
    flat = opinions.reshape(-1)
    lengths = change.stops - change.starts
    firsts = np.repeat(change.starts - np.cumsum(lengths) + lengths, lengths)
    at = firsts + np.arange(lengths.sum())
    return bool((flat[at] == np.repeat(change.before, lengths)).all())
