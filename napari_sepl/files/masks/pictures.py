"""Masks as pictures: a folder with one for each mask, or one picture of numbers."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.core.masks.numbered import runs_of_numbers
from napari_sepl.core.masks.runs import join, label_runs, runs_of_mask
from napari_sepl.core.masks.transpose import to_columns
from napari_sepl.files._opening import check_size, is_there, unopened
from napari_sepl.files.image_formats import is_tiff, open_image, read_tiff_indices, tiff_size
from napari_sepl.files.masks.table import METADATA, read_table

SUFFIXES = frozenset((".png", ".tif", ".tiff"))
"""Endings, in lower case, of pictures of numbers."""

IMAGE = "the image (are these the masks of another image?)"
MOST_MASKS = 2**16

_GREY = ("L", "LA", "I", "I;16", "I;16L", "I;16B", "I;16N", "RGB", "RGBA")
_INDEXED = ("1", "P")
_NUMBERED = ("1", "P", "L", "I", "I;16", "I;16L", "I;16B", "I;16N")
_HALF = {1: 128, 2: 2**15, 4: 2**15}
"""Half grey by the bytes of a pixel; Pillow gives some 16-bit PNGs as 32 bits."""

_VOID = 255
_EXTREMES = 0.9


def read_folder(folder: Path, shape: tuple[int, int] | None = None) -> MaskSet:
    """Read a folder of one PNG for each mask.

    With ``metadata.csv``, and where PNGs have numbers for names, the numbers count, in their
    order; else all PNGs, in the order of their names with the numbers within them as numbers.

    Parameters
    ----------
    folder : Path
        The folder.
    shape : tuple of int, optional
        Height and width of the image; masks of another size are not unpacked.

    Raises
    ------
    InputError
        If a mask or a line of the table is missing or damaged, masks differ in size, or two
        files have the same number.
    """
    files = _pngs(folder)
    numbered = _by_number(folder, files)
    has_table = is_there(folder / METADATA, "a table of masks")
    if not has_table and not numbered:
        if not files:
            raise InputError(folder, found="no mask", expected=f"0.png, 1.png, ... and {METADATA}")
        return _decode(sorted(files, key=_natural), shape, MaskScores.unknown(len(files)))
    records: dict[int, dict[str, Any]] = {number: {} for number in numbered}
    if has_table:
        records = read_table(folder / METADATA)
        _check_complete(folder, numbered, records)
    order = sorted(records)
    scores = MaskScores.from_records([records[number] for number in order])
    return _decode([numbered[number] for number in order], shape, scores)


def _pngs(folder: Path) -> list[Path]:
    try:
        return [
            path for path in sorted(folder.iterdir())
            if path.suffix.lower() == ".png" and not path.name.startswith(".")
        ]  # fmt: skip
    except OSError as error:
        raise unopened(folder, error, "a folder of masks") from error


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"([0-9]+)", path.stem)
    return [(len(part.lstrip("0")) if at % 2 else 0, part) for at, part in enumerate(parts)]


def _by_number(folder: Path, files: list[Path]) -> dict[int, Path]:
    numbered: dict[str, Path] = {}
    for file in files:
        if not (file.stem.isascii() and file.stem.isdigit()):
            continue
        other = numbered.setdefault(file.stem.lstrip("0") or "0", file)
        if other != file:
            raise InputError(
                folder,
                found=f"{other.name} and {file.name}, the same number",
                expected="one file for each mask",
            )
    longest = next((one for one in numbered if len(one) > _DIGITS), None)
    if longest is not None:
        raise InputError(numbered[longest], found="a number too long", expected="0.png, 1.png, ...")
    return {int(number): file for number, file in numbered.items()}


_DIGITS = 18


def _check_complete(
    folder: Path, present: Mapping[int, Path], records: Mapping[int, object]
) -> None:
    missing = sorted(set(records) - set(present))
    if missing:
        raise InputError(
            folder / f"{missing[0]}.png",
            found=f"no such file ({len(missing)} of {len(records)} masks are missing)",
            expected=f"the mask that {METADATA} lists",
        )
    extra = sorted(set(present) - set(records))
    if extra:
        raise InputError(
            folder / METADATA,
            found=f"no line for {present[extra[0]].name}",
            expected="a line for every mask in the folder, or no such file",
        )


def _decode(files: list[Path], shape: tuple[int, int] | None, scores: MaskScores) -> MaskSet:
    """Return the masks; one is in memory at a time, for a thousand decoded would fill it."""
    of, cut, parts = IMAGE, HalfGrey(), []
    for file in files:
        with open_image(file, _MASK, shape, of, what="a mask") as image:
            if image.mode not in _GREY + _INDEXED:
                raise InputError(file, found=f"an image of mode {image.mode}", expected=_MASK)
            image.load()
            mask, indexed = _by_colour(image), image.mode in _INDEXED
        mask = _single_channel(mask, file)
        if shape is None:
            shape, of = (mask.shape[0], mask.shape[1]), files[0].name
        parts.append(runs_of_mask(mask) if indexed else cut.runs(mask, file))
    cut.check()
    if shape is None:
        raise InputError(files[0] if files else "masks", found="no mask", expected="a mask")
    return MaskSet(join(shape, parts), scores)


_MASK = "a black and white image, 0 outside the mask"


def _by_colour(image: Image.Image) -> NDArray[Any]:
    """Return a picture's values; of a palette whose black is not first, what is not black.

    Programs that reduce colours put white first, and the mask would be what is around it.
    """
    values = np.array(image)
    if image.mode != "P":
        return values
    colours = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    coloured = np.asarray(colours.any(axis=1))
    used = np.unique(values)
    if used[-1] >= len(coloured) or coloured[used].all() or not coloured[0]:
        return values
    return np.asarray(coloured[values], np.uint8)


def _single_channel(mask: NDArray[Any], file: Path) -> NDArray[Any]:
    """Return the grey of an image whose channels are equal, without transparency."""
    if mask.ndim == 2:
        return mask
    colours = mask[..., :3] if mask.shape[2] > 2 else mask[..., :1]
    if mask.shape[2] in (2, 4) and (mask[..., -1] != 255).any():
        raise InputError(file, found="an image with transparent pixels", expected=_MASK)
    if (colours != colours[..., :1]).any():
        raise InputError(file, found="an image of mode RGB, with colours", expected=_MASK)
    return np.ascontiguousarray(colours[..., 0])


class HalfGrey:
    """The rule for grey masks of one image: of many values, half grey and more is mask.

    With one value beside 0, as 1 or 255, that is mask. Masks of many values below half grey are
    no pictures of masks, unless others reach it, as the thin ones among masks made smaller do not.
    """

    def __init__(self) -> None:
        self._dark: tuple[object, int] | None = None
        self._grey = False

    def runs(
        self, mask: NDArray[Any], source: object
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return starts and stops of the runs of an (H, W) array of whole numbers."""
        if mask.dtype == np.uint8:  # values of runs are few; those of pixels take a fifth longer
            values, starts, stops = label_runs(to_columns(mask))
            inside = values != 0
            held = values[inside]
            if not len(held) or held.min() == held.max():
                return starts[inside], stops[inside]
        top, half = int(mask.max(initial=0)), _HALF.get(mask.dtype.itemsize, 128)
        if bool(((mask == 0) | (mask == top)).all()):
            return runs_of_mask(mask)
        if top >= half:
            self._grey = True
        else:
            self._dark = self._dark or (source, top)
        return runs_of_mask(mask >= half)

    def check(self) -> None:
        """Raise InputError if masks were dark and none was grey."""
        if self._dark is not None and not self._grey:
            source, top = self._dark
            raise InputError(
                source, found=f"many values, up to {top}", expected="0 and 255, or 0 and 1, a mask"
            )


