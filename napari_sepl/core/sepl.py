"""SEPL from end to end: pseudo-labels and masks in, enhanced labels out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskSet
from napari_sepl.core.overlap import IGNORE, Overlap, measure_overlap
from napari_sepl.core.params import Conflict, Params, Strategy
from napari_sepl.core.runs import paint_runs, to_rows
from napari_sepl.core.strategies import Assignment, assign


def enhance(
    pseudo: NDArray[Any],
    masks: MaskSet | NDArray[Any] | Sequence[Mapping[str, Any]],
    params: Params | None = None,
) -> NDArray[np.uint8]:
    """Choose and merge masks by the pseudo-labels they lie on.

    Parameters
    ----------
    pseudo : (H, W) integers
        Pseudo-labels: 0 background, 1..254 classes, 255 ignore.
    masks : MaskSet, (N, H, W) array, or sequence of COCO RLE dicts
        The masks of the same image.
    params : Params, optional
        The settings; the paper's defaults if left out.

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
    """Merge what an assignment chose into one label map.

    Parameters
    ----------
    overlap : Overlap
        The table the assignment was made from.
    assignment : Assignment
        The masks taken and the pseudo-labels kept.
    params : Params
        Names the rule for pixels that several classes claim.
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
    taken = np.flatnonzero(assignment.taken)
    claims = overlap.masks.runs.choose(taken).followed_by(assignment.kept)
    values = np.concatenate([assignment.class_ids[taken], assignment.kept_ids])
    if params.conflict is Conflict.SMALLEST:
        order = np.lexsort((values, -claims.areas))
    else:
        order = np.argsort(values, kind="stable")
    flat = np.zeros(len(overlap.pseudo_columns), np.uint8)
    if overlap.has_ignore and params.strategy is not Strategy.RELEASED:
        flat[overlap.pseudo_columns == IGNORE] = IGNORE
    pieces = (claims.starts, claims.stops, claims.offsets)
    paint_runs(flat, *pieces, order, values[order])
    if params.conflict is Conflict.SEED:
        _restore_seeds(flat, overlap.pseudo_columns, *pieces, values)
    return to_rows(flat, overlap.shape, out)


@jit
def _restore_seeds(
    flat: NDArray[np.uint8],
    pseudo: NDArray[np.uint8],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    values: NDArray[np.uint8],
) -> None:
    """Give each claimed pixel back to the claimant that the pseudo-label has there."""
    for region in range(values.size):
        for run in range(offsets[region], offsets[region + 1]):
            for at in range(starts[run], stops[run]):
                if pseudo[at] == values[region]:
                    flat[at] = values[region]
