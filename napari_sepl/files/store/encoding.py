"""Values of the record as SQLite holds them: runs of pixels packed, the rest as JSON.

Each `decode` and `parse` raises ValueError or TypeError for a value that no `encode` gives, so
that damage is reported wherever it is found.
"""

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import NO_OPINION, PixelRuns, write_runs
from napari_sepl.core.masks.mask_set import MaskSet

_LEVEL = 1  # zlib's fastest: runs of a brush are so alike that more effort gains little
_HEADER = struct.Struct("<BIII")  # format, two numbers of the caller's, runs
_FORMAT = 1
_MOST_PIXELS = 2**30


def encode_overlay(overlay: NDArray[np.int16] | None) -> bytes | None:
    """Pack an overlay; None if nothing is painted.

    Parameters
    ----------
    overlay : (H, W) int16, optional
        Painted labels, -1 elsewhere.

    Returns
    -------
    bytes or None
        zlib over the size and the row-major runs of equal labels, with zlib's checksum. At 4096²
        it takes 4 ms where zlib over the pixels takes 35 ms.
    """
    if overlay is None:
        return None
    flat = overlay.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts, stops = np.r_[0, edges], np.r_[edges, flat.size]
    values = flat[starts] if flat.size else np.zeros(0, np.int16)
    held = np.flatnonzero(values != NO_OPINION)
    if not held.size:
        return None
    height, width = overlay.shape
    return _pack((height, width), starts[held], stops[held], values[held])


def decode_overlay(packed: bytes | None) -> NDArray[np.int16] | None:
    """Unpack an overlay: (H, W) int16, read-only.

    Raises
    ------
    ValueError
        If the bytes are damaged.
    """
    if packed is None:
        return None
    (height, width), starts, stops, (values,) = _unpack(packed, columns=1)
    if not 0 < height * width <= _MOST_PIXELS or (len(stops) and stops[-1] > height * width):
        raise ValueError(f"runs outside {height} × {width} pixels")
    overlay = np.full((height, width), NO_OPINION, np.int16)
    write_runs(overlay, PixelRuns(starts, stops, values, values))
    overlay.flags.writeable = False
    return overlay


def encode_runs(change: PixelRuns) -> bytes:
    """Pack one change of the overlay, for the log."""
    return _pack((0, 0), change.starts, change.stops, change.before, change.after)


def decode_runs(packed: bytes) -> PixelRuns:
    """Unpack one change of the overlay.

    Raises
    ------
    ValueError
        If the bytes are damaged.
    """
    _numbers, starts, stops, (before, after) = _unpack(packed, columns=2)
    return PixelRuns(starts, stops, before, after)


def _pack(
    numbers: tuple[int, int],
    starts: NDArray[np.integer],
    stops: NDArray[np.integer],
    *columns: NDArray[np.int16],
) -> bytes:
    """Write gaps and lengths, which repeat from row to row, rather than positions."""
    gaps = starts - np.r_[0, stops[:-1]]
    parts = [
        _HEADER.pack(_FORMAT, *numbers, len(starts)),
        gaps.astype("<i4").tobytes(),
        (stops - starts).astype("<i4").tobytes(),
        *(column.astype("<i2").tobytes() for column in columns),
    ]
    return zlib.compress(b"".join(parts), _LEVEL)


def _unpack(
    packed: bytes, columns: int
) -> tuple[tuple[int, int], NDArray[np.int32], NDArray[np.int32], list[NDArray[np.int16]]]:
    try:
        content = zlib.decompress(packed)
        form, first, second, runs = _HEADER.unpack_from(content)
    except (zlib.error, struct.error) as error:
        raise ValueError(f"damaged runs ({error})") from error
    if form != _FORMAT or len(content) != _HEADER.size + runs * (8 + 2 * columns):
        raise ValueError(f"runs of format {form} in {len(content)} bytes")
    gaps, lengths = np.frombuffer(content, "<i4", 2 * runs, _HEADER.size).reshape(2, runs)
    stops = np.cumsum(gaps.astype(np.int64) + lengths)
    if runs and (gaps.min() < 0 or lengths.min() <= 0 or stops[-1] > _MOST_PIXELS):
        raise ValueError("runs out of order")
    values = np.frombuffer(content, "<i2", columns * runs, _HEADER.size + 8 * runs)
    return (
        (first, second),
        (stops - lengths).astype(np.int32),
        stops.astype(np.int32),
        list(values.astype(np.int16).reshape(columns, runs)),
    )


