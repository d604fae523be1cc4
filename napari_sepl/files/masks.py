"""Reading and writing the masks of one image.

A folder of masks, as segment-anything's scripts/amg.py writes it, holds one black and white PNG for
each mask, ``0.png``, ``1.png``, ..., and ``metadata.csv`` with a line for each of them.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.files import arrays
from napari_sepl.files._opening import (
    check_pixel_count,
    check_size,
    damaged,
    decoded,
    is_there,
    read_bytes,
    reading,
    unopened,
)
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.image_formats import open_image

_METADATA = "metadata.csv"

_MASK_MODES = ("L", "1", "P")
_CROP_BOX = ("crop_box_x0", "crop_box_y0", "crop_box_w", "crop_box_h")
_POINT = ("point_input_x", "point_input_y")


def _read_folder(folder: Path, shape: tuple[int, int] | None = None) -> MaskSet:
    """Read a folder of one PNG for each mask, in the order of their numbers.

    Any pixel that is not 0 belongs to the mask. Without ``metadata.csv``, as when SAM's script
    was stopped, all PNGs with a number for a name are read and their scores are unknown.

    Parameters
    ----------
    folder : Path
        The folder.
    shape : tuple of int, optional
        Height and width of the image; masks of another size are not unpacked.

    Raises
    ------
    InputError
        If a mask or a line of the table is missing or damaged, or masks differ in size.
    """
    present = _numbered(folder)
    table = folder / _METADATA
    has_table = is_there(table, "a table of masks")
    records = _read_table(table) if has_table else {number: {} for number in present}
    if not records and not has_table:
        raise InputError(folder, found="no mask", expected=f"0.png, 1.png, ... and {_METADATA}")
    _check_complete(folder, present, records)
    order = sorted(records)
    return MaskSet.from_dense(
        _decoded_pngs([present[number] for number in order], shape),
        shape=None if order else shape,
        scores=MaskScores.from_records([records[number] for number in order]),
    )


def _numbered(folder: Path) -> dict[int, Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".png")
    except OSError as error:
        raise unopened(folder, error, "a folder of masks") from error
    return {int(f.stem): f for f in files if f.stem.isascii() and f.stem.isdigit()}


def _check_complete(
    folder: Path, present: Mapping[int, Path], records: Mapping[int, object]
) -> None:
    missing = sorted(set(records) - set(present))
    if missing:
        raise InputError(
            folder / f"{missing[0]}.png",
            found=f"no such file ({len(missing)} of {len(records)} masks are missing)",
            expected=f"the mask that {_METADATA} lists",
        )
    extra = sorted(set(present) - set(records))
    if extra:
        raise InputError(
            folder / _METADATA,
            found=f"no line for {present[extra[0]].name}",
            expected="a line for every mask in the folder, or no such file",
        )


def _decoded_pngs(files: list[Path], shape: tuple[int, int] | None) -> Iterator[NDArray[Any]]:
    """Yield one mask at a time, for a thousand of them decoded would fill the memory."""
    of = "the image (are these the masks of another image?)"
    for file in files:
        mask = _read_mask(file, shape, of)
        if shape is None:
            shape, of = (mask.shape[0], mask.shape[1]), files[0].name
        yield mask


def _read_mask(path: Path, shape: tuple[int, int] | None, of: str) -> NDArray[Any]:
    expected = "a black and white image, 0 outside the mask"
    with open_image(path, expected, shape, of, what="a mask") as image:
        if image.mode not in _MASK_MODES:
            raise InputError(path, found=f"an image of mode {image.mode}", expected=expected)
        image.load()
        return np.array(image)


def _read_table(path: Path) -> dict[int, dict[str, Any]]:
    """Return what ``metadata.csv`` holds for each mask, as in amg.py's JSON records."""
    content = read_bytes(path, "a table of masks")
    try:
        rows = csv.DictReader(io.StringIO(decoded(content), newline=""), strict=True)
        if "id" not in (rows.fieldnames or ()):
            raise InputError(
                path, found=f"the columns {rows.fieldnames}", expected="a column named id"
            )
        records: dict[int, dict[str, Any]] = {}
        for row in rows:
            number, record = _read_row(row, path, rows.line_num)
            if number in records:
                raise InputError(
                    f"{path}, line {rows.line_num}",
                    found=f"mask {number} again",
                    expected="one line for each mask",
                )
            records[number] = record
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(path, found=f"{error}", expected="a table of masks") from error
    return records


