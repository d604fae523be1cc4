"""Reading a folder of masks as segment-anything's scripts/amg.py writes it.

The folder holds one black and white PNG for each mask, ``0.png``, ``1.png``, ..., and
``metadata.csv`` with a line for each of them.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskScores, MaskSet
from napari_sepl.files._opening import is_there, read_bytes, unopened
from napari_sepl.files.pictures import open_picture

METADATA = "metadata.csv"

_MASK_MODES = ("L", "1", "P")
_CROP_BOX = ("crop_box_x0", "crop_box_y0", "crop_box_w", "crop_box_h")
_POINT = ("point_input_x", "point_input_y")


def read_mask_folder(folder: Path, shape: tuple[int, int] | None = None) -> MaskSet:
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
    table = folder / METADATA
    has_table = is_there(table, "a table of masks")
    records = _read_table(table) if has_table else _unknown(present)
    if not records and not has_table:
        raise InputError(folder, found="no mask", expected=f"0.png, 1.png, ... and {METADATA}")
    _check_complete(folder, present, records)
    order = sorted(records)
    return MaskSet.from_dense(
        _decoded([present[number] for number in order], shape),
        shape=None if order else shape,
        scores=MaskScores.from_records([records[number] for number in order]),
    )


def _unknown(numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    return {number: {} for number in numbers}


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
            expected=f"the mask that {METADATA} lists",
        )
    extra = sorted(set(present) - set(records))
    if extra:
        raise InputError(
            folder / METADATA,
            found=f"no line for {present[extra[0]].name}",
            expected="a line for every mask in the folder, or no such file",
        )


def _decoded(files: list[Path], shape: tuple[int, int] | None) -> Iterator[NDArray[Any]]:
    """Read one mask at a time, for a thousand of them decoded would fill the memory."""
    of = "the image (are these the masks of another image?)"
    for file in files:
        mask = _read_mask(file, shape, of)
        if shape is None:
            shape, of = (mask.shape[0], mask.shape[1]), files[0].name
        yield mask


def _read_mask(path: Path, shape: tuple[int, int] | None, of: str) -> NDArray[Any]:
    expected = "a black and white picture, 0 outside the mask"
    with open_picture(path, expected, shape, of, what="a mask") as picture:
        if picture.mode not in _MASK_MODES:
            raise InputError(path, found=f"a picture of mode {picture.mode}", expected=expected)
        picture.load()
        return np.array(picture)


def _read_table(path: Path) -> dict[int, dict[str, Any]]:
    """Return what ``metadata.csv`` tells of each mask, as amg.py's JSON records tell it."""
    content = read_bytes(path, "a table of masks")
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
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
