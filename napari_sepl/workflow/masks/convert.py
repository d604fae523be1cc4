"""Masks of many images made into one JSON file each, which is read faster than many PNGs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from napari_sepl.core.errors import InputError, SaveError, attempt
from napari_sepl.core.masks import MaskSet
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import Guard
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import decode_masks, encode_masks, mask_file, read_masks
from napari_sepl.workflow.masks.record import CONVERTED, check_folder, claim
from napari_sepl.workflow.outcome import Outcome, Step
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread

_BLOCK = 4096


@dataclass(frozen=True)
class Conversion(Step):
    """The masks of one image are dealt with.

    Parameters
    ----------
    files_before, bytes_before : int
        How many files hold the original, and how much of a disk they take together, in its usual
        blocks of 4 kB; 0 if it failed.
    bytes_after : int
        How much the JSON file takes.
    """

    files_before: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


def convert_masks(index: SampleIndex, to: Path, *, spread: Spread = HERE) -> Iterator[Conversion]:
    """Save the masks of image after image as JSON, skipping what is done or is JSON already.

    The originals stay as they are. A file is saved only once its bytes were decoded again and found
    to hold the same masks, with the same scores; one that is there was so found by an earlier run,
    and is again if its originals changed since.

    Parameters
    ----------
    index : SampleIndex
        The samples by their masks: a folder of PNGs or an array for each. Each of its problems
        counts as failed.
    to : Path
        The folder for the JSON files; it is made if need be.
    spread : Spread
        Where it is done.

    Yields
    ------
    Conversion
        One for each image, in order.

    Raises
    ------
    InputError
        If there are no masks but JSON, or `to` holds originals or lies among them.
    SaveError
        If the folder cannot be made, holds files of others or masks that were made otherwise, or
        another run is at work there.
    """
    items = list(_to_convert(index))
    folder = index.folders[Role.MASKS]
    if not items and not index.problems:
        raise InputError(folder, found="no masks but JSON", expected="a folder of PNGs an image")
    check_folder(to, Guard((*index.spec.inputs, folder)))
    with sole_run(to, "convert-masks"):
        claim(to, CONVERTED, mixed=False)
        for problem in index.problems:
            yield Conversion(problem.sample_id, Outcome.FAILED, str(problem))
        yield from spread.run(partial(_attempt, to), items, _lost)


def _to_convert(index: SampleIndex) -> Iterator[tuple[str, Path]]:
    """Yield each sample whose masks are not JSON, with their place."""
    for sample_id in index.ids:
        path = index.path(Role.MASKS, sample_id)
        if path is not None and path.suffix.lower() != ".json":
            yield sample_id, path


def _lost(item: tuple[str, Path], why: str) -> Conversion:
    sample_id, path = item
    return Conversion(sample_id, Outcome.FAILED, f"{path}: {why}")


def _attempt(out: Path, item: tuple[str, Path]) -> Conversion:
    sample_id, path = item
    target = mask_file(out, sample_id)

    def work() -> Conversion:
        files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
        outcome = Outcome.PRESENT
        if not target.exists():
            _convert(path, target)
            outcome = Outcome.SAVED
        elif max(file.stat().st_mtime_ns for file in [path, *files]) > target.stat().st_mtime_ns:
            _check_same(path, target)
        before, after = sum(map(_on_disk, files)), _on_disk(target)
        return Conversion(sample_id, outcome, "", len(files), before, after)

    return attempt(work, partial(Conversion, sample_id, Outcome.FAILED), path)


def _on_disk(file: Path) -> int:
    return -(-file.stat().st_size // _BLOCK) * _BLOCK


def _convert(path: Path, target: Path) -> None:
    masks = read_masks(path)
    content = encode_masks(masks)
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"{target}: not saved, for it would hold other masks than {path}.")
    make_folder(target.parent)
    write_whole(target, content)


def _check_same(path: Path, target: Path) -> None:
    masks = read_masks(path)
    content = read_bytes(target, "masks as JSON")
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"{target}: holds other masks than {path} does now; remove it to go on.")


def _are_equal(masks: MaskSet, others: MaskSet) -> bool:
    return masks.digest == others.digest and all(
        np.array_equal(scores, getattr(others.scores, name), equal_nan=True)
        for name, scores in vars(masks.scores).items()
    )
