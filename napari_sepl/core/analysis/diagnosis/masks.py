"""Measure what is wrong with selected masks and the labels made from them, for each class.

The measures use the overlap table, the mask tree and the runs, not SAM's scores, which other masks
lack.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.assignment import Assignment
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.analysis.diagnosis.types import Cause, Diagnosis, Finding
from napari_sepl.core.labels.pixels import IGNORE, count_labels

LEAST = 0.01
"""The least share that counts; below it are rims a pixel wide."""

_EMPTY, _REJECTED, _BELOW = int(Rule.EMPTY), int(Rule.REJECTED), int(Rule.BELOW)
_BY_O_P, _BY_LEVEL, _BY_PERSON = int(Rule.BY_O_P), int(Rule.BY_LEVEL), int(Rule.BY_PERSON)


def diagnose(
    overlap: Overlap,
    assignment: Assignment,
    enhanced: NDArray[np.uint8],
    image_labels: Iterable[int] = (),
) -> Diagnosis:
    """Find what may be wrong with the labels of an image.

    Parameters
    ----------
    overlap : Overlap
        The table of masks against pseudo-labels.
    assignment : Assignment
        The selected masks and the kept pseudo-labels.
    enhanced : (H, W) uint8
        The labels made from them, with strokes on top.
    image_labels : iterable of int
        The classes known to be in the image, if any.
    """
    strengths, masks = _measure(overlap, assignment, enhanced)
    found = [
        Finding(
            _MEASURED[row],
            float(strengths[row, column]),
            int(overlap.class_ids[column]),
            int(masks[row, column]) if masks[row, column] >= 0 else None,
        )
        for row, column in np.argwhere(strengths >= LEAST).tolist()
    ]
    found += [
        Finding(Cause.MISSING, 1.0, class_id)
        for class_id in sorted(
            set(image_labels).difference(overlap.class_ids.tolist(), (0, IGNORE))
        )
        if not (enhanced == class_id).any()
    ]
    return Diagnosis(tuple(sorted(found, key=lambda finding: -finding.weighed)))


_MEASURED = (
    Cause.SHRUNK,
    Cause.GROWN,
    Cause.UNCOVERED,
    Cause.UNMET,
    Cause.SWALLOWING,
    Cause.OUTSIDE,
    Cause.STRADDLING,
    Cause.CONTESTED,
    Cause.SCATTERED,
)
"""Of findings with equal weight, the earlier cause comes first."""


def _measure(
    overlap: Overlap, assignment: Assignment, enhanced: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return strengths and masks, both (causes, K), -1 for no mask, in the order of `_MEASURED`."""
    before, shares = overlap.seeds.areas, overlap.input_shares
    after = _count(enhanced, overlap.class_ids)
    of_masks, found = _weakest_masks(
        (overlap.intersections, overlap.masks.areas, before, overlap.column_of),
        (assignment.class_ids, assignment.rules),
        overlap.tree.parents,
    )
    strengths = np.vstack([
        1 - after / before,
        1 - 2 * before / np.maximum(after, 1),
        shares.uncovered,
        shares.unmet,
        of_masks,
        _contested_shares(overlap, assignment),
        shares.scattered,
    ])  # fmt: skip
    masks = np.full(strengths.shape, -1, np.intp)
    masks[4:7] = found
    return strengths, masks