def read_picture(path: Path, shape: tuple[int, int] | None) -> MaskSet:
    """Read a PNG or a TIFF of numbers, one for each mask.

    Parameters
    ----------
    path : Path
        Grey, or with a palette, whose indices count.
    shape : tuple of int, optional
        Height and width of the image.

    Raises
    ------
    InputError
        If it is damaged, of another size, in colours, or may be a grey picture of one mask.
    """
    expected = "a number for each mask, 0 outside, in grey or with a palette"
    if is_tiff(path):
        check_size(path, tiff_size(path), shape, IMAGE, what="masks")
        return masks_of_numbers(path, read_tiff_indices(path, shape, IMAGE), shape)
    with open_image(path, expected, shape, IMAGE, what="masks") as image:
        if image.mode not in _NUMBERED:
            raise InputError(path, found=f"an image of mode {image.mode}", expected=expected)
        image.load()
        return masks_of_numbers(path, np.array(image), shape, indexed=image.mode in _INDEXED)


def masks_of_numbers(
    path: Path,
    numbers: NDArray[Any],
    wanted: tuple[int, int] | None,
    *,
    indexed: bool = False,
) -> MaskSet:
    """Return the masks of a map of numbers.

    Parameters
    ----------
    path : Path
        Named in errors.
    numbers : (H, W) bool, integers or whole floats
        0 is no mask; where there are negative numbers those are none.
    wanted : tuple of int, optional
        Height and width of the image.
    indexed : bool
        Whether they come from a palette, as VOC's SegmentationObject, where 255 is void.

    Raises
    ------
    InputError
        If they have another size, hold fractions or too many numbers, or may be grey.
    """
    check_size(path, numbers.shape, wanted, IMAGE, what="masks")
    if numbers.dtype == np.bool_:
        return MaskSet.from_dense(numbers[np.newaxis])
    if numbers.dtype.kind == "f":
        numbers = _whole(path, numbers)
    elif numbers.dtype == np.uint8 and not indexed:
        _check_not_grey(path, numbers)
    if indexed and numbers.max(initial=0) == _VOID and not (numbers == _VOID - 1).any():
        numbers = np.where(numbers == _VOID, 0, numbers)
    found, runs = runs_of_numbers(numbers)
    if len(found) > MOST_MASKS:
        raise InputError(
            path, found=f"{len(found):,} numbers", expected=f"up to {MOST_MASKS:,}, one a mask"
        )
    return MaskSet(runs, MaskScores.unknown(len(runs)))


def _whole(path: Path, numbers: NDArray[Any]) -> NDArray[np.int64]:
    if not (np.abs(numbers) < 2**53).all() or (numbers != np.round(numbers)).any():
        raise InputError(
            path, found="fractions", expected="a whole number for each mask, or masks (N, H, W)"
        )
    return numbers.astype(np.int64)


def _check_not_grey(path: Path, numbers: NDArray[np.uint8]) -> None:
    """Refuse a picture that may be one mask with a grey rim as well as many by their numbers."""
    counts = np.bincount(numbers.ravel(), minlength=256)
    found = np.flatnonzero(counts[1:]) + 1
    if len(found) < 2 or found[-1] < _HALF[1]:
        return
    gaps = 2 * len(found) < found[-1]
    if gaps or counts[[0, 255]].sum() > _EXTREMES * numbers.size:
        raise InputError(
            path,
            found=f"{len(found)} grey values up to {found[-1]} (one mask with a grey rim, or "
            f"{len(found)} masks by number?)",
            expected="one mask as a PNG in a folder, or numbers from 1 on without gaps (or in "
            "16 bits)",
        )
