"""Masks of many images, generated into one JSON file each, with a record of how."""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, RunEndedError, SaveError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files._opening import parse_json, read_bytes, unopened
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.mask_listing import list_masks
from napari_sepl.files.differences import describe_differences
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import read_image
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import (
    PICTURES,
    SUFFIXES,
    mask_file,
    write_masks,
)
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.proposals.maker import Maker, OnProgress, ProposalError, ignore
from napari_sepl.proposals.models import REGIONS, SamSettings
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.regions import RegionSettings
from napari_sepl.proposals.weights import Checkpoint
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, SampleResult, Task, run_samples

RECORD = ".napari-sepl-masks.json"
"""The hidden file that records the settings of a folder of masks."""

_LITTER = {"thumbs.db", "desktop.ini"}
"""Files, in lower case, that Windows leaves in folders; those of other systems are hidden."""

_MIXED = "mixed"
"""The record's only key where masks of several makings are together: a list of them."""


def made_by_sam(
    weights: Checkpoint, settings: SamSettings, margin: float | None = MARGIN
) -> dict[str, Any]:
    """Return what decides on SAM's masks; how many points are worked on at once does not.

    The margin is the distance from pseudo-labels in which SAM is prompted; None: everywhere.
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
        If it contains other files.
    """
    guard.check_place(out)
    if not out.is_dir() or (out / RECORD).exists():
        return
    other = next(_other_files(out), None)
    if other is not None and not (mixed and _holds_masks(out)):
        raise SaveError(
            f"holds files that are no masks: {out} (such as {other}); name an empty or new folder."
        )


def _holds_masks(out: Path) -> bool:
    """Return whether a folder has masks that are surely some; pictures may be labels."""
    names = list_masks(out, known=()).names.values()
    return any(Path(name).suffix.lower() not in PICTURES for name in names)


def _other_files(out: Path) -> Iterator[str]:
    """Yield the names of files in a folder, in order, that no program of masks put there."""
    try:
        entries = sorted(out.iterdir())
    except OSError as error:
        raise unopened(out, error, "a folder") from error
    for entry in entries:
        ignored = entry.name.startswith(".") or entry.name.lower() in _LITTER
        if not (ignored or entry.suffix.lower() in SUFFIXES - PICTURES or entry.is_dir()):
            yield entry.name


def claim(out: Path, made_with: dict[str, Any], *, mixed: bool) -> None:
    """Record the settings of a folder's masks, or raise if it contains others.

    Parameters
    ----------
    out : Path
        The folder.
    made_with : dict
        What the masks to come are made with, in words and numbers of JSON.
    mixed : bool
        Let it contain masks of several settings, which its record then lists.

    Raises
    ------
    InputError
        If the folder or its record cannot be read.
    SaveError
        If the record cannot be written, or the folder contains masks of other settings.
    """
    known = _read_record(out)
    if known == made_with:
        return
    how = _otherwise(out, known, made_with)
    if how and not mixed:
        raise SaveError(f"folder contains other masks: {out}, made {how}; name another folder.")
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
    return (
        "in several ways" if _MIXED in known else f"with {describe_differences(known, made_with)}"
    )


def _makings(known: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return all that a folder's masks were made with; {} stands for another program."""
    return [{}] if known is None else known.get(_MIXED, [known])


def _read_record(out: Path) -> dict[str, Any] | None:
    """Return the settings of a folder's masks; None without a record."""
    record = out / RECORD
    if not record.exists():
        return None
    expected = "the settings of the masks; name another folder"
    known = parse_json(read_bytes(record, expected), record, expected)
    if not isinstance(known, dict):
        raise InputError(record, found=f"a {type(known).__name__}", expected=expected)
    return known


class _Item(NamedTuple):
    """An image to generate masks for, with the pseudo-labels that guide the points."""

    sample_id: str
    image: Path
    pseudo: Path | None
    pseudo_format: str
    classes: ClassList


def propose_folder(  # noqa: PLR0913  a setting each
    index: SampleIndex,
    out: Path,
    maker: Maker,
    made_with: dict[str, Any],
    *,
    guided: bool = True,
    sample_ids: Iterable[str] | None = None,
    told: OnProgress = ignore,
    mixed: bool = False,
    overwrite: bool = False,
    executor: Executor = HERE,
) -> Iterator[SampleResult[None]]:
    """Generate masks for all images, skip finished ones, and continue after failures.

    A stopped run leaves only complete files; the same call resumes it.

    Parameters
    ----------
    index : SampleIndex
        The images, with pseudo-labels where they guide. Each of its problems counts as failed.
    out : Path
        The folder for the masks; it is made if need be.
    maker : Maker
        Generates masks.
    made_with, mixed : dict, bool
        As for `claim`.
    guided : bool
        Hand the pseudo-labels, where there are some, to the maker.
    sample_ids : iterable of str, optional
        Only these samples of the index, without its problems.
    told : callable
        Called with the progress of each image.
    overwrite : bool
        Replace existing masks.
    executor : Executor
        Where the masks are generated; other processes report no progress within an image.

    Yields
    ------
    SampleResult
        One for each sample, as soon as it ends.

    Raises
    ------
    InputError, SaveError
        As `check_folder` and `claim`; or if another run uses the folder.
    OpeningError, StoppedError
        If the model cannot be loaded, or someone stopped the maker.
    """
    check_masks_folder(index, out, mixed=mixed)
    told = told if executor == HERE else ignore
    work = partial(_make, out, maker, told, guided, overwrite)
    problems = index.problems if sample_ids is None else ()
    tasks = map(partial(_task, index), index.ids if sample_ids is None else sample_ids)
    with sole_run(out, "masks"):
        claim(out, made_with, mixed=mixed)
        yield from run_samples(work, tasks, problems, executor)


def check_masks_folder(index: SampleIndex, out: Path, *, mixed: bool = False) -> None:
    """Raise InputError or SaveError unless masks of the samples may go there, as `check_folder`."""
    check_folder(out, index.guard(writes=Role.MASKS), mixed=mixed)


def _task(index: SampleIndex, sample_id: str) -> Task[_Item]:
    image, pseudo = index.path_of(Role.IMAGE, sample_id), index.path(Role.PSEUDO, sample_id)
    item = _Item(sample_id, image, pseudo, index.spec.pseudo_format, index.classes)
    return Task(sample_id, image, item)


def _make(
    out: Path, maker: Maker, told: OnProgress, guided: bool, overwrite: bool, item: _Item
) -> tuple[Outcome, None]:
    path = mask_file(out, item.sample_id)
    if path.exists() and not overwrite:
        return Outcome.PRESENT, None
    image = read_image(item.image)
    pseudo = _guide(item, (image.shape[0], image.shape[1])) if guided else None
    masks = _made(maker, image, pseudo, told, item)
    make_folder(path.parent)
    write_masks(path, masks)
    return Outcome.SAVED, None


def _guide(item: _Item, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
    if item.pseudo is None:
        return None
    return read_pseudo_labels(
        item.pseudo,
        item.pseudo_format,
        sample_id=item.sample_id,
        shape=shape,
        of=item.image,
        classes=item.classes,
    )


def _made(
    maker: Maker,
    image: NDArray[Any],
    pseudo: NDArray[np.uint8] | None,
    told: OnProgress,
    item: _Item,
) -> MaskSet:
    try:
        return maker.make(image, pseudo, told)
    except RunEndedError:
        raise
    except ProposalError as error:  # it does not name the image
        raise ProposalError(f"{error} The image: {item.image}.") from error