def _count(labels: NDArray[np.uint8], class_ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the pixels of each class; one comparison each is faster for few classes."""
    if len(class_ids) > _FEW:
        return count_labels(labels)[class_ids]
    counts = [np.count_nonzero(labels == class_id) for class_id in class_ids]
    return np.array(counts, np.int64)


_FEW = 6


@jit
def _weakest_masks(
    table: tuple[Any, ...], decided: tuple[Any, ...], parents: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return for each class the strongest mask of three causes.

    Parameters
    ----------
    table : tuple
        Intersections (N, K), areas of masks (N,) and classes (K,), columns of labels (256,).
    decided : tuple
        Class ids and rules of the assignment, (N,) each.
    parents : (N,) intp
        The mask that contains each, -1 for none.

    Returns
    -------
    strengths : (3, K) float64
        The shares that `Cause` defines for SWALLOWING, OUTSIDE and STRADDLING.
    masks : (3, K) intp
        The mask of each, -1 where the share is 0.
    """
    shared, areas, seeds, columns = table
    class_ids, rules = decided
    strengths = np.zeros((3, seeds.size))
    masks = np.full((3, seeds.size), -1, np.intp)
    within = _rejected_within(shared, areas, columns, class_ids, rules, parents)
    for mask in range(rules.size):
        if not _selected(rules[mask]) or columns[class_ids[mask]] < 0:
            continue
        own = columns[class_ids[mask]]
        outside = areas[mask] - shared[mask, own]
        _keep_strongest(strengths, masks, 0, own, mask, min(within[mask], outside) / areas[mask])
        weak = rules[mask] == _BY_O_P or rules[mask] == _BY_LEVEL
        if weak and 2 * shared[mask, own] <= areas[mask]:
            _keep_strongest(strengths, masks, 1, own, mask, outside / areas[mask])
        for column in range(seeds.size):
            if column != own:
                _keep_strongest(
                    strengths, masks, 2, column, mask, shared[mask, column] / seeds[column]
                )
    return strengths, masks


@jit
def _selected(rule: int) -> bool:
    """Return whether a strategy, and no person, selected a mask."""
    return _BELOW < rule < _BY_PERSON


@jit
def _keep_strongest(
    strengths: NDArray[np.float64],
    masks: NDArray[np.intp],
    row: int,
    column: int,
    mask: int,
    strength: float,
) -> None:
    if strength > strengths[row, column]:
        strengths[row, column] = strength
        masks[row, column] = mask


@jit
def _rejected_within(
    shared: NDArray[np.int64],
    areas: NDArray[np.int64],
    columns: NDArray[np.intp],
    class_ids: NDArray[np.uint8],
    rules: NDArray[np.uint8],
    parents: NDArray[np.intp],
) -> NDArray[np.int64]:
    """Return (N,) int64: pixels of rejected sub-masks outside the class, by selected mask."""
    within = np.zeros(rules.size, np.int64)
    for part in range(rules.size):
        if rules[part] == _EMPTY or rules[part] == _REJECTED or rules[part] > _BELOW:
            continue
        whole = parents[part]
        while whole >= 0 and rules[whole] <= _BELOW:
            whole = parents[whole]
        if whole < 0 or not _selected(rules[whole]):
            continue
        own = columns[class_ids[whole]]
        if own < 0 or not _is_off(shared, areas, part, own):
            continue
        between = parents[part]
        while between != whole and (
            rules[between] == _REJECTED or not _is_off(shared, areas, between, own)
        ):
            between = parents[between]
        if between == whole:
            within[whole] += areas[part] - shared[part, own]
    return within


@jit
def _is_off(shared: NDArray[np.int64], areas: NDArray[np.int64], mask: int, column: int) -> bool:
    """Return whether at most half of a mask lies in a class."""
    return bool(2 * shared[mask, column] <= areas[mask])


def _contested_shares(overlap: Overlap, assignment: Assignment) -> NDArray[np.float64]:
    """Return (K,) float64: the share of each class's claims that another class claims too.

    Regions that a person decided on do not count.
    """
    kept = assignment.kept
    return _contest(
        overlap.class_ids,
        (*overlap.masks.runs.arrays, assignment.class_ids, assignment.rules),
        (*kept.regions.arrays, kept.class_ids, kept.by_person),
        len(overlap.pseudo_columns),
    )


@jit
def _contest(
    ids: NDArray[np.uint8], masks: tuple[Any, ...], kept: tuple[Any, ...], size: int
) -> NDArray[np.float64]:
    """Claim the regions class by class; a later claim on a pixel contests it."""
    mask_starts, mask_stops, mask_offsets, class_ids, rules = masks
    kept_starts, kept_stops, kept_offsets, kept_ids, by_person = kept
    claims = np.zeros(256, np.bool_)
    for mask in range(rules.size):
        claims[class_ids[mask]] |= _selected(rules[mask])
    for region in range(kept_ids.size):
        claims[kept_ids[region]] |= not by_person[region]
    shares = np.zeros(ids.size)
    if np.count_nonzero(claims) < 2:
        return shares
    claimed, contested = np.zeros(256, np.int64), np.zeros(256, np.int64)
    last = np.zeros(size, np.uint8)  # the last class that claimed each pixel
    shared = np.zeros(size, np.bool_)  # whether two classes did
    for class_id in ids:
        for mask in range(rules.size):
            if class_ids[mask] == class_id and _selected(rules[mask]):
                pieces = (mask_starts, mask_stops, mask_offsets[mask], mask_offsets[mask + 1])
                _claim(class_id, pieces, last, shared, claimed, contested)
        for region in range(kept_ids.size):
            if kept_ids[region] == class_id and not by_person[region]:
                pieces = (kept_starts, kept_stops, kept_offsets[region], kept_offsets[region + 1])
                _claim(class_id, pieces, last, shared, claimed, contested)
    for column in range(ids.size):
        shares[column] = contested[ids[column]] / max(1, claimed[ids[column]])
    return shares


@jit
def _claim(
    class_id: int,
    pieces: tuple[Any, ...],
    last: NDArray[np.uint8],
    shared: NDArray[np.bool_],
    claimed: NDArray[np.int64],
    contested: NDArray[np.int64],
) -> None:
    """Claim the pixels of one region, counting them once for a class."""
    starts, stops, first, end = pieces
    for run in range(first, end):
        for at in range(starts[run], stops[run]):
            before = last[at]
            if before == class_id:
                continue
            claimed[class_id] += 1
            last[at] = class_id
            if before:
                contested[class_id] += 1
                contested[before] += not shared[at]
                shared[at] = True
