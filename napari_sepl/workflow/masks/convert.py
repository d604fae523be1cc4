"""Masks of many images made into one JSON file each, which is read faster than many PNGs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.core.masks import MaskSet
from napari_sepl.files import masks as mask_files
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.guard import Guard
from napari_sepl.files.lock import sole_run
from napari_sepl.files.masks import decode_masks, encode_masks, read_masks
from napari_sepl.files.pairing import natural_order
from napari_sepl.workflow.masks.propose import mask_file
from napari_sepl.workflow.masks.record import CONVERTED, claim
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


def masks_to_convert(folder: Path) -> list[Path]:
    """Return the folders and arrays of masks in a folder, one for each image, in natural order.

    Raises
    ------
    InputError
        If the folder cannot be read, holds the masks of one image, or nothing but JSON.
    """
    if mask_files.looks_like_masks(folder):
        raise InputError(
            folder, found="the masks of one image", expected="a folder with an entry for each image"
        )
    names = list_stems(folder, mask_files.SUFFIXES - {".json"}, folders=True)
    if not names:
        raise InputError(folder, found="no masks but JSON", expected="a folder of PNGs an image")
    return [folder / names[stem] for stem in natural_order(names)]


def convert_masks(paths: list[Path], out: Path, *, spread: Spread = HERE) -> Iterator[Conversion]:
    """Save the masks of image after image as JSON, passing over what is done.

    The originals stay as they are. A file is saved only once its bytes were decoded again and found
    to hold the same masks, with the same scores; one that is there was so found by an earlier run,
    and is again if its originals changed since.

    Parameters
    ----------
    paths : list of Path
        A folder of PNGs or an array of masks for each image, as `masks_to_convert` finds them.
    out : Path
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
        If `out` holds originals, or lies among them.
    SaveError
        If the folder cannot be made, holds masks that were made otherwise, or another run is at
        work there.
    """
    Guard(tuple({path.parent for path in paths})).check_place(out)
    with sole_run(out, "convert-masks"):
        claim(out, CONVERTED, mixed=False)
        yield from spread.run(partial(_attempt, out), paths, _lost)


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _lost(path: Path, why: str) -> Conversion:
    return Conversion(_stem(path), Outcome.FAILED, f"{path}: {why}")


def _attempt(out: Path, path: Path) -> Conversion:
    sample_id = _stem(path)
    target = mask_file(out, sample_id)
    try:
        files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
        outcome = Outcome.PRESENT
        if not target.exists():
            _convert(path, target)
            outcome = Outcome.SAVED
        elif max(file.stat().st_mtime_ns for file in [path, *files]) > target.stat().st_mtime_ns:
            _check_same(path, target)
        before, after = sum(map(_on_disk, files)), _on_disk(target)
    except SeplError as error:
        return Conversion(sample_id, Outcome.FAILED, str(error))
    except OSError as error:
        return Conversion(sample_id, Outcome.FAILED, f"{path}: {error.strerror or error}")
    except MemoryError:
        message = f"{path}: too large for the memory of this computer"
        return Conversion(sample_id, Outcome.FAILED, message)
    return Conversion(sample_id, outcome, "", len(files), before, after)


def _on_disk(file: Path) -> int:
    return -(-file.stat().st_size // _BLOCK) * _BLOCK


def _convert(path: Path, target: Path) -> None:
    masks = read_masks(path)
    content = encode_masks(masks)
    if not _are_equal(decode_masks(content, target, masks.shape), masks):
        raise SaveError(f"{target}: not saved, for it would hold other masks than {path}.")
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
