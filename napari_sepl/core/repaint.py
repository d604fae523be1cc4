"""Painting anew only where an assignment differs from the one that was painted before.

A pixel's label depends on nothing but the regions that hold it. So after a slider move or a
decision only the blocks of pixels that a changed region touches need painting: of a large image,
and of a decision on one mask, a small part.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.overlap import Overlap
from napari_sepl.core.overrides import Kept
from napari_sepl.core.params import Params, Strategy
from napari_sepl.core.rules import Rule
from napari_sepl.core.sepl import paint, paint_columns
from napari_sepl.core.strategies import Assignment
from napari_sepl.core.transpose import BLOCK, renew_rows


class Painted(NamedTuple):
    """What was painted, and from what.

    Parameters
    ----------
    assignment : Assignment
        The masks taken and the pseudo-labels kept.
    params : Params
        Names the rule for pixels that several classes claim.
    labels : (H, W) uint8
        The enhanced labels.
    """

    assignment: Assignment
    params: Params
    labels: NDArray[np.uint8]


def repaint(
    overlap: Overlap, assignment: Assignment, params: Params, before: Painted
) -> NDArray[np.uint8]:
    """Return what `paint` would, by painting only what changed.

    Parameters
    ----------
    overlap, assignment, params
        As for `paint`.
    before : Painted
        Painted from the same table.

    Returns
    -------
    (H, W) uint8
        The enhanced labels; the very array of `before` where nothing changed.
    """
    if _rules_of(params) != _rules_of(before.params):
        return paint(overlap, assignment, params)
    stale = find_stale(overlap, before.assignment, assignment)
    columns = np.flatnonzero(stale.any(axis=0))
    if not len(columns):
        return before.labels
    span = (int(columns[0]) * BLOCK, min((int(columns[-1]) + 1) * BLOCK, overlap.shape[1]))
    labels = before.labels.copy()
    renew_rows(paint_columns(overlap, assignment, params, span), labels, stale)
    return labels


def _rules_of(params: Params) -> tuple[object, ...]:
    """Return the settings by which an assignment is painted."""
    return params.conflict, params.strategy is Strategy.RELEASED


def find_stale(overlap: Overlap, before: Assignment, after: Assignment) -> NDArray[np.bool_]:
    """Find the blocks of an image in which two assignments can lead to other labels.

    Returns
    -------
    (ceil(H / BLOCK), ceil(W / BLOCK)) bool
        Whether a region that changed reaches into a block.
    """
    stale = np.zeros([-(-side // BLOCK) for side in overlap.shape], np.bool_)
    _mark(stale, overlap.masks.runs.boxes[_changed_masks(before, after)])
    ours, theirs = _regions_of(before.kept), _regions_of(after.kept)
    for kept, others in ((ours, theirs), (theirs, ours)):
        _mark(stale, kept.boxes_of(others))
    return stale


def _changed_masks(before: Assignment, after: Assignment) -> NDArray[np.bool_]:
    """Return (N,) bool: which masks claim pixels for another class, or with another weight."""
    claims = [
        np.where(one.taken, one.class_ids.astype(np.int16) + 1, 0)
        * np.where(one.rules == Rule.BY_PERSON, -1, 1)
        for one in (before, after)
    ]
    return np.asarray(claims[0] != claims[1])


class _Regions(NamedTuple):
    """Kept regions and what tells them from others: class, person's or not, and pixels."""

    kept: Kept
    keys: list[tuple[int, bool, bytes, bytes]]

    def boxes_of(self, others: "_Regions") -> NDArray[np.int32]:
        """Return the boxes of those regions that `others` has not."""
        left = Counter(others.keys)
        missing = []
        for key in self.keys:
            missing.append(not left[key])
            left[key] -= left[key] > 0
        return self.kept.regions.choose(np.flatnonzero(missing)).boxes


def _regions_of(kept: Kept) -> _Regions:
    runs = kept.regions
    spans = [slice(*runs.offsets[index : index + 2]) for index in range(len(runs))]
    keys = [
        (int(class_id), bool(by_person), runs.starts[own].tobytes(), runs.stops[own].tobytes())
        for class_id, by_person, own in zip(kept.class_ids, kept.by_person, spans, strict=True)
    ]
    return _Regions(kept, keys)


def _mark(stale: NDArray[np.bool_], boxes: Iterable[NDArray[np.int32]]) -> None:
    for top, left, height, width in boxes:
        rows = slice(top // BLOCK, -(-(top + height) // BLOCK))
        stale[rows, left // BLOCK : -(-(left + width) // BLOCK)] = True