def encode_prompted(mask: MaskSet) -> tuple[str, float | None]:
    """Return one mask as JSON of a COCO RLE, and its predicted IoU; None if it has none."""
    (rle,) = mask.to_rle()
    rating = float(mask.scores.predicted_iou[0])
    return json.dumps(rle), None if math.isnan(rating) else rating


def decode_prompted(rle: object, predicted_iou: object) -> MaskSet:
    """Return the one mask of a row or a log entry.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    try:
        segmentation = json.loads(rle) if isinstance(rle, str) else None
        record = {"segmentation": segmentation, "predicted_iou": predicted_iou}
        return MaskSet.from_rle([record])
    except InputError as error:
        raise ValueError(str(error)) from error


def encode_many_prompted(prompted: Mapping[int, MaskSet]) -> str | None:
    """Return masks made by prompts as JSON; None if there are none."""
    rows = [[int(index), *encode_prompted(mask)] for index, mask in prompted.items()]
    return json.dumps(sorted(rows)) if rows else None


def decode_many_prompted(text: str | None) -> dict[int, MaskSet]:
    """Return masks made by prompts by their index."""
    rows = _parse_list(text, lambda row: len(row) == 3 and isinstance(row[0], int), "masks")
    return {index: decode_prompted(rle, rating) for index, rle, rating in rows}


def _parse_list(text: str | None, fits: Callable[[Any], bool], what: str) -> list[Any]:
    """Return what a JSON list holds, if each item fits; of None, nothing."""
    listed = [] if text is None else json.loads(text)
    if not isinstance(listed, list) or not all(map(fits, listed)):
        raise TypeError(f"{text!r:.60} in the place of {what}")
    return listed


def encode_params(params: Params | None) -> str | None:
    """Return settings as JSON."""
    return None if params is None else params.model_dump_json()


def decode_params(text: str | None) -> Params | None:
    """Return settings from JSON."""
    return None if text is None else Params.model_validate_json(text)


def parse_class_ids(text: str | None) -> frozenset[int]:
    """Return the classes that JSON lists."""
    return frozenset(_parse_list(text, lambda c: isinstance(c, int) and 0 <= c <= 255, "classes"))


def encode_decisions(decisions: Mapping[int, int]) -> str | None:
    """Return classes by region as JSON; None for no decisions, ValueError for no classes."""
    pairs = [[int(region), int(class_id)] for region, class_id in decisions.items()]
    text = json.dumps(pairs) if pairs else None
    parse_decisions(text)
    return text


def parse_decisions(text: str | None) -> dict[int, int]:
    """Return the class of each region, -1 for rejected; -k is the region of class k's labels."""
    pairs = [] if text is None else json.loads(text)
    for region, class_id in pairs:
        if not (parse_number(region) >= -254 and -1 <= parse_number(class_id) <= 254):
            raise ValueError(f"region {region!r}, class {class_id!r}")
    return dict(pairs)


def encode_class_ids(class_ids: frozenset[int]) -> str:
    """Return classes as JSON."""
    return json.dumps(sorted(class_ids))


def parse_text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} in the place of a text")
    return value


def parse_number(value: object) -> float:
    """Return a number."""
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r:.60} in the place of a number")
    return value


def parse_share(value: object) -> float | None:
    """Return a number or None."""
    return None if value is None else parse_number(value)


def encode_object(content: Mapping[str, Any]) -> str:
    """Return an object as JSON."""
    return json.dumps(dict(content))


def parse_object(text: str) -> dict[str, Any]:
    """Return an object from JSON."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError(f"{text[:60]!r} in the place of an object")
    return content
