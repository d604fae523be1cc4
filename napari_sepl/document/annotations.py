"""Annotations: everything a person decided about one image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import NO_OPINION
from napari_sepl.core.masks.mask_set import MaskSet


@dataclass(frozen=True, eq=False)
class Annotations:
    """Everything that a person decided about one image.

    Parameters
    ----------
    params : Params
        The parameters.
    decisions : mapping of int to int
        By region (a mask's index, or ``-k`` for the pseudo-labels of class k) the class it is
        selected for, 0 for background, -1 for rejected.
    locked : frozenset of int
        Classes whose pixels neither the algorithm nor strokes of other classes change.
    locked_pixels : (H, W) int16, optional
        The labels of locked classes at the time of locking, -1 elsewhere.
    overlay : (H, W) int16, optional
        Painted labels, -1 for no opinion.
    prompted : mapping of int to MaskSet
        Masks made by prompts, one each; their indices follow those of the given masks.
    """

    params: Params = field(default_factory=Params)
    decisions: Mapping[int, int] = field(default_factory=dict)
    locked: frozenset[int] = frozenset()
    locked_pixels: NDArray[np.int16] | None = None
    overlay: NDArray[np.int16] | None = None
    prompted: Mapping[int, MaskSet] = field(default_factory=dict)

    def copy(self) -> "Annotations":
        """Return a copy with maps of its own, which may be written to."""
        maps = (self.locked_pixels, self.overlay)
        locked_pixels, overlay = (None if one is None else one.copy() for one in maps)
        return replace(self, locked_pixels=locked_pixels, overlay=overlay)

    @property
    def edited(self) -> bool:
        """Whether a person did more than set parameters: decided, prompted, locked or painted."""
        maps = (self.locked_pixels, self.overlay)
        return bool(self.decisions or self.prompted) or any(
            one is not None and bool((one != NO_OPINION).any()) for one in maps
        )

    def equals(self, other: "Annotations", shape: tuple[int, int]) -> bool:
        """Return whether both say the same of an image of a height and width."""
        maps = (
            (self.overlay, other.overlay),
            (self.locked_pixels, other.locked_pixels),
        )
        return (
            self.params == other.params
            and dict(self.decisions) == dict(other.decisions)
            and self.locked == other.locked
            and all(np.array_equal(or_blank(a, shape), or_blank(b, shape)) for a, b in maps)
            and self.prompted_digests == other.prompted_digests
        )

    @property
    def prompted_digests(self) -> dict[int, str]:
        """The digest of each prompted mask, by its index."""
        return {index: mask.digest for index, mask in self.prompted.items()}

    @property
    def nbytes(self) -> int:
        """Memory in bytes of maps and masks."""
        maps = (self.locked_pixels, self.overlay)
        of_maps = sum(one.nbytes for one in maps if one is not None)
        return of_maps + sum(mask.nbytes for mask in self.prompted.values())

    def on_other_masks(self, count: int) -> "Annotations":
        """Return the annotations for `count` other given masks.

        Only prompted masks and the decisions on them stay.
        """
        on_prompted = {r: k for r, k in self.decisions.items() if r in self.prompted}
        return replace(self, decisions=on_prompted).renumbered(count)

    def renumbered(self, count: int) -> "Annotations":
        """Return the annotations with prompted masks renumbered to follow `count` given ones.

        Decisions on masks that are neither given nor prompted are dropped if numbers change.
        """
        if list(self.prompted) == list(range(count, count + len(self.prompted))):
            return self
        moved = {old: count + number for number, old in enumerate(self.prompted)}
        decided = {moved.get(r, r): k for r, k in self.decisions.items() if r < count or r in moved}
        prompted = {moved[old]: mask for old, mask in self.prompted.items()}
        return replace(self, decisions=dict(sorted(decided.items())), prompted=prompted)


def or_blank(opinions: NDArray[np.int16] | None, shape: tuple[int, int]) -> NDArray[np.int16]:
    """Return an (H, W) int16 map of opinions, a blank one for None."""
    return np.full(shape, NO_OPINION, np.int16) if opinions is None else opinions


def join_prompted(masks: MaskSet, prompted: Mapping[int, MaskSet], source: object) -> MaskSet:
    """Return the given masks, followed by the prompted ones.

    Parameters
    ----------
    masks : MaskSet
        The given masks.
    prompted : mapping of int to MaskSet
        As in `Annotations`.
    source : object
        Named in errors.

    Raises
    ------
    InputError
        If their indices do not follow those of the given masks, or sizes differ.
    """
    count = len(masks)
    if list(prompted) != list(range(count, count + len(prompted))):
        raise InputError(
            f"{source}, masks made by prompts",
            found=f"masks {list(prompted)}",
            expected=f"numbers from {count} on, after the {count} masks of the image",
        )
    for one in prompted.values():
        masks = masks.followed_by(one)
    return masks
