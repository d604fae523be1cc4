"""What a person said about one image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import NO_OPINION
from napari_sepl.core.masks.mask_set import MaskSet


@dataclass(frozen=True, eq=False)
class Annotations:
    """Everything that a person said; what follows from it is `Resolved`.

    Parameters
    ----------
    params : Params
        The settings.
    decisions : mapping of int to int
        Decisions on regions: a mask's index, or ``-k`` for the pseudo-labels of class k, and the
        class it was given, 0 for background, -1 for refused.
    locked : frozenset of int
        Classes whose pixels neither the algorithm nor strokes of other classes may take.
    locked_pixels : (H, W) int16, optional
        The labels of protected classes as they were when they were protected, -1 elsewhere.
    overlay : (H, W) int16, optional
        Painted labels, -1 for no opinion.
    prompted : mapping of int to MaskSet
        Masks that a person made by prompts, one each: their indices follow on the given masks'.
    """

    params: Params = field(default_factory=Params)
    decisions: Mapping[int, int] = field(default_factory=dict)
    locked: frozenset[int] = frozenset()
    locked_pixels: NDArray[np.int16] | None = None
    overlay: NDArray[np.int16] | None = None
    prompted: Mapping[int, MaskSet] = field(default_factory=dict)

    def having(self, **changes: Any) -> "Annotations":
        """Return this with some of it said otherwise."""
        return replace(self, **changes)

    def copy(self) -> "Annotations":
        """Return the same with maps of its own, which may be written to."""
        return self.having(locked_pixels=_copy(self.locked_pixels), overlay=_copy(self.overlay))

    @property
    def edited(self) -> bool:
        """Whether a person said more than settings: decided, prompted, protected or painted."""
        maps = (self.locked_pixels, self.overlay)
        return bool(self.decisions or self.prompted) or any(
            one is not None and bool((one != NO_OPINION).any()) for one in maps
        )

    def on_other_masks(self, count: int) -> "Annotations":
        """Return what holds if other masks are given, so many of them.

        Decisions on the masks that are gone, and on pseudo-labels, go; the prompted masks and the
        decisions on them stay.
        """
        on_prompted = {r: k for r, k in self.decisions.items() if r in self.prompted}
        return self.having(decisions=on_prompted).renumbered(count)

    def renumbered(self, count: int) -> "Annotations":
        """Return the same with prompted masks that follow on so many given ones.

        If they do not already, decisions on masks that are in neither are left out.
        """
        if list(self.prompted) == list(range(count, count + len(self.prompted))):
            return self
        moved = {old: count + number for number, old in enumerate(self.prompted)}
        decided = {moved.get(r, r): k for r, k in self.decisions.items() if r < count or r in moved}
        prompted = {moved[old]: mask for old, mask in self.prompted.items()}
        return self.having(decisions=dict(sorted(decided.items())), prompted=prompted)


def blank_map(shape: tuple[int, int]) -> NDArray[np.int16]:
    """Return an (H, W) int16 map in which nobody has an opinion."""
    return np.full(shape, NO_OPINION, np.int16)


def _copy(one: NDArray[np.int16] | None) -> NDArray[np.int16] | None:
    return None if one is None else one.copy()


def join_prompted(masks: MaskSet, prompted: Mapping[int, MaskSet], source: object) -> MaskSet:
    """Return the given masks, followed by those that a person made.

    Parameters
    ----------
    masks : MaskSet
        The given masks.
    prompted : mapping of int to MaskSet
        As in `Annotations`.
    source : object
        What to name in an error.

    Raises
    ------
    InputError
        If their indices do not follow on those of the given masks, or sizes differ.
    """
    count = len(masks)
    if list(prompted) != list(range(count, count + len(prompted))):
        raise InputError(
            f"{source}: masks made by prompts",
            found=f"masks {list(prompted)}",
            expected=f"numbers from {count} on, after the {count} masks of the image",
        )
    for one in prompted.values():
        masks = masks.followed_by(one)
    return masks
