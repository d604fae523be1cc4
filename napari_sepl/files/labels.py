"""Readers of label maps: pseudo-labels and ground truth."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.algorithm.paint import as_labels
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList, voc_palette
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.files import arrays
from napari_sepl.files._opening import check_density, check_pixel_count, check_size
from napari_sepl.files.formats import FileFormat
from napari_sepl.files.image_formats import (
    is_tiff,
    open_image,
    read_tiff,
    read_tiff_indices,
    tiff_has_colours,
    tiff_size,
)

SUFFIXES = arrays.SUFFIXES | frozenset((".bmp", ".gif", ".pgm", ".png", ".tif", ".tiff"))
"""Endings, in lower case, of the files `read_labels` takes."""

LABEL_FORMATS = (
    FileFormat(
        "pseudo-labels", "index PNG", "PASCAL VOC, most methods",
        "an image of mode L, P, 1 or I (also BMP, GIF, PGM): the value or index is the label; 255 "
        "is ignore", "`--pseudo-format labels`",
    ),
    FileFormat(
        "pseudo-labels", "TIFF of labels", "GIS and microscopy tools",
        "one plane of whole numbers; -1 is ignore", "`--pseudo-format labels`",
    ),
    FileFormat(
        "pseudo-labels", "labels in .npy, .npz", "labelme (SegmentationClassNpy), numpy",
        "(H, W), (1, H, W) or (H, W, 1) whole numbers; -1 is ignore; of several arrays the one "
        "named labels or arr_0", "`--pseudo-format labels`",
    ),
    FileFormat(
        "pseudo-labels", "labels in colours", "CVAT, datumaro, PASCAL VOC devkit",
        "RGB or opaque RGBA whose colours are all those of the class list, or of PASCAL VOC; with "
        "three equal channels the value is the label", "`--pseudo-format colours`, `--classes`",
    ),
)  # fmt: skip

_INDEX_MODES = ("L", "P", "1", "I", "I;16", "I;16L", "I;16B", "I;16N")
_COLOUR_MODES = ("RGB", "RGBA")
_LOSSY = ("JPEG", "MPO", "JPEG2000", "WEBP", "AVIF")
_EXPECTED = "a label image in which each pixel's value is its class (an index PNG)"
_NAMES = ("labels", "arr_0")


def read_labels(
    path: Path, shape: tuple[int, int] | None = None, of: object = "the image"
) -> NDArray[np.uint8]:
    """Read a label map.

    Parameters
    ----------
    path : Path
        An image of mode L, P (any palette; the index counts, not the colour), 1, I;16 or I, a
        TIFF of whole numbers, or a .npy or .npz array of whole numbers or bool, with or without an
        axis of length one (in a .npz with several arrays the one named "labels" or "arr_0").
    shape : tuple of int, optional
        The height and width they must have; a file of another size is not unpacked.
    of : object
        The thing of that size, for the error.

    Returns
    -------
    (H, W) uint8
        0 background, 1..254 classes, 255 ignore; -1 in the file is ignore too.

    Raises
    ------
    InputError
        If the file cannot be read, is cut off, is of another size, is a colour image, was
        compressed with loss, or holds other values than whole numbers from -1 to 255.
    """
    pixels = _read_pixels(path, shape, of)
    if pixels.ndim == 3:
        raise InputError(path, found=_described(pixels), expected=_EXPECTED)
    return _as_labels(pixels, path)


def read_given_labels(
    path: Path,
    classes: ClassList,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
    *,
    by_colour: bool | None = None,
) -> NDArray[np.uint8]:
    """Read a label map that people bring: labels or colours, in the numbers of a class list.

    Parameters
    ----------
    path, shape, of
        As for `read_labels`; the image may also have colours: those of the class list or, if one
        is none of them, those of PASCAL VOC.
    classes : ClassList
        The classes.
    by_colour : bool, optional
        Whether colours count, not values and indices. By default they count in RGB images whose
        channels differ; where all are equal, the class list decides.

    Returns
    -------
    (H, W) uint8
        As `read_labels`; not checked against the class list.

    Raises
    ------
    InputError
        As `read_labels`; if a colour is of no class; or if it is unclear whether colours or values
        count, or whether 0 is a class.
    """
    asks = classes if by_colour is None else None
    pixels = _read_pixels(path, shape, of, all_colours=by_colour is True, asks=asks)
    return _given(path, pixels, classes, by_colour)


def given_labels(
    path: Path,
    array: NDArray[Any],
    classes: ClassList,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
) -> NDArray[np.uint8]:
    """Return the labels in an array that was read from a file, as `read_given_labels` does."""
    flat = without_axes(array.shape)
    check_size(path, flat[:2], shape, of)
    return _given(path, _whole(array.reshape(flat), path), classes, None)


def _given(
    path: Path, pixels: NDArray[Any], classes: ClassList, by_colour: bool | None
) -> NDArray[np.uint8]:
    if pixels.ndim == 2 and by_colour:
        pixels = np.stack([_as_labels(pixels, path)] * 3, axis=-1)
    if pixels.ndim == 2:
        return classes.renumbered(_as_labels(pixels, path), path)
    is_grey = bool((pixels == pixels[..., :1]).all())
    found = None if by_colour is False else labels_of_colours(pixels, classes)
    if by_colour is False and not is_grey:
        expected = "one channel of labels; --pseudo-format colours reads colours"
        raise InputError(path, found=_described(pixels), expected=expected)
    if not is_grey or by_colour:
        if found is None:
            raise InputError(path, found=_described(pixels, classes), expected=_colours(classes))
        return found
    labels = np.ascontiguousarray(pixels[..., 0])
    fits = set(np.unique(labels).tolist()) <= {*classes.ids, IGNORE}
    if found is None or (fits and np.array_equal(found, labels)):
        return classes.renumbered(labels, path)
    if fits and by_colour is None:
        raise InputError(
            path,
            found="three equal channels, which may be labels or grey colours of classes",
            expected="--pseudo-format labels or colours, or one channel of labels",
        )
    return found


def labels_of_colours(pixels: NDArray[np.uint8], classes: ClassList) -> NDArray[np.uint8] | None:
    """Return the labels whose colours an image has; None if it has a colour of no label.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
        The image.
    classes : ClassList
        Gives the colours; of equal ones the lowest label counts. If they do not have all of the
        image, PASCAL VOC's of its labels are tried.

    Returns
    -------
    (H, W) uint8, or None
    """
    codes = _packed(pixels)
    present, places = np.unique(codes, return_inverse=True)
    for palette in (classes.palette(), voc_palette()):
        packed = _packed(palette[[*classes.ids, IGNORE]])
        label_of = dict(zip(packed[::-1].tolist(), (*classes.ids, IGNORE)[::-1], strict=True))
        labels = [label_of.get(code) for code in present.tolist()]
        if None not in labels:
            return np.array(labels, np.uint8)[places].reshape(codes.shape)
    return None


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return a number for each colour on the last axis."""
    wide = colours.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])


