"""Exact pixel counts of one image, or of many, at each pair of thresholds.

Where each mask is judged by itself, as in `paper`, no labels are painted. A mask is selected at
the pairs (t1, t2) where t1 is below its o_s or t2 below its o_p. On a grid of ascending thresholds,
a mask that exceeds the first `a` of t1 and the first `b` of t2 is rejected in a corner: from row
`a` and column `b` on. A pixel is claimed by none of several masks where their corners meet, which
is a corner again, and P_k is kept in the corner where no mask of k is selected. So each claim adds
to a table, or takes from it, at the tips of a few corners, and one running sum over the table gives
the counts at all pairs.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.analysis.metrics import share
from napari_sepl.core.errors import InputError, check_size
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.core.masks.transpose import to_columns, to_rows

LEFT_OUT, RIGHT, WRONG = range(3)
"""How a label compares with another one: that one is 255; equal; different."""

KINDS = 9
"""Kinds of pixels: three against the ground truth, times three against the pseudo-label."""

Grids = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The thresholds t1 and t2, ascending."""

MOST = 1000
"""Thresholds of a grid; the uint16 states of pixels allow 65 times as many."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Pixel counts of enhanced labels against other labels, at each (t1, t2).

    Pixels that are 255 in the other labels do not count. An enhanced label of 255 is a false
    negative.

    Parameters
    ----------
    right : (L, A, B) int64
        Pixels that have each label in both.
    painted : (L, A, B) int64
        Pixels that have each label in the enhanced ones.
    wanted : (L,) int64
        Pixels that have each label in the other labels.
    """

    right: NDArray[np.int64]
    painted: NDArray[np.int64]
    wanted: NDArray[np.int64]

    @property
    def iou(self) -> NDArray[np.float64]:
        """(L, A, B) float64: intersection over union, NaN for a label in neither."""
        return share(self.right, self.painted + self.wanted[:, None, None] - self.right)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(L, A, B) float64: share of each label that is right, NaN where it is not painted."""
        return share(self.right, self.painted)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(L, A, B) float64: share of each label that is found, NaN where it does not occur."""
        return share(self.right, self.wanted[:, None, None])

    @property
    def mean_iou(self) -> NDArray[np.float64]:
        """(A, B) float64: mean IoU over the labels that the others hold, NaN without any."""
        iou = self.iou[self.wanted > 0]
        return share(iou.sum(axis=0), np.array(len(iou)))


@dataclass(eq=False)
class SweepCounts:
    """Counts of the labels of an image, or of many, at each (t1, t2).

    Parameters
    ----------
    labels : (L,) uint8
        The counted labels, ascending, without 255.
    truth : Matches, optional
        The enhanced labels against the ground truth.
    pseudo : Matches
        The enhanced labels against the pseudo-labels.
    changed : (A, B) int64
        Pixels whose label differs from the pseudo-label.
    pixels : int
        Pixels of the images.
    """

    labels: NDArray[np.uint8]
    truth: Matches | None
    pseudo: Matches
    changed: NDArray[np.int64]
    pixels: int

    @classmethod
    def nothing(cls, count: int, shape: tuple[int, int], *, truth: bool) -> "SweepCounts":
        """Return the counts of no image, for labels below `count` and a grid of `shape`."""

        def matches() -> Matches:
            right, painted = np.zeros((2, count, *shape), np.int64)
            return Matches(right, painted, np.zeros(count, np.int64))

        labels = np.arange(count, dtype=np.uint8)
        return cls(labels, matches() if truth else None, matches(), np.zeros(shape, np.int64), 0)

    def add(self, other: "SweepCounts") -> None:
        """Add the counts of another image, in place; its labels must be among these."""
        rows = self.labels.searchsorted(other.labels)
        for mine, its in ((self.truth, other.truth), (self.pseudo, other.pseudo)):
            if mine is not None and its is not None:
                mine.right[rows] += its.right
                mine.painted[rows] += its.painted
                mine.wanted[rows] += its.wanted
        self.changed += other.changed
        self.pixels += other.pixels


def threshold_grid(steps: int, default: float) -> NDArray[np.float64]:
    """Return (A,) float64: `steps` thresholds from 0 to 1, and `default` if it is none of them."""
    return np.union1d(np.arange(steps) / (steps - 1), default)


def check_grid(name: str, grid: NDArray[np.float64]) -> None:
    """Raise InputError unless the thresholds are (A,) shares in 0..1, each above the last."""
    fine = grid.ndim == 1 and 0 < len(grid) <= MOST and grid[0] >= 0 and grid[-1] <= 1
    if not fine or not (np.diff(grid) > 0).all():
        raise InputError(
            f"grid of {name}", found=f"{grid}", expected=f"1 to {MOST} ascending shares in 0..1"
        )


