"""The nesting of masks: a parent is the smallest mask that contains most of its part."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks.mask_set import MaskSet

NO_PARENT = -1
"""The parent of outermost and of empty masks."""


@dataclass(frozen=True, eq=False)
class MaskTree:
    """The masks of one image as a forest, each below the mask that contains it.

    Parameters
    ----------
    parents : (N,) intp
        Index of the mask that contains each mask, -1 for none. Sorted by area, then by index, a
        parent comes later than its parts, so that no mask is its own ancestor.
    """

    parents: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.parents)

    @cached_property
    def depths(self) -> NDArray[np.intp]:
        """(N,) intp: number of ancestors of each mask."""
        depths = np.zeros(len(self), np.intp)
        above = self.parents
        while (held := above != NO_PARENT).any():
            depths += held
            above = np.where(held, self.parents[above], NO_PARENT)
        return depths


PART_OF = 0.9
"""Share of a mask that must lie inside another for it to be a part of it."""


def build_tree(masks: MaskSet, share: float = PART_OF) -> MaskTree:
    """Return the parent of each mask.

    Parameters
    ----------
    masks : MaskSet
        The N masks.
    share : float
        The parent is the first of the later masks, in ascending order of area and then of index,
        that contains at least this share of the mask; 0 < share <= 1.

    Returns
    -------
    MaskTree
        Of equal masks, each is in the next one.

    Raises
    ------
    ValueError
        If `share` is out of bounds.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}, not above 0 and at most 1")
    areas = masks.areas
    order = np.argsort(areas, kind="stable")
    needs = np.ceil(share * areas).astype(np.int64)
    parents = _find_parents(order, areas, needs, masks.boxes, *masks.runs.arrays)
    return MaskTree(parents)


@jit
def _find_parents(
    order: NDArray[np.intp],
    areas: NDArray[np.int64],
    needs: NDArray[np.int64],
    boxes: NDArray[np.int32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
) -> NDArray[np.intp]:
    parents = np.full(order.size, NO_PARENT, np.intp)
    for place in range(order.size):
        part = order[place]
        if areas[part] == 0:
            continue
        inner = slice(offsets[part], offsets[part + 1])
        for whole in order[place + 1 :]:
            if _common_box(boxes[part], boxes[whole]) < needs[part]:
                continue
            outer = slice(offsets[whole], offsets[whole + 1])
            spare = areas[part] - needs[part]
            if _holds(starts[outer], stops[outer], starts[inner], stops[inner], spare):
                parents[part] = whole
                break
    return parents


@jit
def _common_box(one: NDArray[np.int32], other: NDArray[np.int32]) -> int:
    """Return the pixels that two boxes (row, column, height, width) share."""
    rows = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    cols = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return int(max(rows, 0) * max(cols, 0))


@jit
def _holds(
    outer_starts: NDArray[np.int32],
    outer_stops: NDArray[np.int32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    spare: int,
) -> bool:
    """Return whether the outer runs contain all but `spare` pixels of some runs."""
    at = np.searchsorted(outer_stops, starts[0], side="right")
    for run in range(starts.size):
        spare -= stops[run] - starts[run]
        while at < outer_stops.size and outer_stops[at] <= starts[run]:
            at += 1
        while at < outer_starts.size and outer_starts[at] < stops[run]:
            spare += min(stops[run], outer_stops[at]) - max(starts[run], outer_starts[at])
            if outer_stops[at] > stops[run]:  # it may contain part of the next run as well
                break
            at += 1
        if spare < 0:
            return False
    return True
