"""What the masks of a folder were made with: a hidden file beside them tells it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import read_bytes, unopened
from napari_sepl.files._texts import parse_json
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.dataset.listing import list_masks
from napari_sepl.files.differences import tell_differences
from napari_sepl.files.guard import Guard
from napari_sepl.files.masks import SUFFIXES
from napari_sepl.proposals.checkpoints import Checkpoint
from napari_sepl.proposals.models import REGIONS
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.regions import RegionSettings
from napari_sepl.proposals.settings import SamSettings

RECORD = ".napari-sepl-masks.json"
"""The hidden file of a folder of masks that tells what they were made with."""

CONVERTED = {"model": "convert-masks"}
"""What tells of a folder of masks that were converted."""

_LITTER = {"thumbs.db", "desktop.ini"}
"""Files, in lower case, that Windows leaves in folders; those of other systems are hidden."""

_MIXED = "mixed"
"""The record's only key where masks of several makings are together: a list of them."""


def made_by_sam(
    weights: Checkpoint, settings: SamSettings, margin: float | None = MARGIN
) -> dict[str, Any]:
    """Return what decides on SAM's masks; how many points are worked on at once does not.

    The margin says what is near a pseudo-label; None where the whole grid is asked about.
    """
    decisive = settings.model_dump(mode="json", exclude={"points_per_batch"})
    points = "full grid" if margin is None else f"near pseudo-labels, margin {margin:g}"
    return {"model": weights.model.name, "weights": weights.sha256, "points": points, **decisive}


def made_by_regions(settings: RegionSettings) -> dict[str, Any]:
    """Return what decides on the masks of regions."""
    return {"model": REGIONS, **settings.model_dump(mode="json")}


def check_folder(out: Path, guard: Guard, *, mixed: bool = False) -> None:
    """Raise unless masks may go to a folder, before any are made.

    A folder without a record must hold nothing but masks. Hidden files, and those that a desktop
    leaves behind, do not count.

    Parameters
    ----------
    out : Path
        The folder, which need not be there yet.
    guard : Guard
        Knows the inputs.
    mixed : bool
        Let it hold other files where it holds masks of another program too.

    Raises
    ------
    InputError
        If the folder is an input, lies in one, or cannot be read.
    SaveError
        If it holds files of others.
    """
    guard.check_place(out)
    if not out.is_dir() or (out / RECORD).exists():
        return
    other = next(_other_files(out), None)
    if other is not None and not (mixed and list_masks(out, known=()).ids):
        raise SaveError(
            f"holds files that are no masks: {out} (such as {other}); name an empty or new folder."
        )


def _other_files(out: Path) -> Iterator[str]:
    """Yield the names of files in a folder, in order, that no program of masks put there."""
    try:
        entries = sorted(out.iterdir())
    except OSError as error:
        raise unopened(out, error, "a folder") from error
    for entry in entries:
        ignored = entry.name.startswith(".") or entry.name.lower() in _LITTER
        if not (ignored or entry.suffix.lower() in SUFFIXES or entry.is_dir()):
            yield entry.name


def claim(out: Path, made_with: dict[str, Any], *, mixed: bool) -> None:
    """Write down what a folder's masks are made with, or refuse one that holds others.

    Parameters
    ----------
    out : Path
        The folder.
    made_with : dict
        What the masks to come are made with, in words and numbers of JSON.
    mixed : bool
        Let it hold masks of several makings, which its record then lists.

    Raises
    ------
    InputError
        If the folder or its record cannot be read.
    SaveError
        If the record cannot be written, or the folder holds masks that were made otherwise.
    """
    known = _read_record(out)
    if known == made_with:
        return
    how = _otherwise(out, known, made_with)
    if how and not mixed:
        raise SaveError(f"{out}: holds masks that were made {how}; name another folder.")
    if how:
        made_with = {_MIXED: [*(one for one in _makings(known) if one != made_with), made_with]}
    write_whole(out / RECORD, json.dumps(made_with, indent=1).encode())


def made_otherwise(out: Path, made_with: dict[str, Any]) -> str:
    """Say how masks in a folder were made, if none were made like this; empty if some were.

    Raises
    ------
    InputError
        If the folder or its record cannot be read.
    """
    known = _read_record(out)
    if made_with in _makings(known) or not out.exists():
        return ""
    return _otherwise(out, known, made_with)


def _otherwise(out: Path, known: dict[str, Any] | None, made_with: dict[str, Any]) -> str:
    if not list_masks(out, known=()).ids:
        return ""
    if known is None:
        return "by another program"
    return "in several ways" if _MIXED in known else f"with {tell_differences(known, made_with)}"


def _makings(known: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return all that a folder's masks were made with; {} stands for another program."""
    return [{}] if known is None else known.get(_MIXED, [known])


def _read_record(out: Path) -> dict[str, Any] | None:
    """Return what a folder's masks were made with; None if nothing tells."""
    record = out / RECORD
    if not record.exists():
        return None
    expected = "what the masks of this folder were made with; remove it to make them anew"
    known = parse_json(read_bytes(record, expected), record, expected)
    if not isinstance(known, dict):
        raise InputError(record, found=f"a {type(known).__name__}", expected=expected)
    return known
