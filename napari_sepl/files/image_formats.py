"""Openers of image files: Pillow's formats, and TIFF by tifffile."""

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError
from tifffile import PHOTOMETRIC, TiffFile, TiffFrame, TiffPage, TiffPages

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import (
    DAMAGE,
    check_density,
    check_pixel_count,
    check_size,
    damaged,
    pixels,
    reading,
)
from napari_sepl.files.orientation import is_turned, known_orientation, upright
from napari_sepl.files.png_chunks import PNG, check_sums, checked_png

HAS_AVIF = find_spec("PIL._avif") is not None
"""Whether Pillow reads AVIF: from 11.3 on, where it was built with libavif."""

_PILLOW_FORMATS = (
    "PNG", "JPEG", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "WEBP", *("AVIF",) * HAS_AVIF,
)  # fmt: skip
"""Formats that Pillow decodes by itself ("JPEG" opens MPO too); TIFF is left to tifffile."""

_DEPTHS = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
"""Bytes a pixel takes in memory; 4 in all other modes."""

_LIMIT = threading.Lock()


@contextmanager
def open_image(
    path: Path,
    expected: str,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
    *,
    what: str = "labels",
    whole: bool = True,
) -> Iterator[ImageFile.ImageFile]:
    """Open an image; keep only the decoding of it inside the block.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        The expected content, for the error.
    shape : tuple of int, optional
        The height and width it must have.
    of, what : object, str
        As for `check_size`.
    whole : bool
        Whether it will be decoded, so that a PNG's checksums are checked.

    Yields
    ------
    PIL.ImageFile.ImageFile
        The image, not yet decoded.

    Raises
    ------
    InputError
        If the file cannot be opened, is in no known format, is too large or of another size,
        holds several images, or turns out to be damaged while the block decodes it.
    """
    with reading(path, expected) as file:
        source = checked_png(file, path, expected) if whole else file
        try:
            image = _open_unlimited(source)
        except UnidentifiedImageError as error:
            raise InputError(path, found="no image in a known format", expected=expected) from error
        with image:
            size = image.height, image.width
            check_size(path, size, shape, of, what=what)
            check_pixel_count(path, size)
            if shape is None and whole:
                check_density(path, size, _DEPTHS.get(image.mode, 4))
            _check_single(image, path)
            yield image


