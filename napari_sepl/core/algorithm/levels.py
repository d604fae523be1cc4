"""The strategy `tree`: among nested masks, select the level that fits the class best."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.masks.runs import Runs

OUTSIDE_PRICE = 0.18
"""Price of a mask's pixel outside its class at t1 = 0.5, in pixels inside.

The middle of the plateau for 120 VOC images with simulated masks, 0.16 to 0.20.
"""

MASK_PRICE = 0.1
"""Price of each mask as a share of its piece: several parts must gain more than their whole."""


def select_levels(
    overlap: Overlap, t1: float, _t2: float, decided: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Select the masks with the highest sum of gains, no two nested ones for one class.

    Parameters
    ----------
    overlap : Overlap
        The overlap table.
    t1 : float
        Sets the price of a pixel outside the class, ``OUTSIDE_PRICE * t1 / (1 - t1)``.
    decided : (D,) intp
        The masks with a decision; the others are selected from.

    Returns
    -------
    class_ids, rules : (N,) uint8
        As in `Assignment`.

    Notes
    -----
    A mask is assigned to the class it overlaps most. Its gain is the number of its pixels in the
    class, minus the price of those outside, minus `MASK_PRICE` times the size of its piece.
    """
    nests = overlap.nests
    columns = overlap.best
    if len(decided):
        columns = columns.copy()
        columns[decided] = -1
    price = OUTSIDE_PRICE * t1 / max(1 - t1, 1e-9)
    outside = overlap.masks.areas - overlap.best_shared
    gains = overlap.best_shared - price * outside - MASK_PRICE * nests.piece_sizes
    selected = _select_outermost(nests.order, nests.parents, columns, gains, len(overlap.class_ids))
    rules = np.where(gains > 0, np.uint8(Rule.OTHER_LEVEL), np.uint8(Rule.POOR_FIT))
    rules[selected >= 0] = Rule.BY_LEVEL
    return overlap.best_class, np.where(overlap.best >= 0, rules, overlap.rejections)


def keep_beside_levels(
    overlap: Overlap,
    t1: float,
    t2: float,
    class_ids: NDArray[np.uint8],
    rules: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], Runs]:
    """Return the pixels of the pseudo-labels that are kept beside the selected masks.

    Parameters
    ----------
    overlap : Overlap
        The overlap table.
    t1 : float
        A pixel of P_k stays if more than this share of each covering mask lies in the class.
    t2 : float
        If the selected masks cover more than this share of a piece of P_k, they replace it.
    class_ids, rules : (N,) uint8
        As in `Assignment`.

    Returns
    -------
    (M,) uint8, Runs
        Classes and their kept pixels: all of P_k if no mask is selected for k; else those whose
        covering masks all have o_s above t1, and uncovered ones in pieces that the selected masks
        cover by at most t2.
    """
    selected = np.where(rules >= Rule.BY_O_S, overlap.column_of[class_ids], -1)
    parts = overlap.nests.fragments
    starts, stops, offsets = _kept_runs(
        (parts.starts, parts.stops, parts.offsets, parts.pieces, parts.weakest),
        overlap.masks.runs.arrays,
        (selected, overlap.nests.parents), parts.piece_areas, t1, t2,
    )  # fmt: skip
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    bounds = np.concatenate([offsets[:1], offsets[filled + 1]])
    return overlap.class_ids[filled], Runs(overlap.shape, starts, stops, bounds)


@jit
def _select_outermost(
    order: NDArray[np.intp],
    parents: NDArray[np.intp],
    columns: NDArray[np.intp],
    gains: NDArray[np.float64],
    count: int,
) -> NDArray[np.intp]:
    """Return the column of the class each mask is selected for, -1 for none.

    For each class, from the smallest mask up, a mask wins if it gains more than the best choice
    inside it; the outermost winners are selected.
    """
    selected = np.full(order.size, -1, np.intp)
    below = np.empty(order.size, np.float64)
    wins = np.empty(order.size, np.bool_)
    for column in range(count):
        below[:] = 0
        for mask in order:
            wins[mask] = columns[mask] == column and gains[mask] > below[mask]
            if parents[mask] >= 0:
                below[parents[mask]] += gains[mask] if wins[mask] else below[mask]
        for mask in order[::-1]:
            if parents[mask] >= 0 and wins[parents[mask]]:
                wins[mask] = True  # passed on to the masks inside
            elif wins[mask]:
                selected[mask] = column
    return selected


@jit
def _kept_runs(
    parts: tuple[Any, ...],
    masks: tuple[Any, ...],
    tree: tuple[Any, ...],
    piece_areas: NDArray[np.int64],
    t1: float,
    t2: float,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Return the runs of each class's kept pseudo-labels; touching fragments are joined."""
    starts, stops, offsets, pieces, weakest = parts
    selected, parents = tree
    won = np.zeros(offsets.size - 1, np.bool_)
    covered = np.zeros(piece_areas.size, np.int64)
    for mask in range(selected.size):
        if selected[mask] >= 0:
            won[selected[mask]] = True
            if _is_outermost(mask, selected, parents):
                _add_covered(mask, selected[mask], masks, parts, covered)
    kept_starts = np.empty(starts.size, np.int32)
    kept_stops = np.empty(starts.size, np.int32)
    kept_offsets = np.zeros_like(offsets)
    count = 0
    for column in range(won.size):
        for at in range(offsets[column], offsets[column + 1]):
            piece = pieces[at]
            if not won[column]:
                stays = True
            elif weakest[at] < 0:  # no mask covers it
                stays = covered[piece] / piece_areas[piece] <= t2
            else:
                stays = weakest[at] > t1
            if not stays:
                continue
            if count > kept_offsets[column] and kept_stops[count - 1] == starts[at]:
                kept_stops[count - 1] = stops[at]
                continue
            kept_starts[count], kept_stops[count] = starts[at], stops[at]
            count += 1
        kept_offsets[column + 1] = count
    return kept_starts[:count], kept_stops[:count], kept_offsets


@jit
def _is_outermost(mask: int, selected: NDArray[np.intp], parents: NDArray[np.intp]) -> bool:
    """Return whether no mask around a mask is selected for the same class."""
    above = parents[mask]
    while above >= 0:
        if selected[above] == selected[mask]:
            return False
        above = parents[above]
    return True


@jit
def _add_covered(
    mask: int,
    column: int,
    masks: tuple[Any, ...],
    parts: tuple[Any, ...],
    covered: NDArray[np.int64],
) -> None:
    """Add to `covered` the pixels that a mask shares with each piece of a class."""
    mask_starts, mask_stops, mask_offsets = masks
    starts, stops, offsets, pieces, _ = parts
    first, last = mask_offsets[mask], mask_offsets[mask + 1]
    end = offsets[column + 1]
    if first == last:
        return
    at = offsets[column] + np.searchsorted(
        stops[offsets[column] : end], mask_starts[first], side="right"
    )
    for run in range(first, last):
        while at < end and stops[at] <= mask_starts[run]:
            at += 1
        while at < end and starts[at] < mask_stops[run]:
            covered[pieces[at]] += min(stops[at], mask_stops[run]) - max(
                starts[at], mask_starts[run]
            )
            if stops[at] > mask_stops[run]:  # it may overlap the next run as well
                break
            at += 1