def sweep_image(
    overlap: Overlap,
    truth: NDArray[np.uint8] | None,
    t1: NDArray[np.float64],
    t2: NDArray[np.float64],
    params: Params,
) -> SweepCounts:
    """Count what ``paint(overlap, assign(overlap, params), params)`` gives at each (t1, t2).

    `paper` takes as long for a fine grid as for a coarse one. Under the other strategies each
    distinct assignment is painted once, and without `Borders` the masks are assigned at each pair.

    Parameters
    ----------
    overlap : Overlap
        The table of one image.
    truth : (H, W) uint8, optional
        Ground truth; 255, ignore, does not count.
    t1 : (A,) float64
        Shares in 0..1, ascending.
    t2 : (B,) float64
        The same for t2.
    params : Params
        Strategy and conflict rule; its thresholds are not used.

    Returns
    -------
    SweepCounts
        For 0 and the labels in pseudo-labels or ground truth.

    Raises
    ------
    InputError
        If a grid is not ascending within 0..1, or the size of the ground truth differs.
    """
    check_grid("t1", t1)
    check_grid("t2", t2)
    if truth is not None:
        check_size("ground truth", truth.shape, overlap.shape, "the image")
    others = np.full(overlap.shape, IGNORE, np.uint8) if truth is None else truth
    labels = np.concatenate([[0], overlap.class_ids, [IGNORE]]).astype(np.uint8)
    if params.strategy.method.fast_sweep and not overlap.masks.brought_labels.any():
        counts = sweep_paper(overlap, to_columns(others), labels, (t1, t2), params.conflict)
    else:
        counts = _count_by_painting(overlap, others, labels, (t1, t2), params)
    return _summed(overlap, truth, counts.reshape(len(labels), 3, 3, len(t1), len(t2)))


def _summed(
    overlap: Overlap, truth: NDArray[np.uint8] | None, counts: NDArray[np.int64]
) -> SweepCounts:
    """Return the matches for counts by label (0, the classes, 255) and kind."""
    in_pseudo = count_labels(overlap.pseudo_columns)
    in_truth = np.zeros(256, np.int64) if truth is None else count_labels(truth)
    present = (in_pseudo + in_truth) > 0
    present[0], present[IGNORE] = True, False
    labels = np.flatnonzero(present).astype(np.uint8)
    rows = labels.searchsorted(np.append(0, overlap.class_ids))

    def matches(by_fate: NDArray[np.int64], wanted: NDArray[np.int64]) -> Matches:
        right, painted = np.zeros((2, len(labels), *by_fate.shape[2:]), np.int64)
        right[rows] = by_fate[:-1, RIGHT]
        painted[rows] = by_fate[:-1, RIGHT] + by_fate[:-1, WRONG]
        return Matches(right, painted, wanted[labels])

    to_truth, to_pseudo = counts.sum(axis=2), counts.sum(axis=1)
    same = to_pseudo[:-1, RIGHT].sum(axis=0) + to_pseudo[-1, LEFT_OUT]
    pixels = overlap.pseudo_columns.size
    against_truth = None if truth is None else matches(to_truth, in_truth)
    return SweepCounts(labels, against_truth, matches(to_pseudo, in_pseudo), pixels - same, pixels)


def _count_by_painting(
    overlap: Overlap,
    truth: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    grids: Grids,
    params: Params,
) -> NDArray[np.int64]:
    """Count as `sweep_paper` does, by painting each distinct assignment."""
    shape = (len(grids[0]), len(grids[1]))
    pseudo = to_rows(overlap.pseudo_columns, overlap.shape)
    rows = np.zeros(256, np.intp)
    rows[labels] = np.arange(len(labels))
    enhanced = np.empty(overlap.shape, np.uint8)
    counted: dict[bytes, NDArray[np.int64]] = {}
    counts = np.zeros((len(labels), KINDS, *shape), np.int64)
    for i, j in np.ndindex(shape):
        at = params.model_copy(update={"t1": float(grids[0][i]), "t2": float(grids[1][j])})
        key = _decision_key(overlap, at)
        if key not in counted:
            paint(overlap, assign(overlap, at), at, enhanced)
            maps = (enhanced.ravel(), truth.ravel(), pseudo.ravel())
            counted[key] = _count_kinds(maps, rows, len(labels))
        counts[:, :, i, j] = counted[key]
    return counts


