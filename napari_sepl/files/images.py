"""Readers of the images of samples."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import check_density
from napari_sepl.files.formats import FileFormat
from napari_sepl.files.image_formats import HAS_AVIF, is_tiff, open_image, read_tiff, tiff_size
from napari_sepl.files.orientation import is_turned, orientation_of, upright

SUFFIXES = frozenset((
    ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".pnm",
    ".ppm", ".tga", ".tif", ".tiff", ".webp", *(".avif",) * HAS_AVIF,
))  # fmt: skip
"""Endings, in lower case, of the images in a folder."""

_TURNED = "turned as its EXIF orientation says"
IMAGE_FORMATS = tuple(
    FileFormat("image", name, origin, recognised)
    for name, origin, recognised in (
        ("JPEG", "cameras, browsers", f"`.jpg`, `.jpeg`, `.jpe`, `.jfif`; {_TURNED}"),
        ("PNG", "any program", f"`.png` of 1 to 16 bits; {_TURNED}"),
        ("TIFF", "microscopes, GDAL", f"`.tif`, `.tiff`; a pyramid's finest level; {_TURNED}"),
        ("WebP", "browsers", f"`.webp`; {_TURNED}"),
        ("AVIF", "browsers", "`.avif`, where Pillow reads it (from 11.3 on); not turned"),
        ("JPEG 2000", "archives, satellites", "`.jp2`, `.j2k`"),
        ("BMP, GIF, TGA", "any program", "`.bmp`, `.gif` of one frame, `.tga`"),
        ("PNM", "any program", "`.pgm`, `.ppm`, `.pnm`"),
    )
)
"""The formats of images."""

_AS_THEY_ARE = ("L", "RGB", "RGBA")
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_CONVERTED = {
    "1": "L", "LA": "RGBA", "La": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "CMYK": "RGB",
    "YCbCr": "RGB", "HSV": "RGB",
}  # fmt: skip
_EXPECTED = "an image"
_PALETTE_DEPTH = 5  # bytes a pixel: its index, twice, and its colour


def read_image(path: Path) -> NDArray[Any]:
    """Read an image, upright.

    JPEG, PNG, TIFF and WebP are turned by their EXIF orientation, as OpenCV does in SAM's own
    script. Labels of the pixels as stored are refused if the sizes differ; a half turn or a
    mirrored image does not show in the sizes. Palettes become RGB or RGBA, black and white becomes
    grey, grey with transparency RGBA, CMYK RGB. Of a PNG with 16 bits a colour only the upper 8
    are kept.

    Parameters
    ----------
    path : Path
        A file that Pillow or tifffile opens.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
        Grey, RGB or RGBA. It may be read-only.

    Raises
    ------
    InputError
        If the file cannot be read, is cut off, holds several images, or has values that are
        not whole numbers of 8 or 16 bits, which have no scale of their own.
    """
    array = read_tiff(path) if is_tiff(path) else _read_image(path)
    if array.dtype not in (np.uint8, np.uint16):
        raise InputError(
            path,
            found=f"pixel values of type {array.dtype}",
            expected="8 or 16 bits without sign; scale the image and save it again",
        )
    return array


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) in pixels of the image that `read_image` gives, without decoding it.

    Raises
    ------
    InputError
        If the file cannot be read or is no image.
    """
    if is_tiff(path):
        return tiff_size(path)
    with open_image(path, _EXPECTED, whole=False) as image:
        width, height = image.size
        return (width, height) if is_turned(orientation_of(image)) else (height, width)


def _read_image(path: Path) -> NDArray[Any]:
    with open_image(path, _EXPECTED) as image:
        orientation = orientation_of(image)
        if image.mode == "P":
            check_density(path, (image.height, image.width), _PALETTE_DEPTH)
        image.load()
        return upright(_pixels(image, path), orientation)


def _pixels(image: Image.Image, path: Path) -> NDArray[Any]:
    """Return the pixels of a decoded image as they are stored."""
    mode = image.mode
    if mode in _AS_THEY_ARE:
        return np.asarray(image)
    if mode in _SIXTEEN_BITS:
        return np.asarray(image).astype(np.uint16)
    if mode == "P":
        return _looked_up(image)
    if mode in _CONVERTED:
        return np.asarray(image.convert(_CONVERTED[mode]))
    return _narrowed(np.asarray(image), path)


def _looked_up(image: Image.Image) -> NDArray[np.uint8]:
    """Return the colours of a palette's indices; Pillow's way takes twice the memory."""
    colours = "RGBA" if image.has_transparency_data else "RGB"
    image.apply_transparency()
    palette = np.zeros((256, len(colours)), np.uint8)
    known = np.asarray(image.getpalette(colours), np.uint8).reshape(-1, len(colours))
    palette[: len(known)] = known
    indices: NDArray[np.uint8] = np.asarray(image)
    return palette[indices]


def _narrowed(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return 32-bit whole numbers, which Pillow gives for some 16-bit files, in 16 bits."""
    if array.dtype.kind != "i" or array.min() < 0 or array.max() > np.iinfo(np.uint16).max:
        raise InputError(
            path,
            found=f"values of type {array.dtype} from {array.min()} to {array.max()}",
            expected="8 or 16 bits without sign; scale the image and save it again",
        )
    return array.astype(np.uint16)


def as_rgb(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return an image as (H, W, 3) uint8.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
        Grey is repeated, transparency is dropped, and of 16 bits the upper 8 are kept, as
        when OpenCV reads an image for segment-anything's own script.

    Raises
    ------
    InputError
        If it is something else.
    """
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))
    if not shaped or image.dtype not in (np.uint8, np.uint16) or 0 in image.shape:
        raise InputError(
            "image",
            found=f"an array of shape {image.shape} and type {image.dtype}",
            expected="grey, RGB or RGBA of 8 or 16 bits",
        )
    eight = image if image.dtype == np.uint8 else image >> 8
    colours = np.stack([eight] * 3, -1) if image.ndim == 2 else eight[..., :3]
    return np.ascontiguousarray(colours, np.uint8)
