"""The table of a folder of masks, ``metadata.csv``, as segment-anything's amg.py writes it."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import decoded, read_bytes

METADATA = "metadata.csv"
_CROP_BOX = ("crop_box_x0", "crop_box_y0", "crop_box_w", "crop_box_h")
_POINT = ("point_input_x", "point_input_y")


def read_table(path: Path) -> dict[int, dict[str, Any]]:
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
        found = f"text that is no table ({error})"
        raise InputError(path, found=found, expected="a table of masks") from error
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
            found=f"a value that is no number ({' '.join(str(error).split())})",
            expected="a number for the mask and numbers in the other columns",
        ) from error
    return number, {
        "predicted_iou": iou and iou[0],
        "stability_score": stability and stability[0],
        "point_coords": point and [point],
        "crop_box": crop_box,
    }
