"""The pixels of one mask, in whichever way a record of it holds them."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import rle
from napari_sepl.core.masks.runs import pixel_count, runs_of_mask

_Runs = tuple[NDArray[np.int32], NDArray[np.int32]]

KEYS = ("segmentation", "mask", "rle")
"""Where a record holds its pixels; the first that is there counts."""

EXPECTED = (
    "a COCO RLE dict with size [height, width] and counts, polygons [[x, y, x, y, ...], ...], "
    "or rows of true and false"
)
_MOST_STEPS = 2**22
"""Pixels along the borders of the polygons of one mask; pycocotools takes 100 bytes for each."""

_FAR = 4
"""Sides of the image that a corner may be away from its first pixel."""

_LONGEST_TEXT = 2**26
_BYTES = ("b'", 'b"')


def segmentation_of(record: Any) -> Any:
    """Return what a record holds of its pixels; without a key for them the record itself."""
    if isinstance(record, Mapping):
        return next((record[key] for key in KEYS if record.get(key) is not None), record)
    return record


def read_segmentation(
    segmentation: Any, shape: tuple[int, int] | None, source: object
) -> tuple[tuple[int, int], _Runs]:
    """Return the size and the runs of one mask.

    Parameters
    ----------
    segmentation : mapping, list or array
        A COCO RLE dict, compressed or not, also with the text of Python bytes (``"b'...'"``);
        polygons of x and y alternating, one list or several for a mask, or a list of points
        (x, y); an (H, W) array or rows of bool, or of 0 and 1 in an image of that shape.
    shape : tuple of int, optional
        Height and width of the image; polygons need them.
    source : object
        Named in errors: the file and the place in it.

    Returns
    -------
    size : tuple of int
        Height and width.
    starts, stops : (R,) int32
        Half-open runs in column-major positions.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(segmentation, Mapping):
        size = rle.read_size(segmentation, source)
        counts = segmentation.get("counts")
        if isinstance(counts, str) and counts.startswith(_BYTES):
            segmentation = {"size": size, "counts": _bytes_in(counts, source)}
        return size, rle.read_runs(segmentation, source)
    dense = _dense(segmentation, shape)
    if dense is not None:
        if dense.ndim != 2 or not dense.size:
            raise InputError(source, found=f"shape {dense.shape}", expected="one mask (H, W)")
        check_binary(dense, source)
        size = (int(dense.shape[0]), int(dense.shape[1]))
        pixel_count(size, source)
        return size, runs_of_mask(dense)
    if not isinstance(segmentation, Sequence) or isinstance(segmentation, str | bytes):
        raise InputError(source, found=repr(segmentation)[:80], expected=EXPECTED)
    if shape is None:
        raise InputError(
            source,
            found="polygons without the size of their image",
            expected="its height and width",
        )
    return shape, fill_rings(_rings(segmentation, source), shape, source)


def check_binary(mask: NDArray[Any], source: object) -> None:
    """Raise InputError unless an array holds bool, whole numbers, or exactly 0 and 1."""
    if mask.dtype.kind in "bui":
        return
    if mask.dtype.kind != "f" or not bool(((mask == 0) | (mask == 1)).all()):
        found = "numbers other than 0 and 1" if mask.dtype.kind == "f" else f"type {mask.dtype}"
        raise InputError(
            source, found=found, expected="bool, or 0 and 1 (scores are to be cut at a threshold)"
        )


def _bytes_in(text: str, source: object) -> bytes:
    """Return the bytes that Python writes as a text."""
    try:
        value = ast.literal_eval(text) if len(text) < _LONGEST_TEXT else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, bytes):
        raise InputError(source, found="damaged or cut-off RLE text", expected="COCO's counts")
    return value


def _dense(segmentation: Any, shape: tuple[int, int] | None) -> NDArray[Any] | None:
    """Return the pixels of rows or of an array; None for anything else."""
    if isinstance(segmentation, np.ndarray):
        return segmentation[0] if _is_single(segmentation) else segmentation
    if not _is_list(segmentation) or not all(map(_is_list, segmentation)):
        return None
    rows = segmentation
    if len(rows) == 1 and rows[0] and all(map(_is_list, rows[0])):  # (1, H, W)
        rows = rows[0]
    width = len(rows[0])
    if not width or any(len(row) != width for row in rows):
        return None
    if isinstance(rows[0][0], bool):
        sure = all(type(pixel) is bool for row in rows for pixel in row)
    else:
        sure = shape == (len(rows), width) and all(
            type(pixel) in (int, float) and pixel in (0, 1) for row in rows for pixel in row
        )
    return np.array(rows, np.bool_) if sure else None


def _is_single(array: NDArray[Any]) -> bool:
    return array.ndim == 3 and array.shape[0] == 1


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0


def _rings(polygons: Sequence[Any], source: object) -> list[NDArray[np.float64]]:
    """Return the rings of a mask, (P, 2) x and y each."""
    lists = [one for one in polygons if isinstance(one, Sequence | np.ndarray)]
    if not lists:  # one list of numbers, or no polygon at all
        lists = [polygons] if len(polygons) else []
    elif len(lists) < len(polygons):
        raise InputError(source, found="numbers beside lists", expected=EXPECTED)
    elif len(lists) > 2 and all(len(one) == 2 for one in lists) and not _is_list(lists[0][0]):
        lists = [polygons]  # points
    return [_ring(one, source) for one in lists]


def _ring(numbers: Any, source: object) -> NDArray[np.float64]:
    try:
        ring = np.asarray(numbers, np.float64)
    except (TypeError, ValueError, OverflowError):
        ring = np.zeros((0, 0))
    if ring.ndim == 1 and ring.size and ring.size % 2 == 0:
        ring = ring.reshape(-1, 2)
    if ring.ndim != 2 or ring.shape[1] != 2 or not np.isfinite(ring).all():
        raise InputError(source, found=f"the polygon {str(numbers)[:60]}", expected=EXPECTED)
    return ring


def fill_rings(
    rings: Sequence[NDArray[np.float64]], shape: tuple[int, int], source: object
) -> _Runs:
    """Return the runs of the pixels that pycocotools fills for the polygons of one mask.

    Parameters
    ----------
    rings : sequence of (P, 2) float64
        Corners (x, y). A ring of fewer than three encloses nothing.
    shape : tuple of int
        Height and width of the image.
    source : object
        Named in errors.

    Raises
    ------
    InputError
        If a border is far outside the image or far longer than any in it.
    """
    pixel_count(shape, source)
    flat, steps = [], 0.0
    for ring in rings:
        steps += np.abs(np.diff(ring, axis=0, append=ring[:1])).max(axis=1, initial=0).sum()
        if np.abs(ring).max(initial=0) > _FAR * max(shape) or steps > _MOST_STEPS:
            raise InputError(
                source,
                found="polygons that reach far outside the image",
                expected=f"x up to {shape[1]} and y up to {shape[0]}",
            )
        if len(ring) > 2:
            flat.append(ring.ravel().tolist())
    if not flat:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    return rle.read_runs(coco.merge(coco.frPyObjects(flat, *shape)), source)
