"""Values of the record as SQLite holds them: runs of pixels packed, the rest as JSON.

Each `decode` and `parse` raises ValueError or TypeError for a value that no `encode` gives, so
that damage is reported wherever it is found.
"""

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import NO_OPINION, PixelRuns, write_runs
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.rle import read_size
from napari_sepl.files._opening import brief
from napari_sepl.files.store.values import is_whole, parse_json, parse_number, parse_text

_LEVEL = 1  # zlib's fastest: runs of a brush are so alike that more effort gains little
_HEADER = struct.Struct("<BIII")  # format, two numbers of the caller's, runs
_FORMAT = 1
_MOST_PIXELS = 2**30
_MOST_RUNS = 2**25  # 335 MB; 4096² pixels of noise have half as many
_MOST_MASKS = 2**16  # made by prompts on one image; 130 MB if they are tiny
_MOST_REGIONS = 2**31
_HIGHEST_LABEL = 255

Shape = tuple[int, int]


class OtherSizeError(ValueError):
    """A map or mask that has another size than the image; it is not unpacked."""


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


def decode_overlay(packed: bytes | None, shape: Shape | None = None) -> NDArray[np.int16] | None:
    """Unpack an overlay: (H, W) int16, read-only.

    Parameters
    ----------
    packed : bytes or None
        As `encode_overlay` gives it.
    shape : tuple of int, optional
        Height and width of the image; any up to 2**30 pixels if left out.

    Raises
    ------
    OtherSizeError
        If it is not that of the image; before it is unpacked.
    ValueError
        If the bytes are damaged.
    """
    if packed is None:
        return None
    size, change = _unpack_overlay(packed, shape)
    overlay = np.full(size, NO_OPINION, np.int16)
    write_runs(overlay, change)
    overlay.flags.writeable = False
    return overlay


def check_overlay(packed: bytes | None) -> None:
    """Raise as `decode_overlay` does, without making the map."""
    if packed is not None:
        _unpack_overlay(packed, None)


def _unpack_overlay(packed: bytes, shape: Shape | None) -> tuple[Shape, PixelRuns]:
    size, starts, stops, (values,) = _unpack(packed, 1, lambda size: _overlay_pixels(size, shape))
    if len(values) and values.min() < 0:
        raise ValueError(f"runs of label {values.min()}")
    return size, PixelRuns(starts, stops, values, values)


def _overlay_pixels(size: Shape, shape: Shape | None) -> int:
    height, width = size
    if not 0 < height * width <= _MOST_PIXELS:
        raise ValueError(f"runs in {height} × {width} pixels")
    check_shape(size, shape)
    return height * width


def check_shape(size: Shape, shape: Shape | None) -> None:
    """Raise OtherSizeError unless a size is that of the image, if it is known."""
    if shape is not None and size != tuple(shape):
        found, wanted = (" × ".join(map(str, one)) for one in (size, shape))
        raise OtherSizeError(f"{found} pixels where the image has {wanted}")


def encode_runs(change: PixelRuns) -> bytes:
    """Pack one change of the overlay, for the log."""
    return _pack((0, 0), change.starts, change.stops, change.before, change.after)


def decode_runs(packed: object, shape: Shape | None = None) -> PixelRuns:
    """Unpack one change of the overlay of an image of this height and width.

    Raises
    ------
    ValueError
        If the bytes are damaged, or reach beyond the image.
    """
    most = _MOST_PIXELS if shape is None else shape[0] * shape[1]
    _size, starts, stops, (before, after) = _unpack(packed, 2, lambda _size: most)
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
    packed: object, columns: int, pixels_of: Callable[[Shape], int]
) -> tuple[Shape, NDArray[np.int32], NDArray[np.int32], list[NDArray[np.int16]]]:
    """Return the two numbers, the runs, and their values.

    `pixels_of` returns the pixels of an image from the two numbers, or raises ValueError: no more
    is unpacked than the runs of these.
    """
    if not isinstance(packed, bytes):
        raise ValueError(f"{brief(packed)} in the place of runs")  # noqa: TRY004  # as all damage
    size, pixels, runs, content = _inflate(packed, 8 + 2 * columns, pixels_of)
    gaps, lengths = np.frombuffer(content, "<i4", 2 * runs, _HEADER.size).reshape(2, runs)
    stops = np.cumsum(gaps.astype(np.int64) + lengths)
    if runs and (gaps.min() < 0 or lengths.min() <= 0 or stops[-1] > pixels):
        raise ValueError("runs out of order or beyond the image")
    values = np.frombuffer(content, "<i2", columns * runs, _HEADER.size + 8 * runs)
    if runs and not NO_OPINION <= values.min() <= values.max() <= _HIGHEST_LABEL:
        raise ValueError("runs of labels that there are not")
    return (
        size,
        (stops - lengths).astype(np.int32),
        stops.astype(np.int32),
        list(values.astype(np.int16).reshape(columns, runs)),
    )


