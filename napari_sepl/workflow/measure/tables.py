"""Tables as CSV, and numbers as JSON: what a spreadsheet or a plotting script reads."""

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def class_table(path: Path) -> Path:
    """Return the file beside a table that holds a row for each class."""
    return path.with_name(f"{path.stem}-classes{path.suffix}")


def encode_csv(rows: Iterable[list[object]]) -> bytes:
    """Return rows as CSV in UTF-8; numbers have all their digits, and NaN and None are empty."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([_told(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def _told(cell: object) -> object:
    """Return a number with the fewest digits that read back as it is, and NaN as nothing."""
    if isinstance(cell, float):  # of numpy too
        return "" if math.isnan(cell) else float(cell)
    return cell


def encode_json(content: object) -> str:
    """Return JSON with null for NaN, which JSON does not know."""
    return json.dumps(_without_nan(content), indent=1, allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return value