def _decision_key(overlap: Overlap, params: Params) -> bytes:
    """Return a key: pairs of thresholds with equal keys have equal labels."""
    borders = params.strategy.method.borders
    if borders is not None:  # cheaper than an assignment
        passes = (overlap.o_s > params.t1) | borders.passes_t2(overlap.o_p, params.t2)
        return passes.tobytes()
    assignment = assign(overlap, params)
    kept, regions = assignment.kept, assignment.kept.regions
    digest = hashlib.sha256(np.where(assignment.selected, assignment.class_ids, IGNORE).tobytes())
    for array in (kept.class_ids, regions.offsets, regions.starts, regions.stops):
        digest.update(len(array).to_bytes(8, "little"))  # marks where each begins
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


@jit
def _count_kinds(maps: tuple[Any, ...], rows: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """Return (count, KINDS) int64: pixels of the label of each row, by kind."""
    enhanced, truth, pseudo = maps
    counts = np.zeros((count, KINDS), np.int64)
    for at in range(enhanced.size):
        counts[rows[enhanced[at]], find_kind(enhanced[at], truth[at], pseudo[at])] += 1
    return counts


def sweep_paper(
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
        Ground truth in column-major order, 255 where unknown.
    labels : (K + 2,) uint8
        0, the classes of the pseudo-labels, and 255.
    grids : two arrays, (A,) and (B,) float64
        At most `MOST` thresholds t1 and t2 in 0..1, ascending.
    conflict : Conflict
        Which class gets a pixel that several claim.

    Returns
    -------
    (K + 2, KINDS, A, B) int64
        Pixels of each label and kind at each pair of thresholds.
    """
    ends = np.array([len(grid) for grid in grids])
    rejected = np.column_stack(  # the corner of each mask, selected if o > t
        [grids[0].searchsorted(overlap.best_o_s), grids[1].searchsorted(overlap.best_o_p)]
    )
    met = overlap.best >= 0
    kept = np.zeros((len(overlap.class_ids), 2), np.intp)  # the corner of each P_k
    np.maximum.at(kept, overlap.best[met], rejected[met])
    regions = overlap.masks.runs.followed_by(overlap.seeds)
    columns = np.concatenate([overlap.best, np.arange(len(kept))])
    order = np.argsort(-columns, kind="stable")
    if conflict is Conflict.SMALLEST:
        order = np.lexsort((-columns, regions.areas))
    order = order[np.concatenate([rejected.any(axis=1), (kept < ends).all(axis=1)])[order]]
    table = np.zeros((len(labels), KINDS, *(ends + 1)), np.int64)
    state = np.zeros((len(truth), 4), np.uint16)
    state[:, 2:] = ends
    pixels = (truth, overlap.pseudo_columns, labels)
    pieces = (*regions.arrays, columns)
    for own in (True, False) if conflict is Conflict.PSEUDO else (False,):
        _claim(table, state, pixels, pieces, (order, rejected, kept), own)
    _count_unclaimed(table, state, pixels)
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
    """Let the regions, the winner first, claim the rest of their pixels; if `own`, of P_k.

    A pixel's state is two corners: it is unclaimed in the first without the second.
    """
    truth, pseudo, labels = pixels
    starts, stops, offsets, columns = pieces
    order, rejected, kept = claims
    for region in order:
        row = columns[region] + 1
        label = labels[row]
        is_mask = region < len(rejected)
        tip = rejected[region] if is_mask else kept[columns[region]]
        for run in range(offsets[region], offsets[region + 1]):
            for at in range(starts[run], stops[run]):
                # one by one: a view of the four is six times as slow
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
def _count_unclaimed(
    table: NDArray[np.int64], state: NDArray[np.uint16], pixels: tuple[Any, ...]
) -> None:
    """Count the unclaimed pixels: 255 where the pseudo-label is, else background."""
    truth, pseudo, labels = pixels
    for at in range(truth.size):
        row = len(labels) - 1 if pseudo[at] == IGNORE else 0
        cells = table[row, find_kind(labels[row], truth[at], pseudo[at])]
        _add_corners(cells, state[at, 0], state[at, 1], state[at, 2], state[at, 3], 1)


@jit
def _add_corners(
    cells: NDArray[np.int64], a: int, b: int, cut_a: int, cut_b: int, sign: int
) -> None:
    """Add the tip of a corner, and subtract that of its intersection with the other corner."""
    cells[a, b] += sign
    cells[max(a, cut_a), max(b, cut_b)] -= sign


@jit
def find_kind(label: int, truth: int, pseudo: int) -> int:
    """Return the kind of a pixel by its label, ground truth and pseudo-label."""
    to_truth = LEFT_OUT if truth == IGNORE else RIGHT if truth == label else WRONG
    to_pseudo = LEFT_OUT if pseudo == IGNORE else RIGHT if pseudo == label else WRONG
    return 3 * to_truth + to_pseudo
