"""Reading the masks of one image from whatever file or folder holds them."""

import json
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.files import arrays, pickles
from napari_sepl.files._opening import (
    check_size,
    damaged,
    is_there,
    read_bytes,
    reading,
)
from napari_sepl.files.digests import stamp_file
from napari_sepl.files.masks import many, pictures
from napari_sepl.files.masks.pictures import IMAGE, read_folder, read_picture
from napari_sepl.files.masks.records import masks_of_value
from napari_sepl.files.masks.stacks import read_stack
from napari_sepl.files.masks.table import METADATA

SUFFIXES = arrays.SUFFIXES | pickles.SUFFIXES | pictures.SUFFIXES | {".json"}
"""Endings, in lower case, of the files `read_masks` takes; a folder has none."""

_EXPECTED = (
    "masks: a folder of PNGs or a JSON file as segment-anything's amg.py writes it, COCO's "
    "instances, a list of generate() in .pkl or .npy, an array (N, H, W) in .npy or .npz, or one "
    "number a mask in .png, .tif or .npy"
)
_BEGINNING = 4096  # bytes of a JSON file, in which masks have their keys


def read_masks(
    path: Path, shape: tuple[int, int] | None = None, sample_id: str | None = None
) -> MaskSet:
    """Read the masks of one image.

    Parameters
    ----------
    path : Path
        A folder of one PNG for each mask, as segment-anything's scripts/amg.py writes it with
        metadata.csv; JSON as `decode_masks` takes it; a pickle, or a .npy of Python objects, with
        what SamAutomaticMaskGenerator.generate() returned; a .npy or .npz with masks (N, H, W),
        packed bits or numbers (H, W); or a PNG or TIFF with one number for each mask.
    shape : tuple of int, optional
        Height and width of the image the masks should fit.
    sample_id : str, optional
        The image's name, by which it is found in a file of many images.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or holds masks of another size.
    """
    suffix = path.suffix.lower()
    if is_there(path, _EXPECTED) and path.is_dir():
        masks = read_folder(path, shape)
    elif suffix in arrays.SUFFIXES and not pickles.holds_objects(path, listed=True):
        masks = read_stack(path, shape)
    elif suffix in arrays.SUFFIXES | pickles.SUFFIXES:
        masks = _decoded(pickles.read_pickled(path, listed=True), path, shape)
    elif suffix == ".json":
        masks = _read_json(path, shape, sample_id)
    elif suffix in pictures.SUFFIXES and path.exists():
        masks = read_picture(path, shape)
    else:
        found = f"a file ending in {suffix!r}" if path.exists() else "no such file or folder"
        raise InputError(path, found=found, expected=_EXPECTED)
    check_size(path, masks.shape, shape, IMAGE, what="masks")
    return masks


def _read_json(path: Path, shape: tuple[int, int] | None, sample_id: str | None) -> MaskSet:
    stamp = stamp_file(path) if path.exists() else ""
    found = many.held(path, stamp)
    if found is not None:
        return many.read_many(found, shape, sample_id)
    return _decode(read_bytes(path, _EXPECTED), path, shape, sample_id, stamp)


def decode_masks(content: bytes, path: Path, shape: tuple[int, int] | None = None) -> MaskSet:
    """Return the masks of one image that the bytes of a JSON file hold.

    Parameters
    ----------
    content : bytes
        A list of records as amg.py writes it with ``--convert-to-rle``, one record, COCO's
        instances, or what else `masks_of_value` takes.
    path : Path
        What to name in an error.
    shape : tuple of int, optional
        Height and width; needed where there may be no mask, or polygons without a size.

    Raises
    ------
    InputError
        If they are no masks of one image.
    """
    return _decode(content, path, shape, None, "")


def _decode(
    content: bytes, path: Path, shape: tuple[int, int] | None, sample_id: str | None, stamp: str
) -> MaskSet:
    plain = many.as_utf8(content, path)
    if many.may_hold_many(plain):
        found = many.index_of(plain, path, stamp, same=bool(stamp) and plain is content)
        return many.read_many(found, shape, sample_id)
    try:
        value = json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error, "the JSON of amg.py --convert-to-rle") from error
    return _decoded(value, path, shape)


def _decoded(value: Any, path: Path, shape: tuple[int, int] | None) -> MaskSet:
    try:
        return masks_of_value(value, path, shape)
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(path, error, "masks of one image") from error


def looks_like_masks(path: Path) -> bool:
    """Return whether a file or folder seems to hold masks, so that `read_masks` may be tried.

    A folder must hold metadata.csv or 0.png; a JSON file "segmentation" or "counts" in its first
    4 kB. False if it cannot be read.
    """
    try:
        if path.is_dir():
            return (path / METADATA).is_file() or (path / "0.png").is_file()
        if path.suffix.lower() != ".json":
            return False
        with reading(path, _EXPECTED) as file:
            beginning = file.read(_BEGINNING)
    except (InputError, OSError):
        return False
    return b'"segmentation"' in beginning or b'"counts"' in beginning