def _inflate(
    packed: bytes, bytes_a_run: int, pixels_of: Callable[[Shape], int]
) -> tuple[Shape, int, int, bytes]:
    """Return the two numbers, the pixels of the image, the count of runs, and the whole content."""
    stream = zlib.decompressobj()
    try:
        head = stream.decompress(packed, _HEADER.size)
        form, first, second, runs = _HEADER.unpack(head)
        pixels = pixels_of((first, second))
        if form != _FORMAT or runs > min(pixels, _MOST_RUNS):
            raise ValueError(f"{runs} runs of format {form} in {pixels} pixels")
        rest = stream.decompress(stream.unconsumed_tail, runs * bytes_a_run + 1)
    except (zlib.error, struct.error) as error:
        raise ValueError(f"damaged runs ({error})") from error
    if not stream.eof or stream.unused_data or len(rest) != runs * bytes_a_run:
        raise ValueError(f"damaged runs ({len(rest)} bytes of {runs} runs)")
    return (first, second), pixels, runs, head + rest


def encode_prompted(mask: MaskSet) -> tuple[str, float | None]:
    """Return one mask as JSON of a COCO RLE, and its predicted IoU; None if it has none."""
    (rle,) = mask.to_rle()
    rating = float(mask.scores.predicted_iou[0])
    return json.dumps(rle), None if math.isnan(rating) else rating


def decode_prompted(rle: object, predicted_iou: object, shape: Shape | None = None) -> MaskSet:
    """Return the one mask of a row or a log entry.

    Raises
    ------
    OtherSizeError
        If it has not the height and width of the image; any fits if they are left out.
    ValueError
        If it is damaged.
    """
    rating = None if predicted_iou is None else parse_number(predicted_iou)
    segmentation = parse_json(rle)
    try:
        check_shape(read_size(segmentation, "mask"), shape)
        return MaskSet.from_rle([{"segmentation": segmentation, "predicted_iou": rating}])
    except InputError as error:
        raise ValueError(str(error)) from error


def encode_many_prompted(prompted: Mapping[int, MaskSet]) -> str | None:
    """Return masks made by prompts as JSON; None if there are none."""
    rows = [[int(index), *encode_prompted(mask)] for index, mask in prompted.items()]
    return json.dumps(sorted(rows)) if rows else None


def decode_many_prompted(text: str | None, shape: Shape | None = None) -> dict[int, MaskSet]:
    """Return masks made by prompts by their index; raises as `decode_prompted` does."""
    rows = _parse_list(text, _is_prompted, "masks")
    if len(rows) > _MOST_MASKS:
        raise ValueError(f"{len(rows)} masks")
    return {index: decode_prompted(rle, rating, shape) for index, rle, rating in rows}


def _is_prompted(row: object) -> bool:
    return isinstance(row, list) and len(row) == 3 and is_whole(row[0], 0, _MOST_REGIONS)


def _parse_list(text: str | None, fits: Callable[[Any], bool], what: str) -> list[Any]:
    """Return what a JSON list holds, if each item fits; of None, nothing."""
    listed = [] if text is None else parse_json(text)
    if not isinstance(listed, list) or not all(map(fits, listed)):
        raise TypeError(f"{brief(listed)} in the place of {what}")
    return listed


def encode_params(params: Params | None) -> str | None:
    """Return settings as JSON."""
    return None if params is None else params.model_dump_json()


def decode_params(text: str | None) -> Params | None:
    """Return settings from JSON."""
    return None if text is None else Params.model_validate_json(parse_text(text))


def parse_class_ids(text: str | None) -> frozenset[int]:
    """Return the classes that JSON lists."""
    return frozenset(_parse_list(text, lambda c: is_whole(c, 0, _HIGHEST_LABEL), "classes"))


def encode_decisions(decisions: Mapping[int, int]) -> str | None:
    """Return classes by region as JSON; None for no decisions, ValueError for no classes."""
    pairs = [[int(region), int(class_id)] for region, class_id in decisions.items()]
    text = json.dumps(pairs) if pairs else None
    parse_decisions(text)
    return text


def parse_decisions(text: str | None) -> dict[int, int]:
    """Return the class of each region, -1 for rejected; -k is the region of class k's labels."""
    pairs = _parse_list(text, lambda pair: isinstance(pair, list) and len(pair) == 2, "decisions")
    for region, class_id in pairs:
        if not (is_region(region) and is_decided_class(class_id)):
            raise ValueError(f"region {brief(region)}, class {brief(class_id)}")
    return dict(pairs)


def is_region(value: object) -> TypeGuard[int]:
    """Return whether a value is the number of a region: a mask's, or -k for class k's labels."""
    return is_whole(value, -254, _MOST_REGIONS)


def is_decided_class(value: object) -> TypeGuard[int]:
    """Return whether a value is the class of a decision, -1 for rejected."""
    return is_whole(value, -1, 254)


def encode_class_ids(class_ids: frozenset[int]) -> str:
    """Return classes as JSON."""
    return json.dumps(sorted(class_ids))


def encode_object(content: Mapping[str, Any]) -> str:
    """Return an object as JSON."""
    return json.dumps(dict(content))