def read_embedded(content: bytes, source: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the grey, (H, W) uint8, of a PNG that another file holds.

    Parameters
    ----------
    content : bytes
        The PNG.
    source : Path
        The file and the place in it, for errors.
    shape : tuple of int
        The height and width it must have.

    Raises
    ------
    InputError
        If it is none, is damaged, or has another size.
    """
    expected = "a PNG"
    if not content.startswith(PNG):
        raise InputError(source, found="something else", expected=expected)
    whole = io.BytesIO(content)
    check_sums(whole, source, expected)
    try:
        with _open_unlimited(whole) as image:
            check_size(source, (image.height, image.width), shape, "its box", what="a mask")
            return np.array(image.convert("L"))
    except InputError:
        raise
    except DAMAGE as error:
        raise damaged(source, error, expected) from error


def _open_unlimited(file: BinaryIO) -> ImageFile.ImageFile:
    """Open an image without Pillow's size limit, which refuses 20000 × 20000 pixels.

    The limit is one setting for the whole process, so it is restored at once; ours follows.
    """
    with _LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(file, formats=_PILLOW_FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _check_single(image: ImageFile.ImageFile, path: Path) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames != 1 and image.format != "MPO":  # a camera's MPO adds previews to its JPEG
        raise InputError(path, found=f"{frames} images in one file", expected="one image")


logging.getLogger("tifffile").addHandler(logging.NullHandler())  # an error has it in one line

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LAYOUTS = ("YX", "YXS", "SYX")
_INDEXED = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.PALETTE)


def is_tiff(path: Path) -> bool:
    """Return whether a file begins as a TIFF or BigTIFF does; False if it cannot be read."""
    try:
        with reading(path, "a TIFF image") as file:
            return file.read(4) in _TIFF_MAGIC
    except InputError:
        return False  # the next reader reports the reason


def name_format(path: Path) -> str:
    """Return what the format of an image is called, by its content.

    Raises
    ------
    InputError
        If it cannot be opened.
    """
    if is_tiff(path):
        return "TIFF"
    with open_image(path, "an image", whole=False) as image:
        return image.format or "an image"


def read_tiff(path: Path) -> NDArray[Any]:
    """Return a TIFF's image as (H, W), (H, W, 3) or (H, W, 4), of the type it is stored in.

    It is turned as the orientation tag says. Palettes become RGB, black and white becomes grey 0
    and 255, and where zero means white the values are inverted. Overviews, thumbnails and masks of
    transparency beside the image are passed over.

    Raises
    ------
    InputError
        If the file is damaged, holds several images, or stores colours otherwise.
    """
    with _one_page(path, "a TIFF image") as (page, axes, shape):
        if len(shape) == 3 and shape[axes.index("S")] not in (3, 4):
            raise InputError(
                path,
                found=f"{shape[axes.index('S')]} values a pixel",
                expected="1 (grey), 3 (RGB) or 4 (RGBA)",
            )
        array = page.asarray()
        if axes == "SYX":
            array = np.moveaxis(array, 0, -1)
        return upright(_as_shown(array, page, path), _orientation(page))


def read_tiff_indices(
    path: Path, shape: tuple[int, int] | None = None, of: object = "the image"
) -> NDArray[Any]:
    """Return a TIFF's values as (H, W), a palette's indices as they are, turned as an image is.

    Parameters
    ----------
    path : Path
        The file.
    shape, of : tuple of int, object
        As for `check_size`.

    Raises
    ------
    InputError
        If the file is damaged, of another size, holds several images or colours.
    """
    expected = "a TIFF of labels, one whole number a pixel"
    with _one_page(path, expected, shape, of) as (page, axes, _size):
        if axes != "YX" or page.photometric not in _INDEXED:
            raise InputError(
                path, found=f"{PHOTOMETRIC(page.photometric).name} colours", expected=expected
            )
        return upright(np.asarray(page.asarray()), _orientation(page))


def tiff_has_colours(path: Path) -> bool:
    """Return whether a TIFF stores three or four values a pixel, red, green and blue first."""
    with _one_page(path, "a TIFF image") as (page, axes, _shape):
        return page.photometric == PHOTOMETRIC.RGB and "S" in axes


def tiff_size(path: Path) -> tuple[int, int]:
    """Return height and width in pixels, without decoding."""
    with _one_page(path, "a TIFF image") as (page, axes, shape):
        height, width = shape[axes.index("Y")], shape[axes.index("X")]
        return (width, height) if is_turned(_orientation(page)) else (height, width)


@contextmanager
def _one_page(
    path: Path, expected: str, shape: tuple[int, int] | None = None, of: object = "the image"
) -> Iterator[tuple[TiffPage, str, tuple[int, ...]]]:
    with reading(path, expected) as opened, TiffFile(opened, name=path.name) as file:
        page = _only_page(file, path)
        size = page.imagelength, page.imagewidth
        if is_turned(_orientation(page)):
            size = size[::-1]
        check_pixel_count(path, size)
        check_size(path, size, shape, of)
        if shape is None:
            check_density(path, size, max(1, page.nbytes // max(1, size[0] * size[1])))
        yield page, page.axes, page.shape


def _only_page(file: TiffFile, path: Path) -> TiffPage:
    """Return the page of the image, in its finest level; raise InputError for several images."""
    page = _finest(list(_full_pages(file.pages)), path)
    if page.axes not in _LAYOUTS:
        raise InputError(path, found=f"an array of shape {page.shape}", expected="one image")
    _check_whole(file, page, path)
    return page


def _full_pages(pages: TiffPages) -> Iterator[TiffPage]:
    """Yield the pages of a TIFF that their tags do not call reduced or a mask of another."""
    for page in pages:
        if isinstance(page, TiffFrame):
            page = page.aspage()  # noqa: PLW2901  the same page with its tags
        if not (page.is_reduced or page.is_mask):
            yield page
        if page.pages is not None:
            yield from _full_pages(page.pages)


def _finest(pages: list[TiffPage], path: Path) -> TiffPage:
    """Return the largest of pages that are levels of one pyramid, of one page itself."""
    if not pages:
        raise InputError(path, found="only a reduced image (a thumbnail)", expected="one image")
    first = max(pages, key=lambda page: page.imagelength * page.imagewidth)
    others = [page for page in pages if page is not first]
    if not all(_is_level(page, first) for page in others):
        sizes = {(page.imagelength, page.imagewidth) for page in pages}
        of = f", each of {pixels(sizes.pop())}" if len(sizes) == 1 else ""
        expected = "one image; save each plane as a file of its own"
        raise InputError(path, found=f"{len(pages)} images in one file{of}", expected=expected)
    return first


def _is_level(page: TiffPage, whole: TiffPage) -> bool:
    """Return whether a page without a tag that says so is another page at a fraction of its size.

    Writers of pyramids halve each side and round it, up or down.
    """
    down = round(whole.imagelength / max(1, page.imagelength))
    sides = (whole.imagelength, page.imagelength), (whole.imagewidth, page.imagewidth)
    alike = page.samplesperpixel == whole.samplesperpixel and page.dtype == whole.dtype
    return alike and down >= 2 and all(abs(full / down - part) <= 1 for full, part in sides)


def _orientation(page: TiffPage) -> int:
    return known_orientation(page.tags.valueof(274))


def _check_whole(file: TiffFile, page: TiffPage, path: Path) -> None:
    """Refuse a cut-off file, for some decoders fill missing pixels with grey."""
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
