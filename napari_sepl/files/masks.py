"""Reading and writing the masks of one image."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskSet
from napari_sepl.files import arrays
from napari_sepl.files._opening import (
    check_pixel_count,
    check_size,
    damaged,
    is_there,
    read_bytes,
    reading,
)
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.mask_folders import METADATA, read_mask_folder

SUFFIXES = arrays.SUFFIXES | {".json"}
"""Endings, in lower case, of the files `read_masks` takes; a folder has none."""

_EXPECTED = (
    "masks: a folder or a JSON file as segment-anything's amg.py writes it, "
    "or an array (N, H, W) in .npy or .npz"
)
_MOST_MASKS = 2**16
_GLANCE = 4096  # bytes of a JSON file that tell masks from something else


def read_masks(path: Path, shape: tuple[int, int] | None = None) -> MaskSet:
    """Read the masks of one image.

    Parameters
    ----------
    path : Path
        A folder as segment-anything's scripts/amg.py writes it (one PNG a mask and
        metadata.csv); the JSON it writes with ``--convert-to-rle``, a list of COCO RLE dicts, or
        an object with such a list under "annotations"; or a .npy or .npz file with an (N, H, W)
        array of bool or whole numbers, non-zero being mask (in a .npz with several arrays the
        one named "masks" or "arr_0").
    shape : tuple of int, optional
        Height and width of the image the masks should fit.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or holds masks of another size.
    """
    suffix = path.suffix.lower()
    if is_there(path, _EXPECTED) and path.is_dir():
        masks = read_mask_folder(path, shape)
    elif suffix in arrays.SUFFIXES:
        masks = _read_stack(path, shape)
    elif suffix == ".json":
        masks = _read_json(path, shape)
    else:
        found = f"a file ending in {suffix!r}" if path.exists() else "no such file or folder"
        raise InputError(path, found=found, expected=_EXPECTED)
    _check_size(path, masks.shape, shape)
    return masks


def mask_file(folder: Path, sample_id: str) -> Path:
    """Return the JSON file in a folder that holds the masks of a sample, once they are made."""
    return folder / f"{sample_id}.json"


def _check_size(path: Path, found: tuple[int, ...], shape: tuple[int, int] | None) -> None:
    of = "the image (are these the masks of another image?)"
    check_size(path, found, shape, of, what="masks")


def write_masks(path: Path, masks: MaskSet) -> None:
    """Write `encode_masks`'s bytes, whole or not at all.

    Raises
    ------
    SaveError
        If the file cannot be written; an older one is untouched.
    """
    write_whole(path, encode_masks(masks))


def encode_masks(masks: MaskSet) -> bytes:
    """Return masks as amg.py's ``--convert-to-rle`` writes them.

    Each record has "segmentation", "area" and "bbox" (x, y, width, height in pixels, as
    pycocotools counts them), and "predicted_iou", "point_coords", "stability_score" and
    "crop_box" as far as they are known.
    """
    records = [
        {"segmentation": segmentation, **_measures(masks, index), **_scores(masks, index)}
        for index, segmentation in enumerate(masks.to_rle())
    ]
    return json.dumps(records, allow_nan=False).encode("ascii")


def looks_like_masks(path: Path) -> bool:
    """Return whether a dropped file or folder is worth handing to `read_masks`.

    A folder that holds metadata.csv or 0.png, or a JSON file that speaks of segmentations or
    counts in its first few kilobytes. False for what cannot be read.
    """
    try:
        if path.is_dir():
            return (path / METADATA).is_file() or (path / "0.png").is_file()
        if path.suffix.lower() != ".json":
            return False
        with reading(path, _EXPECTED) as file:
            beginning = file.read(_GLANCE)
    except (InputError, OSError):
        return False
    return b'"segmentation"' in beginning or b'"counts"' in beginning


def _read_stack(path: Path, wanted: tuple[int, int] | None) -> MaskSet:
    with arrays.open_array(path, ("masks", "arr_0")) as stored:
        shape, dtype = stored.header.shape, stored.header.dtype
        if len(shape) != 3 or dtype.kind not in "bui" or 0 in shape[1:] or shape[0] > _MOST_MASKS:
            raise InputError(
                path,
                found=f"an array of shape {shape} and type {dtype}",
                expected=f"masks of shape (N, H, W), bool or whole numbers, N up to {_MOST_MASKS}",
            )
        _check_size(path, shape[1:], wanted)
        check_pixel_count(path, shape[1:])
        return MaskSet.from_dense(stored.planes(path), shape=(shape[1], shape[2]))


def _read_json(path: Path, shape: tuple[int, int] | None) -> MaskSet:
    return decode_masks(read_bytes(path, _EXPECTED), path, shape)


def decode_masks(content: bytes, path: Path, shape: tuple[int, int] | None = None) -> MaskSet:
    """Return the masks that the bytes of a JSON file hold.

    Parameters
    ----------
    content : bytes
        The bytes.
    path : Path
        What to name in an error.
    shape : tuple of int, optional
        Height and width; needed only where there may be no mask.

    Raises
    ------
    InputError
        If they are no masks of one image.
    """
    try:
        records = _records(json.loads(content), path)
        return _decoded(records, path, shape)
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(path, error, "the JSON of amg.py --convert-to-rle") from error


def _decoded(
    records: Sequence[Mapping[str, Any]], path: Path, shape: tuple[int, int] | None
) -> MaskSet:
    """Return masks of one size; where sizes differ, the image's tells which mask is wrong."""
    try:
        return MaskSet.from_rle(records, shape=None if records else shape, source=path)
    except InputError:
        if shape is not None:
            MaskSet.from_rle(records, shape=shape, source=path)
        raise


def _records(content: object, path: Path) -> Sequence[Mapping[str, Any]]:
    """Return the list of masks in a JSON file, of whichever layout it is."""
    if isinstance(content, Mapping) and "annotations" in content:
        images = content.get("images", [None])
        if len(images) != 1:
            raise InputError(
                path, found=f"masks of {len(images)} images", expected="masks of one image"
            )
        content = content["annotations"]
    if not isinstance(content, list):
        raise InputError(
            path,
            found=f"JSON that holds a {type(content).__name__}",
            expected="a list of masks, as amg.py --convert-to-rle writes it",
        )
    return content


def _measures(masks: MaskSet, index: int) -> dict[str, Any]:
    row, col, height, width = masks.boxes[index].tolist()
    return {"area": int(masks.areas[index]), "bbox": [col, row, width, height]}


def _scores(masks: MaskSet, index: int) -> dict[str, Any]:
    """Return the scores that are known, for JSON has no NaN."""
    scores = masks.scores
    point, crop_box = _shortest(scores.point[index]), _shortest(scores.crop_box[index])
    (iou,), (stability,) = (
        _shortest(scores.predicted_iou[index : index + 1]),
        _shortest(scores.stability_score[index : index + 1]),
    )
    known = {
        "predicted_iou": (iou, [iou]),
        "point_coords": ([point], point),
        "stability_score": (stability, [stability]),
        "crop_box": (crop_box, crop_box),
    }
    return {
        name: value for name, (value, numbers) in known.items() if all(map(math.isfinite, numbers))
    }


def _shortest(numbers: Any) -> list[float]:
    """Return float32 numbers with the fewest digits that read back as the same float32."""
    return [float(str(number)) for number in numbers]
