"""The strategy `paper` at every pair of thresholds at once.

A mask is taken at the pairs (t1, t2) where t1 is below its o_s or t2 below its o_p. On a grid of
ascending thresholds, a mask that exceeds the first `a` of t1 and the first `b` of t2 is refused in
a corner: from row `a` and column `b` on. A pixel is claimed by none of several masks where their
corners meet, which is a corner again, and P_k is kept in the corner where no mask of k is taken.
So each claim adds to a table, or takes from it, at the tips of a few corners, and one running sum
over the table gives the counts at all pairs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.overlap import IGNORE, Overlap
from napari_sepl.core.params import Conflict

LEFT_OUT, RIGHT, WRONG = range(3)
"""What a label is to another one: that one is 255; it is the same; it is not."""

KINDS = 9
"""Kinds of pixels: three by what their label is to the truth, times three to the pseudo-label."""

Grids = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The thresholds t1 and t2, ascending."""

MOST = 1000
"""Thresholds of a grid; the pixels' states could hold 65 times as many."""


def count_by_corners(
    overlap: Overlap,
    truth: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    grids: Grids,
    conflict: Conflict,
) -> NDArray[np.int64]:
    """Count the pixels that `paper` gives each label.

    Parameters
    ----------
    overlap : Overlap
        The table of one image.
    truth : (H * W,) uint8
        True labels in column-major order, 255 where they are not known.
    labels : (K + 2,) uint8
        0, the classes of the pseudo-labels, and 255.
    grids : two arrays, (A,) and (B,) float64
        At most `MOST` thresholds t1 and t2 in 0..1, ascending.
    conflict : Conflict
        Who wins a pixel that several classes claim.

    Returns
    -------
    (K + 2, KINDS, A, B) int64
        Pixels of each label and kind at each pair of thresholds.
    """
    ends = np.array([len(grid) for grid in grids])
    refused = np.column_stack(  # the corner of each mask, which is taken if o > t
        [grids[0].searchsorted(overlap.best_o_s), grids[1].searchsorted(overlap.best_o_p)]
    )
    met = overlap.best >= 0
    kept = np.zeros((len(overlap.class_ids), 2), np.intp)  # the corner of each P_k
    np.maximum.at(kept, overlap.best[met], refused[met])
    regions = overlap.masks.runs.followed_by(overlap.seeds)
    columns = np.concatenate([overlap.best, np.arange(len(kept))])
    order = np.argsort(-columns, kind="stable")
    if conflict is Conflict.SMALLEST:
        order = np.lexsort((-columns, regions.areas))
    order = order[np.concatenate([refused.any(axis=1), (kept < ends).all(axis=1)])[order]]
    table = np.zeros((len(labels), KINDS, *(ends + 1)), np.int64)
    state = np.zeros((len(truth), 4), np.uint16)
    state[:, 2:] = ends
    pixels = (truth, overlap.pseudo_columns, labels)
    pieces = (regions.starts, regions.stops, regions.offsets, columns)
    for own in (True, False) if conflict is Conflict.SEED else (False,):
        _claim(table, state, pixels, pieces, (order, refused, kept), own)
    _leave(table, state, pixels)
    return np.asarray(table[:, :, :-1, :-1].cumsum(axis=2).cumsum(axis=3))


@jit
def _claim(
    table: NDArray[np.int64],
    state: NDArray[np.uint16],
    pixels: tuple[Any, ...],
    pieces: tuple[Any, ...],
    claims: tuple[Any, ...],
    own: bool,
) -> None:
    """Let the regions, the winner first, claim what is left of their pixels; if `own`, of P_k.

    A pixel's state is two corners: it is unclaimed in the first, but for the second.
    """
    truth, pseudo, labels = pixels
    starts, stops, offsets, columns = pieces
    order, refused, kept = claims
    for region in order:
        row = columns[region] + 1
        label = labels[row]
        is_mask = region < len(refused)
        tip = refused[region] if is_mask else kept[columns[region]]
        for run in range(offsets[region], offsets[region + 1]):
            for at in range(starts[run], stops[run]):
                # one by one, for a view of the four would make all of it six times as slow
                a, b, cut_a, cut_b = state[at, 0], state[at, 1], state[at, 2], state[at, 3]
                if is_mask:
                    done = tip[0] <= a and tip[1] <= b
                else:
                    done = tip[0] == cut_a and tip[1] == cut_b
                if done or (own and pseudo[at] != label):
                    continue
                cells = table[row, find_kind(label, truth[at], pseudo[at])]
                _add_corners(cells, a, b, cut_a, cut_b, 1)
                if is_mask:
                    a, b = max(a, tip[0]), max(b, tip[1])
                    state[at, 0], state[at, 1] = a, b
                else:
                    cut_a, cut_b = tip[0], tip[1]
                    state[at, 2], state[at, 3] = cut_a, cut_b
                _add_corners(cells, a, b, cut_a, cut_b, -1)


@jit
def _leave(table: NDArray[np.int64], state: NDArray[np.uint16], pixels: tuple[Any, ...]) -> None:
    """Count what no region claims: 255 where the pseudo-label is that, else background."""
    truth, pseudo, labels = pixels
    for at in range(truth.size):
        row = len(labels) - 1 if pseudo[at] == IGNORE else 0
        cells = table[row, find_kind(labels[row], truth[at], pseudo[at])]
        _add_corners(cells, state[at, 0], state[at, 1], state[at, 2], state[at, 3], 1)


@jit
def _add_corners(
    cells: NDArray[np.int64], a: int, b: int, cut_a: int, cut_b: int, sign: int
) -> None:
    """Add the tip of a corner, and take that of what the other corner cuts from it."""
    cells[a, b] += sign
    cells[max(a, cut_a), max(b, cut_b)] -= sign


@jit
def find_kind(label: int, truth: int, pseudo: int) -> int:
    """Return what kind a pixel is of, by its label and those of truth and pseudo-labels."""
    to_truth = LEFT_OUT if truth == IGNORE else RIGHT if truth == label else WRONG
    to_pseudo = LEFT_OUT if pseudo == IGNORE else RIGHT if pseudo == label else WRONG
    return 3 * to_truth + to_pseudo
