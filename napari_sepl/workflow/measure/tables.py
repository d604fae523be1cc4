"""Tables as CSV, and numbers as JSON: what a spreadsheet or a plotting script reads."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from napari_sepl.core.stopping import defer_signals
from napari_sepl.files.atomic import write_as_one
from napari_sepl.files.guard import Guard, IsOurs, begins, check_files


def class_table(path: Path) -> Path:
    """Return the file beside a table that holds a row for each class."""
    return path.with_name(f"{path.stem}-classes{path.suffix}")


def released_table(path: Path) -> Path:
    """Return the file beside a table that holds what the authors' program reports."""
    return path.with_name(f"{path.stem}-released{path.suffix}")


_SWEEP = b"t1,t2,mean_iou,change", b"t1,t2,agreement,change"
_SWEEP_CLASSES = b"class_id,class,t1,t2,iou,iou_at_default\n"
_IMAGES = b"sample_id,iou,precision,recall,boundary_iou"
_CLASSES = b"class_id,class,pixels,iou,precision,recall,boundary_iou"
_EVALUATION = b'{\n "boundary_dilation_ratio": '
_RELEASED = b"name,after_sam_mIoU,", b"name,pseudo_mIoU,"
_DIAGNOSES = b"rank,id,suspicion,kind,cause,strength,class_id,class,mask_index,told\n"

_STATUS = b"sample_id,status,annotator,edits,seconds,change,outdated,note\n"

is_a_table = begins(
    *_SWEEP, _SWEEP_CLASSES, _IMAGES, _CLASSES, _EVALUATION, *_RELEASED, _DIAGNOSES, _STATUS
)
"""Tells the tables of all commands from files of other programs."""


def sweep_files(path: Path) -> dict[Path, IsOurs]:
    """Return the files that a sweep is written to, and how they are recognised."""
    return {path: begins(*_SWEEP), class_table(path): begins(_SWEEP_CLASSES)}


def evaluation_files(path: Path) -> dict[Path, IsOurs]:
    """Return the files that an evaluation may be written to, and how they are recognised."""
    return {
        path: begins(_IMAGES),
        class_table(path): begins(_CLASSES),
        path.with_suffix(".json"): begins(_EVALUATION),
        released_table(path): begins(*_RELEASED),
    }


def diagnosis_files(path: Path) -> dict[Path, IsOurs]:
    """Return the file that diagnoses are written to, and how it is recognised."""
    return {path: begins(_DIAGNOSES)}


def status_files(path: Path) -> dict[Path, IsOurs]:
    """Return the file that the statuses of samples are written to, and how it is recognised."""
    return {path: begins(_STATUS)}


def check_tables(files: Mapping[Path, IsOurs], guard: Guard) -> None:
    """Raise, before a run begins, if one of its tables may not be written; make their folder.

    Raises
    ------
    InputError, SaveError
        As `check_files`.
    """
    check_files(files, guard, "--table", is_a_table)


def write_tables(
    contents: Mapping[Path, bytes], files: Mapping[Path, IsOurs], guard: Guard
) -> list[Path]:
    """Write tables that belong together, all or none of them; no signal comes between two.

    Raises
    ------
    InputError, SaveError
        As `check_files` and `write_as_one`.
    """
    check_tables({path: files[path] for path in contents}, guard)
    with defer_signals():
        write_as_one(contents)
    return list(contents)


def encode_csv(rows: Iterable[list[object]]) -> bytes:
    """Return rows as CSV in UTF-8; numbers have all their digits, and NaN and None are empty.

    A text that a spreadsheet would take for a formula gets an apostrophe in front. Line ends and
    other signs in a text stay, in quotes.
    """
    return "".join(f"{','.join(map(_told, row))}\n" for row in rows).encode("utf-8")


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_QUOTED = frozenset(',"\r\n')


def _told(cell: object) -> str:
    """Return a number with the fewest digits that read back as it is, and NaN as nothing."""
    if isinstance(cell, float):  # of numpy too
        return "" if math.isnan(cell) else str(float(cell))
    text = "" if cell is None else str(cell)
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _QUOTED.intersection(text) else text


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
