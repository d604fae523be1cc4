"""Readers of label maps: pseudo-labels and ground truth."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.algorithm.paint import as_labels
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import voc_palette
from napari_sepl.files import arrays
from napari_sepl.files._opening import check_density, check_pixel_count, check_size
from napari_sepl.files.image_formats import is_tiff, open_image, read_tiff_indices

SUFFIXES = arrays.SUFFIXES | frozenset((".bmp", ".gif", ".pgm", ".png", ".tif", ".tiff"))
"""Endings, in lower case, of the files `read_labels` takes."""

_INDEX_MODES = ("L", "P", "1", "I", "I;16", "I;16L", "I;16B", "I;16N")
_LOSSY = ("JPEG", "MPO", "JPEG2000", "WEBP", "AVIF")
_EXPECTED = "a label image in which each pixel's value is its class (an index PNG)"


def read_labels(
    path: Path, shape: tuple[int, int] | None = None, of: object = "the image"
) -> NDArray[np.uint8]:
    """Read a label map.

    Parameters
    ----------
    path : Path
        An image of mode L, P (any palette; the index counts, not the colour), 1, I;16 or I, a
        TIFF of whole numbers, or a .npy or .npz array of whole numbers or bool (in a .npz with
        several arrays the one named "labels" or "arr_0").
    shape : tuple of int, optional
        The height and width they must have; a file of another size is not unpacked.
    of : object
        The thing of that size, for the error.

    Returns
    -------
    (H, W) uint8
        0 background, 1..254 classes, 255 ignore.

    Raises
    ------
    InputError
        If the file cannot be read, is cut off, is of another size, is a colour image, was
        compressed with loss, or holds other values than whole numbers from 0 to 255.
    """
    if path.suffix.lower() in arrays.SUFFIXES:
        labels = _read_array(path, shape, of)
    elif is_tiff(path):
        labels = _whole(read_tiff_indices(path, shape, of), path)
    else:
        labels = _read_indices(path, shape, of)
    return as_labels(labels, path)


def _read_array(path: Path, shape: tuple[int, int] | None, of: object) -> NDArray[Any]:
    with arrays.open_array(path, ("labels", "arr_0")) as stored:
        header = stored.header
        if len(header.shape) != 2 or header.dtype.kind not in "iubf" or not header.nbytes:
            raise InputError(
                path,
                found=f"an array of shape {header.shape} and type {header.dtype}",
                expected="whole-number labels of shape (H, W)",
            )
        check_size(path, header.shape, shape, of)
        check_pixel_count(path, header.shape)
        if shape is None:
            check_density(path, header.shape, header.dtype.itemsize)
        return _whole(stored.whole(), path)


def _whole(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return a copy of whole numbers, in memory; refuse fractions with a hint."""
    if array.dtype.kind == "f":
        numbers = "whole numbers" if np.array_equal(array, np.round(array)) else "fractions"
        hint = (
            "a whole-number type: convert with .astype('uint8')"
            if numbers == "whole numbers"
            else "whole-number labels; scores of classes must be cut at a threshold first"
        )
        raise InputError(path, found=f"{numbers} of type {array.dtype}", expected=hint)
    return np.array(array)


def _read_indices(path: Path, shape: tuple[int, int] | None, of: object) -> NDArray[Any]:
    with open_image(path, _EXPECTED, shape, of) as image:
        if image.format in _LOSSY:
            raise InputError(
                path, found=f"a {image.format} file, whose compression alters labels",
                expected=_EXPECTED,
            )  # fmt: skip
        if image.mode == "L" and image.tile and image.tile[0].args in ("L;2", "L;4"):
            bits = image.tile[0].args[-1]
            raise InputError(
                path, found=f"grey of {bits} bits a pixel, which readers scale differently",
                expected="8 bits a pixel",
            )  # fmt: skip
        image.load()
        if image.mode not in _INDEX_MODES:
            raise InputError(path, found=_described(image), expected=_EXPECTED)
        return np.array(image)


def _described(image: Image.Image) -> str:
    """Describe a colour image, for people who saved colours as labels."""
    colours = image.convert("RGB").getcolors(maxcolors=256)
    if colours is None:
        return f"a colour image (mode {image.mode}) with more than 256 colours"
    text = f"a colour image (mode {image.mode}) with {len(colours)} colours"
    voc = {tuple(colour) for colour in voc_palette().tolist()}
    if all(colour in voc for _count, colour in colours):
        text += ", all of them class colours of PASCAL VOC"
    return text
