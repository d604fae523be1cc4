"""Enhance pseudo-labels: paint selected masks and kept pseudo-labels into one label map.

A pixel's label depends only on the regions that contain it. So after a slider move or a decision
`repaint` paints only the blocks of pixels that a changed region touches.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.assignment import Assignment, Kept, assign
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.runs import fill_runs, paint_span
from napari_sepl.core.masks.transpose import BLOCK, renew_rows, to_rows


def enhance(
    pseudo: NDArray[Any],
    masks: MaskSet | NDArray[Any] | Sequence[Mapping[str, Any]],
    params: Params | None = None,
) -> NDArray[np.uint8]:
    """Enhance pseudo-labels with the masks that overlap them.

    Parameters
    ----------
    pseudo : (H, W) integers
        Pseudo-labels: 0 background, 1..254 classes, 255 ignore.
    masks : MaskSet, (N, H, W) array, or sequence of COCO RLE dicts
        The masks of the same image.
    params : Params, optional
        The parameters; by default those of the paper.

    Returns
    -------
    (H, W) uint8
        The enhanced labels.

    Raises
    ------
    InputError
        If an array has another shape or type, or values outside 0..255.

    Notes
    -----
    Source: Chen et al., "Segment Anything Model (SAM) Enhanced Pseudo Labels for Weakly
    Supervised Semantic Segmentation", arXiv 2305.05803, Algorithm 1.
    """
    params = params or Params()
    labels = as_labels(pseudo, "pseudo")
    shape = (labels.shape[0], labels.shape[1])
    if isinstance(masks, MaskSet):
        mask_set = masks
    elif isinstance(masks, np.ndarray):
        mask_set = MaskSet.from_dense(masks)
    else:
        mask_set = MaskSet.from_rle(masks, shape=shape)
    overlap = measure_overlap(labels, mask_set)
    return paint(overlap, assign(overlap, params), params)


def as_labels(array: NDArray[Any], source: object) -> NDArray[np.uint8]:
    """Return an (H, W) integer array as contiguous uint8, or raise InputError naming `source`."""
    array = np.asarray(array)
    if array.ndim != 2 or array.dtype.kind not in "iub" or array.size == 0:
        raise InputError(
            source,
            found=f"an array of shape {array.shape} and type {array.dtype}",
            expected="whole-number labels of shape (H, W)",
        )
    if array.dtype != np.uint8:
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > 255:
            raise InputError(
                source, found=f"labels from {low} to {high}", expected="labels from 0 to 255"
            )
    return np.ascontiguousarray(array, np.uint8)


def paint(
    overlap: Overlap,
    assignment: Assignment,
    params: Params,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Paint an assignment into a label map.

    Parameters
    ----------
    overlap : Overlap
        The overlap table of the assignment.
    assignment : Assignment
        The selected masks and the kept pseudo-labels.
    params : Params
        The conflict rule.
    out : (H, W) uint8, optional
        Written in place instead of a new array.

    Returns
    -------
    (H, W) uint8
        The enhanced labels.

    Raises
    ------
    ValueError
        If `out` has another shape.
    """
    if out is not None and out.shape != overlap.shape:
        raise ValueError(f"out has shape {out.shape}, not {overlap.shape}")
    return to_rows(paint_columns(overlap, assignment, params), overlap.shape, out)


