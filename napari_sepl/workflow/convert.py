"""Masks of many images converted into one JSON file each, after which the originals can go."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import decode_masks, encode_masks, mask_file, read_masks
from napari_sepl.workflow.masks import check_folder, claim
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, SampleResult, Task, run_samples

CONVERTED = {"model": "convert-masks"}
"""The record of a folder of converted masks."""

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
        The samples by their masks: a folder of PNGs, an array or numbers for each, or a JSON file
        of many images. Each of its problems counts as failed.
    to : Path
        The folder for the JSON files; it is made if need be.
    executor : Executor
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
    """Yield each sample whose masks are not in a JSON file of its own, with their place."""
    for sample_id in index.ids:
        path = index.path(Role.MASKS, sample_id)
        if path is not None and path != mask_file(index.folders[Role.MASKS], sample_id):
            yield Task(sample_id, path, (sample_id, path))


def _convert(out: Path, item: tuple[str, Path]) -> tuple[Outcome, Conversion]:
    sample_id, path = item
    target = mask_file(out, sample_id)
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    outcome = Outcome.PRESENT
    if not target.exists():
        _save_same(path, target, sample_id)
        outcome = Outcome.SAVED
    elif max(file.stat().st_mtime_ns for file in [path, *files]) > target.stat().st_mtime_ns:
        _check_same(path, target, sample_id)
    return outcome, Conversion(len(files), sum(map(_on_disk, files)), _on_disk(target))


def _on_disk(file: Path) -> int:
    return -(-file.stat().st_size // _BLOCK) * _BLOCK


def _save_same(path: Path, target: Path, sample_id: str) -> None:
    masks = read_masks(path, sample_id=sample_id)
    content = encode_masks(masks)
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"not saved, its masks would differ: {target}; expected those of {path}.")
    make_folder(target.parent)
    write_whole(target, content)


def _check_same(path: Path, target: Path, sample_id: str) -> None:
    masks = read_masks(path, sample_id=sample_id)
    content = read_bytes(target, "masks as JSON")
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"masks differ from their originals: {target}, from {path}; remove it.")


def _are_equal(masks: MaskSet, others: MaskSet) -> bool:
    if masks.brought is not None and not masks.brought.equals(others.brought):
        return False
    return masks.digest == others.digest and all(
        np.array_equal(scores, getattr(others.scores, name), equal_nan=True)
        for name, scores in vars(masks.scores).items()
    )
