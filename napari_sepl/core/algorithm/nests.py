"""What the strategy `tree` computes once for an image: nests of masks, pieces of P_k.

A piece is a 4-connected component of P_k. A fragment is a run of one piece with the same weakest
mask: of those that cover a pixel, the one with the smallest o_s.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.core.masks.runs import Runs, cut_into_columns
from napari_sepl.core.masks.superpixels import find_superpixels

BARE = -1.0
"""The share of a fragment that no mask covers."""

_NO_MASK = -1


@dataclass(frozen=True, eq=False)
class Fragments:
    """P_k of each class in fragments, class by class, in column-major order within a class.

    Parameters
    ----------
    starts, stops : (F,) int32
        Their pixels, column-major and half-open, each within one column.
    offsets : (K + 1,) int64
        Class column k owns the fragments ``offsets[k]:offsets[k + 1]``.
    pieces : (F,) int32
        The piece of each.
    weakest : (F,) float64
        The smallest o_s of the masks that cover it, `BARE` if there are none.
    piece_areas : (Q + 1,) int64
        Pixels of each piece; pieces count from 1.
    """

    starts: NDArray[np.int32]
    stops: NDArray[np.int32]
    offsets: NDArray[np.int64]
    pieces: NDArray[np.int32]
    weakest: NDArray[np.float64]
    piece_areas: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Nests:
    """The masks of one image as a forest, and the pieces of pseudo-labels under them.

    Parameters
    ----------
    order : (N,) intp
        The masks by area, then by index: parts before wholes.
    parents : (N,) intp
        The mask that contains each, -1 for none.
    piece_sizes : (N,) float64
        Mean size in pixels of the pieces under the mask, over its pixels in its best class; 0
        without a class.
    fragments : Fragments
        The pseudo-labels.
    """

    order: NDArray[np.intp]
    parents: NDArray[np.intp]
    piece_sizes: NDArray[np.float64]
    fragments: Fragments


def find_nests(
    masks: MaskSet,
    parents: NDArray[np.intp],
    seeds: Runs,
    o_s: NDArray[np.float64],
    best: NDArray[np.intp],
    best_shared: NDArray[np.int64],
) -> Nests:
    """Find the nests of masks and cut the pseudo-labels into fragments.

    Parameters
    ----------
    masks : MaskSet
        The N masks.
    parents : (N,) intp
        The mask that contains each, -1 for none, as `build_tree` finds them.
    seeds : Runs
        P_k of each of the K classes.
    o_s : (N, K) float64
        Share of each mask in each class.
    best : (N,) intp
        Column of the class that each mask overlaps most, -1 for none.
    best_shared : (N,) int64
        The pixels of that overlap.
    """
    numbers = find_superpixels(MaskSet(seeds, MaskScores.unknown(len(seeds))))
    areas = np.bincount(numbers.ravel())
    areas[0] = 0  # pixels without a class are no piece
    height = numbers.shape[0]
    starts, stops, originals = cut_into_columns(seeds.starts, seeds.stops, height)
    pieces = numbers[starts % height, starts // height]
    parts = (starts, stops, originals.searchsorted(seeds.offsets), pieces)
    ranked = np.argsort(-o_s, axis=0, kind="stable")
    weakest = np.full(numbers.size, _NO_MASK, np.int32)
    summed = _find_weakest(masks.runs.arrays, parts, (ranked, o_s, best), areas, weakest)
    fragments = Fragments(*_split(*parts, weakest, o_s), areas)
    order = np.argsort(masks.areas, kind="stable")
    sizes = summed / np.maximum(best_shared, 1)
    return Nests(order, parents, sizes, fragments)


@jit
def _find_weakest(
    masks: tuple[Any, ...],
    parts: tuple[Any, ...],
    shares: tuple[Any, ...],
    areas: NDArray[np.int64],
    weakest: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Write the weakest mask of each pixel; return the sum of piece sizes under each mask.

    The sum is over the mask's pixels in its best class.
    """
    ranked, o_s, best = shares
    summed = np.zeros(best.size, np.int64)
    for column in range(ranked.shape[1]):
        for mask in ranked[:, column]:  # the strongest first: weaker ones overwrite it
            if o_s[mask, column] == 0:
                break
            under = _write_mask(mask, column, masks, parts, areas, weakest)
            if best[mask] == column:
                summed[mask] = under
    return summed


@jit
def _write_mask(
    mask: int,
    column: int,
    masks: tuple[Any, ...],
    parts: tuple[Any, ...],
    areas: NDArray[np.int64],
    weakest: NDArray[np.int32],
) -> int:
    """Write a mask where it overlaps a class, and sum the sizes of the pieces there."""
    mask_starts, mask_stops, mask_offsets = masks
    starts, stops, offsets, pieces = parts
    first, last = mask_offsets[mask], mask_offsets[mask + 1]
    end = offsets[column + 1]
    begin = offsets[column] + np.searchsorted(
        stops[offsets[column] : end], mask_starts[first], side="right"
    )
    summed = 0
    for run in range(first, last):
        while begin < end and stops[begin] <= mask_starts[run]:
            begin += 1
        at = begin
        while at < end and starts[at] < mask_stops[run]:
            low, high = max(starts[at], mask_starts[run]), min(stops[at], mask_stops[run])
            weakest[low:high] = mask
            summed += (high - low) * areas[pieces[at]]
            at += 1
    return summed


@jit
def _split(
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    pieces: NDArray[np.int32],
    weakest: NDArray[np.int32],
    o_s: NDArray[np.float64],
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.float64],
]:
    """Split runs where the weakest mask changes; return the fields of `Fragments` up to areas."""
    count = starts.size
    for run in range(starts.size):
        for at in range(starts[run] + 1, stops[run]):
            count += weakest[at] != weakest[at - 1]
    split_starts = np.empty(count, np.int32)
    split_stops = np.empty(count, np.int32)
    split_offsets = np.zeros_like(offsets)
    split_pieces = np.empty(count, np.int32)
    shares = np.empty(count, np.float64)
    last = -1
    for column in range(offsets.size - 1):
        for run in range(offsets[column], offsets[column + 1]):
            for at in range(starts[run], stops[run]):
                if at == starts[run] or weakest[at] != weakest[at - 1]:
                    last += 1
                    split_starts[last] = at
                    split_pieces[last] = pieces[run]
                    shares[last] = o_s[weakest[at], column] if weakest[at] >= 0 else BARE
                split_stops[last] = at + 1
        split_offsets[column + 1] = last + 1
    return split_starts, split_stops, split_offsets, split_pieces, shares