def paint_columns(
    overlap: Overlap,
    assignment: Assignment,
    params: Params,
    columns: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """Paint an assignment into labels in column-major order.

    Parameters
    ----------
    overlap, assignment, params
        As for `paint`.
    columns : tuple of int, optional
        Half-open range of columns to paint; the others stay 0. All by default.

    Returns
    -------
    (H * W,) uint8
        The enhanced labels.
    """
    height, width = overlap.shape
    left, right = columns or (0, width)
    first, last = left * height, right * height
    flat = np.zeros(len(overlap.pseudo_columns), np.uint8)
    if params.strategy.method.keeps_ignore and len(overlap.ignored[0]):
        fill_runs(flat, *overlap.ignored, IGNORE, first, last)
    kept = assignment.kept
    if params.conflict is Conflict.HIGHEST_ID:
        _paint_highest(
            flat,
            (*overlap.masks.runs.arrays, assignment.class_ids, assignment.selected),
            (*kept.regions.arrays, kept.class_ids),
            first,
            last,
        )
    else:
        _paint_contested(flat, overlap, assignment, params.conflict, (first, last))
    if assignment.decisions:
        _paint_decided(flat, overlap, assignment, (first, last))
    return flat


@jit
def _paint_highest(
    flat: NDArray[np.uint8], masks: tuple[Any, ...], kept: tuple[Any, ...], first: int, last: int
) -> None:
    """Paint class by class: twice as fast as `_paint_contested`, which copies and sorts."""
    mask_starts, mask_stops, mask_offsets, class_ids, selected = masks
    kept_starts, kept_stops, kept_offsets, kept_ids = kept
    claims = np.zeros(256, np.bool_)
    for mask in range(selected.size):
        if selected[mask]:
            claims[class_ids[mask]] = True
    for class_id in kept_ids:
        claims[class_id] = True
    for class_id in range(256):
        if not claims[class_id]:
            continue
        for mask in range(selected.size):
            if class_ids[mask] == class_id and selected[mask]:
                own = slice(mask_offsets[mask], mask_offsets[mask + 1])
                fill_runs(flat, mask_starts[own], mask_stops[own], class_id, first, last)
        for region in range(kept_ids.size):
            if kept_ids[region] == class_id:
                own = slice(kept_offsets[region], kept_offsets[region + 1])
                fill_runs(flat, kept_starts[own], kept_stops[own], class_id, first, last)


def _paint_contested(
    flat: NDArray[np.uint8],
    overlap: Overlap,
    assignment: Assignment,
    conflict: Conflict,
    span: tuple[int, int],
) -> None:
    """Paint by the rules that compare all claims: `pseudo` and `smallest`."""
    selected = np.flatnonzero(assignment.selected)
    claims = overlap.masks.runs.choose(selected).followed_by(assignment.kept.regions)
    values = np.concatenate([assignment.class_ids[selected], assignment.kept.class_ids])
    if conflict is Conflict.SMALLEST:
        order = np.lexsort((values, -claims.areas))
    else:
        order = np.argsort(values, kind="stable")
    paint_span(flat, *claims.arrays, order, values[order], *span)
    if conflict is Conflict.PSEUDO:
        _restore_pseudo(flat, overlap.pseudo_columns, *claims.arrays, values, *span)


def _paint_decided(
    flat: NDArray[np.uint8], overlap: Overlap, assignment: Assignment, span: tuple[int, int]
) -> None:
    """Paint the regions that a person selected over the others, the smallest on top."""
    kept = assignment.kept
    selected = np.flatnonzero(assignment.rules == Rule.BY_PERSON)
    seeds = np.flatnonzero(kept.by_person)
    decided = overlap.masks.runs.choose(selected).followed_by(kept.regions.choose(seeds))
    values = np.concatenate([assignment.class_ids[selected], kept.class_ids[seeds]])
    order = np.argsort(-decided.areas, kind="stable")
    paint_span(flat, *decided.arrays, order, values[order], *span)


@jit
def _restore_pseudo(
    flat: NDArray[np.uint8],
    pseudo: NDArray[np.uint8],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    values: NDArray[np.uint8],
    first: int,
    last: int,
) -> None:
    """Give each claimed pixel the class of its pseudo-label if that class claims it."""
    for region in range(values.size):
        value = values[region]
        for run in range(offsets[region], offsets[region + 1]):
            own = slice(max(starts[run], first), min(stops[run], last))
            seeds, labels = pseudo[own], flat[own]  # indexed from 0, this loop is vectorised
            for at in range(seeds.size):
                labels[at] = value if seeds[at] == value else labels[at]


class Painted(NamedTuple):
    """Labels, and the assignment and parameters they were painted from.

    Parameters
    ----------
    assignment : Assignment
        The selected masks and the kept pseudo-labels.
    params : Params
        The conflict rule.
    labels : (H, W) uint8
        The enhanced labels.
    """

    assignment: Assignment
    params: Params
    labels: NDArray[np.uint8]


def repaint(
    overlap: Overlap, assignment: Assignment, params: Params, before: Painted
) -> NDArray[np.uint8]:
    """Return the same as `paint`, by painting only what changed.

    Parameters
    ----------
    overlap, assignment, params
        As for `paint`.
    before : Painted
        Painted from the same table.

    Returns
    -------
    (H, W) uint8
        The enhanced labels; the array of `before` itself if nothing changed.
    """
    if _painting_params(params) != _painting_params(before.params):
        return paint(overlap, assignment, params)
    stale = find_stale(overlap, before.assignment, assignment)
    columns = np.flatnonzero(stale.any(axis=0))
    if not len(columns):
        return before.labels
    span = (int(columns[0]) * BLOCK, min((int(columns[-1]) + 1) * BLOCK, overlap.shape[1]))
    labels = before.labels.copy()
    renew_rows(paint_columns(overlap, assignment, params, span), labels, stale)
    return labels


def _painting_params(params: Params) -> tuple[object, ...]:
    """Return the parameters that painting depends on."""
    return params.conflict, params.strategy.method.keeps_ignore


def find_stale(overlap: Overlap, before: Assignment, after: Assignment) -> NDArray[np.bool_]:
    """Return the blocks of an image in which the labels of two assignments can differ.

    Returns
    -------
    (ceil(H / BLOCK), ceil(W / BLOCK)) bool
        Whether a changed region reaches into a block.
    """
    stale = np.zeros([-(-side // BLOCK) for side in overlap.shape], np.bool_)
    _mark(stale, overlap.masks.runs.boxes[_changed_masks(before, after)])
    ours, theirs = _keys_of(before.kept), _keys_of(after.kept)
    for kept, own, others in ((before.kept, ours, theirs), (after.kept, theirs, ours)):
        changed = np.flatnonzero([key not in others for key in own])
        _mark(stale, kept.regions.choose(changed).boxes)
    return stale


def _changed_masks(before: Assignment, after: Assignment) -> NDArray[np.bool_]:
    """Return (N,) bool: which masks changed in class, selection or decision."""
    claims = [
        np.where(one.selected, one.class_ids.astype(np.int16) + 1, 0)
        * np.where(one.rules == Rule.BY_PERSON, -1, 1)
        for one in (before, after)
    ]
    return np.asarray(claims[0] != claims[1])


def _keys_of(kept: Kept) -> list[tuple[object, ...]]:
    """Return a key for each kept region: class, decided or not, and pixels; none are equal."""
    return [
        (class_id, kept.by_person[index], *(array.tobytes() for array in kept.regions.of(index)))
        for index, class_id in enumerate(kept.class_ids)
    ]


def _mark(stale: NDArray[np.bool_], boxes: Iterable[NDArray[np.int32]]) -> None:
    for top, left, height, width in boxes:
        rows = slice(top // BLOCK, -(-(top + height) // BLOCK))
        stale[rows, left // BLOCK : -(-(left + width) // BLOCK)] = True