def _read_row(row: Mapping[str, Any], path: Path, line: int) -> tuple[int, dict[str, Any]]:
    def numbers(*columns: str) -> list[float] | None:
        texts = [row.get(column) for column in columns]
        return None if any(text in (None, "") for text in texts) else [float(t) for t in texts if t]

    try:
        number = int(row["id"])
        iou, stability = numbers("predicted_iou"), numbers("stability_score")
        point, crop_box = numbers(*_POINT), numbers(*_CROP_BOX)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}, line {line}",
            found=f"{' '.join(str(error).split())}",
            expected="a number for the mask and numbers in the other columns",
        ) from error
    return number, {
        "predicted_iou": iou and iou[0],
        "stability_score": stability and stability[0],
        "point_coords": point and [point],
        "crop_box": crop_box,
    }


SUFFIXES = arrays.SUFFIXES | {".json"}
"""Endings, in lower case, of the files `read_masks` takes; a folder has none."""

_EXPECTED = (
    "masks: a folder or a JSON file as segment-anything's amg.py writes it, "
    "or an array (N, H, W) in .npy or .npz"
)
_MOST_MASKS = 2**16
_BEGINNING = 4096  # bytes of a JSON file, in which masks have their keys


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
        masks = _read_folder(path, shape)
    elif suffix in arrays.SUFFIXES:
        masks = _read_stack(path, shape)
    elif suffix == ".json":
        masks = decode_masks(read_bytes(path, _EXPECTED), path, shape)
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
        {
            "segmentation": segmentation, "area": area, "bbox": [col, row, width, height],
            **_known_scores(masks.scores, index),
        }
        for index, (segmentation, area, (row, col, height, width)) in enumerate(
            zip(masks.to_rle(), masks.areas.tolist(), masks.boxes.tolist(), strict=True)
        )
    ]  # fmt: skip
    return json.dumps(records, allow_nan=False).encode("ascii")


def looks_like_masks(path: Path) -> bool:
    """Return whether a file or folder seems to hold masks, so that `read_masks` may be tried.

    A folder must hold metadata.csv or 0.png; a JSON file "segmentation" or "counts" in its first
    4 kB. False if it cannot be read.
    """
    try:
        if path.is_dir():
            return (path / _METADATA).is_file() or (path / "0.png").is_file()
        if path.suffix.lower() != ".json":
            return False
        with reading(path, _EXPECTED) as file:
            beginning = file.read(_BEGINNING)
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
        try:
            return MaskSet.from_rle(records, shape=None if records else shape, source=path)
        except InputError:
            if shape is not None:  # where sizes differ, the image's tells which mask is wrong
                MaskSet.from_rle(records, shape=shape, source=path)
            raise
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(path, error, "the JSON of amg.py --convert-to-rle") from error


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


def _known_scores(scores: MaskScores, index: int) -> dict[str, Any]:
    """Return the scores that are finite, for JSON has no NaN."""
    held = {
        "predicted_iou": scores.predicted_iou[index],
        "point_coords": scores.point[index][np.newaxis],
        "stability_score": scores.stability_score[index],
        "crop_box": scores.crop_box[index],
    }
    return {name: _shortest(one) for name, one in held.items() if np.isfinite(one).all()}


def _shortest(numbers: Any) -> Any:
    """Return float32 numbers with the fewest digits that read back as the same float32."""
    return [_shortest(one) for one in numbers] if np.ndim(numbers) else float(str(numbers))
