"""The strategy `tree`: of masks that lie in one another, the level that fits the class best."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.masks.runs import Runs

OUTSIDE_PRICE = 0.18
"""What a mask's pixel outside its class costs at t1 = 0.5, in pixels on it.

In the middle of the plateau that 120 VOC images with simulated masks showed, 0.16 to 0.20.
"""

MASK_PRICE = 0.1
"""What each mask costs, as a share of the piece it lies on: several parts must beat their whole."""


def select_levels(
    overlap: Overlap, t1: float, _t2: float, decided: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Take the masks whose gains sum to most, no two of one class and one nest.

    Parameters
    ----------
    overlap : Overlap
        The table of masks against pseudo-labels.
    t1 : float
        Sets the price of a pixel outside the class, ``OUTSIDE_PRICE * t1 / (1 - t1)``.
    decided : (D,) intp
        The masks on which a person decided; it chooses among the others.

    Returns
    -------
    class_ids, rules : (N,) uint8
        As in `Assignment`.

    Notes
    -----
    A mask goes to the class it shares most pixels with. Its gain is the number of its pixels on
    the class, less the price of those outside, less `MASK_PRICE` times its piece's size.
    """
    nests = overlap.nests
    columns = overlap.best
    if len(decided):
        columns = columns.copy()
        columns[decided] = -1
    price = OUTSIDE_PRICE * t1 / max(1 - t1, 1e-9)
    outside = overlap.masks.areas - overlap.best_shared
    gains = overlap.best_shared - price * outside - MASK_PRICE * nests.piece_sizes
    selected = _take(nests.order, nests.parents, columns, gains, len(overlap.class_ids))
    fates = np.where(gains > 0, np.uint8(Rule.OTHER_LEVEL), np.uint8(Rule.POOR_FIT))
    fates[selected >= 0] = Rule.BY_LEVEL
    return overlap.best_class, np.where(overlap.best >= 0, fates, overlap.refusals)


def keep_beside_levels(
    overlap: Overlap,
    t1: float,
    t2: float,
    class_ids: NDArray[np.uint8],
    rules: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], Runs]:
    """Tell what stays of the pseudo-labels beside the masks taken for each class.

    Parameters
    ----------
    overlap : Overlap
        The table of masks against pseudo-labels.
    t1 : float
        The share of each mask around a pixel of P_k that must lie on the class for it to stay.
    t2 : float
        Share of a piece of P_k beyond which the taken masks stand for all of it.
    class_ids, rules : (N,) uint8
        As in `Assignment`.

    Returns
    -------
    (M,) uint8, Runs
        Classes, and of each P_k where no mask was taken for k; else its pixels of which all masks
        around lie on the class by more than t1, and those in no mask whose piece the taken masks
        cover by at most t2.
    """
    column_of = np.full(256, -1, np.intp)
    column_of[overlap.class_ids] = np.arange(len(overlap.class_ids))
    selected = np.where(rules >= Rule.BY_O_S, column_of[class_ids], -1)
    parts = overlap.nests.fragments
    starts, stops, offsets = _stay(
        (parts.starts, parts.stops, parts.offsets, parts.pieces, parts.weakest),
        overlap.masks.runs.arrays,
        (selected, overlap.nests.parents), parts.piece_areas, t1, t2,
    )  # fmt: skip
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    bounds = np.concatenate([offsets[:1], offsets[filled + 1]])
    return overlap.class_ids[filled], Runs(overlap.shape, starts, stops, bounds)


@jit
def _take(
    order: NDArray[np.intp],
    parents: NDArray[np.intp],
    columns: NDArray[np.intp],
    gains: NDArray[np.float64],
    count: int,
) -> NDArray[np.intp]:
    """Return the column of the class each mask is taken for, -1 for none.

    For each class, from the smallest mask up, a mask wins if it gains more than the best of what
    lies in it; of the winners those are taken that lie in no other.
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
                wins[mask] = True  # to tell those in it, in turn
            elif wins[mask]:
                selected[mask] = column
    return selected


@jit
def _stay(
    parts: tuple[Any, ...],
    masks: tuple[Any, ...],
    tree: tuple[Any, ...],
    piece_areas: NDArray[np.int64],
    t1: float,
    t2: float,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Return the runs of each class's pseudo-labels that stay; touching fragments are joined."""
    starts, stops, offsets, pieces, weakest = parts
    selected, parents = tree
    won = np.zeros(offsets.size - 1, np.bool_)
    covered = np.zeros(piece_areas.size, np.int64)
    for mask in range(selected.size):
        if selected[mask] >= 0:
            won[selected[mask]] = True
            if _is_outermost(mask, selected, parents):
                _cover(mask, selected[mask], masks, parts, covered)
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
    """Tell whether a mask lies in no other that was taken for the same class."""
    above = parents[mask]
    while above >= 0:
        if selected[above] == selected[mask]:
            return False
        above = parents[above]
    return True


@jit
def _cover(
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
            if stops[at] > mask_stops[run]:  # it may meet the next run as well
                break
            at += 1