def _as_labels(pixels: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if pixels.dtype.kind == "i" and pixels.size and pixels.min() == -1:
        return as_labels(np.where(pixels == -1, pixels.dtype.type(0), pixels), path) | np.where(
            pixels == -1, np.uint8(IGNORE), np.uint8(0)
        )
    return as_labels(pixels, path)


def _read_pixels(
    path: Path,
    shape: tuple[int, int] | None,
    of: object,
    *,
    all_colours: bool = False,
    asks: ClassList | None = None,
) -> NDArray[Any]:
    """Return (H, W) values or indices, or the (H, W, 3) uint8 of an image in colours.

    With `asks` a palette that has the colours of these classes in another order is refused.
    """
    if path.suffix.lower() in arrays.SUFFIXES:
        return _read_array(path, shape, of)
    if is_tiff(path):
        return _read_tiff(path, shape, of)
    return _read_image(path, shape, of, all_colours=all_colours, asks=asks)


def _read_tiff(path: Path, shape: tuple[int, int] | None, of: object) -> NDArray[Any]:
    if tiff_has_colours(path):
        check_size(path, tiff_size(path), shape, of)
        return _opaque(read_tiff(path), path)
    return _whole(read_tiff_indices(path, shape, of), path)


def _read_array(path: Path, shape: tuple[int, int] | None, of: object) -> NDArray[Any]:
    with arrays.open_array(path, _NAMES) as stored:
        header = stored.header
        flat = without_axes(header.shape)
        has_colours = len(flat) == 3 and flat[2] == 3 and header.dtype == np.uint8
        if (len(flat) != 2 and not has_colours) or header.dtype.kind not in "iubf" or 0 in flat:
            raise InputError(
                path,
                found=f"an array of shape {header.shape} and type {header.dtype}",
                expected="whole-number labels of shape (H, W)",
            )
        check_size(path, flat[:2], shape, of)
        check_pixel_count(path, flat)
        if shape is None:
            check_density(path, flat, header.dtype.itemsize)
        return _whole(stored.whole().reshape(flat), path)


def without_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without axes of length one before or after height and width."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape[:2] if len(shape) == 3 and shape[2] == 1 else shape


def _whole(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return a copy of whole numbers, in memory, also of whole numbers stored as floats."""
    if array.dtype.kind != "f":
        return np.array(array)
    if not np.array_equal(array, np.round(array)):
        raise InputError(
            path,
            found=f"fractions of type {array.dtype}",
            expected="whole-number labels, or scores of shape (classes, H, W)",
        )
    if np.abs(array).max() >= 2**31:
        raise InputError(path, found="labels above 2147483647", expected="labels from 0 to 255")
    return array.astype(np.int64)


def _read_image(
    path: Path,
    shape: tuple[int, int] | None,
    of: object,
    *,
    all_colours: bool,
    asks: ClassList | None,
) -> NDArray[Any]:
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
        if image.mode in _COLOUR_MODES:
            return _opaque(np.array(image), path)
        if image.mode == "LA" and image.getchannel("A").getextrema() == (IGNORE, IGNORE):
            return np.array(image.getchannel("L"))
        if image.mode not in _INDEX_MODES:
            raise InputError(path, found=f"an image of mode {image.mode}", expected=_EXPECTED)
        if image.mode == "P" and asks is not None:
            _check_palette(image, asks, path)
        return np.array(image.convert("RGB") if all_colours and image.mode == "P" else image)


def _check_palette(image: Image.Image, classes: ClassList, path: Path) -> None:
    """Raise InputError if a palette has the colours of classes in another order than they have.

    Programs that reduce colours sort them anew, so that indices are no labels.
    """
    colours = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    used = np.array([index for _, index in image.getcolors() or []], np.int64)
    if len(used) == 0 or used.max() >= len(colours):
        return
    found = labels_of_colours(colours[used][np.newaxis], classes)
    if found is None or set(used.tolist()) - {*classes.ids, 0, IGNORE}:
        return
    if (found[0] != classes.renumbered(used.astype(np.uint8), path)).any():
        raise InputError(
            path,
            found="the colours of classes at other indices than theirs",
            expected="--pseudo-format colours, or labels where indices count",
        )


def _opaque(pixels: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Return the colours of an image, (H, W, 3) or (H, W, 4), without transparency."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        found = f"colours of shape {pixels.shape} and type {pixels.dtype}"
        raise InputError(path, found=found, expected="8 bits a channel")
    if pixels.shape[2] == 4 and (pixels[..., 3] != IGNORE).any():
        raise InputError(path, found="a colour image with transparency", expected="opaque colours")
    return pixels[..., :3]


def _described(pixels: NDArray[np.uint8], classes: ClassList | None = None) -> str:
    """Describe a colour image, for people who saved colours as labels."""
    codes = np.unique(_packed(pixels))
    if len(codes) > 256:
        return "a colour image with more than 256 colours"
    voc = set(_packed(voc_palette()).tolist())
    text = f"a colour image with {len(codes)} colours"
    if classes is None:
        are_voc = ", all of them class colours of PASCAL VOC"
        return text + are_voc * (set(codes.tolist()) <= voc)
    known = set(_packed(classes.palette()[[*classes.ids, IGNORE]]).tolist())
    other = [f"#{code:06x}" for code in codes.tolist() if code not in known]
    return f"{text}, {len(other)} of no class: {', '.join(other[:4])}"


def _colours(classes: ClassList) -> str:
    return f"the colours of the class list {classes.title} or of PASCAL VOC, or an index PNG"
