"""What the masks of a folder were made with: a hidden file beside them tells it."""

import json
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import read_bytes
from napari_sepl.files._texts import parse_json
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.dataset.listing import list_masks
from napari_sepl.proposals.models import REGIONS, SamSettings
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.regions import RegionSettings
from napari_sepl.proposals.weights import Checkpoint

RECORD = ".napari-sepl-masks.json"
"""The hidden file of a folder of masks that tells what they were made with."""

CONVERTED = {"model": "convert-masks"}
"""What tells of a folder of masks that were converted."""

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
    return "in several ways" if _MIXED in known else f"with {_difference(known, made_with)}"


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


def _difference(known: dict[str, Any], made_with: dict[str, Any]) -> str:
    names = [name for name in {**known, **made_with} if known.get(name) != made_with.get(name)]
    return ", ".join(
        f"{name} {known.get(name)} (asked for now: {made_with.get(name)})" for name in names
    )
