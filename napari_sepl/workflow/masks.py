"""Masks of many images: made, or converted, into one JSON file each, with a record of how."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, RunEndedError, SaveError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files._opening import parse_json, read_bytes, unopened
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.listing import list_masks
from napari_sepl.files.differences import describe_differences
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import read_image
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import (
    SUFFIXES,
    decode_masks,
    encode_masks,
    mask_file,
    read_masks,
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

CONVERTED = {"model": "convert-masks"}
"""The record of a folder of converted masks."""

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
    expected = "the settings of the masks; remove it to generate them again"
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
        What makes masks.
    made_with : dict
        The settings of the masks, for JSON. The folder records them, because its masks have the
        same settings.
    guided : bool
        Hand the pseudo-labels, where there are some, to the maker.
    sample_ids : iterable of str, optional
        Only these samples of the index; its problems are left out then.
    told : callable
        Called with the progress of each image.
    mixed : bool
        Let the folder contain masks of several settings, which its record then lists.
    overwrite : bool
        Replace existing masks.
    executor : Spread
        Where the masks are generated; other processes get a copy of the maker and report no
        progress within an image.

    Yields
    ------
    SampleResult
        One for each sample, as soon as it ends.

    Raises
    ------
    InputError
        If the folder is one of the inputs, or lies in one.
    SaveError
        If the folder cannot be made or written to, contains masks of other settings, or
        another run uses it.
    OpeningError
        If the model cannot be loaded.
    StoppedError
        If someone stopped the maker.
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
    return Task(sample_id, image, _Item(sample_id, image, pseudo, index.spec.pseudo_format))


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
        item.pseudo, item.pseudo_format, sample_id=item.sample_id, shape=shape, of=item.image
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
        raise ProposalError(f"{item.image}: {error}") from error


_BLOCK = 4096


@dataclass(frozen=True)
class Conversion:
    """What the conversion of an image's masks saved.

    Parameters
    ----------
    files_before, bytes_before : int
        Number of original files, and their size on disk in blocks of 4 kB.
    bytes_after : int
        Size of the JSON file on disk.
    """

    files_before: int
    bytes_before: int
    bytes_after: int


def convert_masks(
    index: SampleIndex, to: Path, *, executor: Executor = HERE
) -> Iterator[SampleResult[Conversion]]:
    """Save the masks of all images as JSON, skipping finished ones and JSON.

    The originals are kept. A file is saved only after its bytes decode to the same masks and
    scores; an existing file is checked again if its originals have changed since.

    Parameters
    ----------
    index : SampleIndex
        The samples by their masks: a folder of PNGs or an array for each. Each of its problems
        counts as failed.
    to : Path
        The folder for the JSON files; it is made if need be.
    executor : Spread
        Where samples are computed.

    Yields
    ------
    SampleResult
        One for each image, in order.

    Raises
    ------
    InputError
        If all masks are JSON, or `to` contains originals or is inside one.
    SaveError
        If the folder cannot be made, contains masks of other settings, or another run is at
        work there.
    """
    tasks = list(_to_convert(index))
    if not tasks and not index.problems:
        found, expected = "only masks in JSON", "a folder of PNGs per image"
        raise InputError(index.folders[Role.MASKS], found=found, expected=expected)
    check_folder(to, index.guard())
    with sole_run(to, "convert-masks"):
        claim(to, CONVERTED, mixed=False)
        yield from run_samples(partial(_convert, to), tasks, index.problems, executor)


def _to_convert(index: SampleIndex) -> Iterator[Task[tuple[str, Path]]]:
    """Yield each sample whose masks are not JSON, with their place."""
    for sample_id in index.ids:
        path = index.path(Role.MASKS, sample_id)
        if path is not None and path.suffix.lower() != ".json":
            yield Task(sample_id, path, (sample_id, path))


def _convert(out: Path, item: tuple[str, Path]) -> tuple[Outcome, Conversion]:
    sample_id, path = item
    target = mask_file(out, sample_id)
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    outcome = Outcome.PRESENT
    if not target.exists():
        _save_same(path, target)
        outcome = Outcome.SAVED
    elif max(file.stat().st_mtime_ns for file in [path, *files]) > target.stat().st_mtime_ns:
        _check_same(path, target)
    return outcome, Conversion(len(files), sum(map(_on_disk, files)), _on_disk(target))


def _on_disk(file: Path) -> int:
    return -(-file.stat().st_size // _BLOCK) * _BLOCK


def _save_same(path: Path, target: Path) -> None:
    masks = read_masks(path)
    content = encode_masks(masks)
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"not saved, its masks would differ: {target}; expected those of {path}.")
    make_folder(target.parent)
    write_whole(target, content)


def _check_same(path: Path, target: Path) -> None:
    masks = read_masks(path)
    content = read_bytes(target, "masks as JSON")
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"masks differ from their originals: {target}, from {path}; remove it.")


def _are_equal(masks: MaskSet, others: MaskSet) -> bool:
    return masks.digest == others.digest and all(
        np.array_equal(scores, getattr(others.scores, name), equal_nan=True)
        for name, scores in vars(masks.scores).items()
    )
