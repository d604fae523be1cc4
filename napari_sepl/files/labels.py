"""Reading label maps: pseudo-labels and truth."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.classes import voc_palette
from napari_sepl.core.errors import InputError
from napari_sepl.core.sepl import as_labels
from napari_sepl.files import arrays
from napari_sepl.files.pictures import open_picture
from napari_sepl.files.tiff import is_tiff, read_tiff_indices

SUFFIXES = arrays.SUFFIXES | frozenset((".bmp", ".gif", ".pgm", ".png", ".tif", ".tiff"))
"""Endings, in lower case, of the files `read_labels` takes."""

_INDEX_MODES = ("L", "P", "1", "I", "I;16", "I;16L", "I;16B", "I;16N")
_LOSSY = ("JPEG", "MPO", "JPEG2000", "WEBP")
_EXPECTED = "a label picture in which each pixel's value is its class (an index PNG)"


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read a label map.

    Parameters
    ----------
    path : Path
        A picture of mode L, P (any palette; the index counts, not the colour), 1, I;16 or I, a
        TIFF of whole numbers, or a .npy or .npz array of whole numbers or bool (in a .npz with
        several arrays the one named "labels" or "arr_0").

    Returns
    -------
    (H, W) uint8
        0 background, 1..254 classes, 255 ignore.

    Raises
    ------
    InputError
        If the file cannot be read, is cut off, is a colour picture, was compressed with loss, or
        holds anything but whole numbers from 0 to 255.
    """
    if path.suffix.lower() in arrays.SUFFIXES:
        labels = _whole(arrays.read_array(path, ("labels", "arr_0")), path)
    elif is_tiff(path):
        labels = _whole(read_tiff_indices(path), path)
    else:
        labels = _read_indices(path)
    return as_labels(labels, path)


def _whole(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Refuse fractions with a word on what to do, and copy what is only mapped from the disk."""
    if array.dtype.kind == "f":
        numbers = "whole numbers" if np.array_equal(array, np.round(array)) else "fractions"
        hint = (
            "a whole-number type: convert with .astype('uint8')"
            if numbers == "whole numbers"
            else "whole-number labels; scores of classes must be cut at a threshold first"
        )
        raise InputError(path, found=f"{numbers} of type {array.dtype}", expected=hint)
    return np.array(array)


def _read_indices(path: Path) -> NDArray[Any]:
    with open_picture(path, _EXPECTED) as picture:
        if picture.format in _LOSSY:
            raise InputError(
                path, found=f"a {picture.format} file, whose compression alters labels",
                expected=_EXPECTED,
            )  # fmt: skip
        if picture.mode == "L" and picture.tile and picture.tile[0].args in ("L;2", "L;4"):
            bits = picture.tile[0].args[-1]
            raise InputError(
                path, found=f"grey of {bits} bits a pixel, which readers scale differently",
                expected="8 bits a pixel",
            )  # fmt: skip
        picture.load()
        if picture.mode not in _INDEX_MODES:
            raise InputError(path, found=_described(picture), expected=_EXPECTED)
        return np.array(picture)


def _described(picture: Image.Image) -> str:
    """Tell what a colour picture seems to be, for people who saved colours for labels."""
    colours = picture.convert("RGB").getcolors(maxcolors=256)
    if colours is None:
        return f"a colour picture (mode {picture.mode}) with more than 256 colours"
    told = f"a colour picture (mode {picture.mode}) with {len(colours)} colours"
    voc = {tuple(colour) for colour in voc_palette().tolist()}
    if all(colour in voc for _count, colour in colours):
        told += ", all of them class colours of PASCAL VOC"
    return told
