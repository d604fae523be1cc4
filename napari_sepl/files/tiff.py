"""Reading TIFF files with tifffile."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC, TiffFile, TiffPage

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import check_density, check_pixel_count, check_size, reading

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # an error tells it in one line

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LAYOUTS = ("YX", "YXS", "SYX")
_INDEXED = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.PALETTE)


def is_tiff(path: Path) -> bool:
    """Return whether a file begins as a TIFF or BigTIFF does; False if it cannot be read."""
    try:
        with reading(path, "a TIFF picture") as file:
            return file.read(4) in _MAGIC
    except InputError:
        return False  # the reader that is tried next tells why


def read_tiff(path: Path) -> NDArray[Any]:
    """Return a TIFF's picture as (H, W), (H, W, 3) or (H, W, 4), of the type it is stored in.

    Palettes become RGB, black and white becomes grey 0 and 255, and where zero means white the
    values are turned round. The orientation tag is not applied.

    Raises
    ------
    InputError
        If the file is damaged, holds several pictures, or stores colours otherwise.
    """
    with _one_page(path, "a TIFF picture") as (page, axes, shape):
        if len(shape) == 3 and shape[axes.index("S")] not in (3, 4):
            raise InputError(
                path,
                found=f"{shape[axes.index('S')]} values a pixel",
                expected="1 (grey), 3 (RGB) or 4 (RGBA)",
            )
        array = page.asarray()
        if axes == "SYX":
            array = np.moveaxis(array, 0, -1)
        return _as_shown(array, page, path)


def read_tiff_indices(
    path: Path, shape: tuple[int, int] | None = None, of: object = "the image"
) -> NDArray[Any]:
    """Return a TIFF's values as (H, W), a palette's indices as they are.

    Parameters
    ----------
    path : Path
        The file.
    shape, of : tuple of int, object
        The height and width it must have, if any, and what that is the size of.

    Raises
    ------
    InputError
        If the file is damaged, of another size, holds several pictures or colours.
    """
    expected = "a TIFF of labels, one whole number a pixel"
    with _one_page(path, expected, shape, of) as (page, axes, _size):
        if axes != "YX" or page.photometric not in _INDEXED:
            raise InputError(
                path, found=f"{PHOTOMETRIC(page.photometric).name} colours", expected=expected
            )
        return np.asarray(page.asarray())


def tiff_size(path: Path) -> tuple[int, int]:
    """Return height and width in pixels, without decoding."""
    with _one_page(path, "a TIFF picture") as (_page, axes, shape):
        return shape[axes.index("Y")], shape[axes.index("X")]


@contextmanager
def _one_page(
    path: Path, expected: str, shape: tuple[int, int] | None = None, of: object = "the image"
) -> Iterator[tuple[TiffPage, str, tuple[int, ...]]]:
    with reading(path, expected) as opened, TiffFile(opened, name=path.name) as file:
        page = _only_page(file, path)
        size = page.imagelength, page.imagewidth
        check_pixel_count(path, size)
        check_size(path, size, shape, of)
        if shape is None:
            check_density(path, size, max(1, page.nbytes // max(1, size[0] * size[1])))
        yield page, page.axes, page.shape


def _only_page(file: TiffFile, path: Path) -> TiffPage:
    pages = len(file.pages)
    if pages != 1:
        raise InputError(path, found=f"{pages} pictures in one file", expected="one picture")
    page = file.pages.first
    if page.axes not in _LAYOUTS:
        raise InputError(path, found=f"an array of shape {page.shape}", expected="one picture")
    _check_whole(file, page, path)
    return page


def _check_whole(file: TiffFile, page: TiffPage, path: Path) -> None:
    """Refuse a file that is cut off, for some decoders fill what is missing with grey."""
    ends = [at + size for at, size in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=0) > file.filehandle.size:
        raise InputError(
            path, found=f"{file.filehandle.size} bytes", expected=f"{max(ends)} (a cut-off file?)"
        )


def _as_shown(array: NDArray[Any], page: TiffPage, path: Path) -> NDArray[Any]:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    match page.photometric:
        case PHOTOMETRIC.MINISBLACK | PHOTOMETRIC.RGB | PHOTOMETRIC.YCBCR:
            return array
        case PHOTOMETRIC.MINISWHITE if array.dtype.kind == "u":
            return np.asarray(np.invert(array))
        case PHOTOMETRIC.PALETTE if page.colormap is not None:
            colours = np.right_shift(page.colormap, 8).astype(np.uint8)  # (3, 256) of 16 bits
            return np.asarray(colours.T[array])
    raise InputError(
        path,
        found=f"{PHOTOMETRIC(page.photometric).name} colours of type {array.dtype}",
        expected="grey, RGB, RGBA or palette",
    )
