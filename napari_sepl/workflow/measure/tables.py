"""Tables as CSV: what a spreadsheet or a plotting script reads."""

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path


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
