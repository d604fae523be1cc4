"""Opening picture files with Pillow, with the limits and errors this package wants."""

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import check_pixel_count, damaged, unopened

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "WEBP")
"""Formats that Pillow decodes by itself ("JPEG" opens MPO too); TIFF is left to tifffile."""

_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError, TypeError,
    OverflowError, MemoryError,
)  # fmt: skip
_LIMIT = threading.Lock()


@contextmanager
def open_picture(path: Path, expected: str) -> Iterator[ImageFile.ImageFile]:
    """Open a picture; keep only the decoding of it inside the block.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        What the file should have been, for the error.

    Yields
    ------
    PIL.ImageFile.ImageFile
        The picture, not yet decoded.

    Raises
    ------
    InputError
        If the file cannot be opened, is in no known format, is too large, holds
        several pictures, or turns out to be damaged while the block decodes it.
    """
    try:
        with _open_unlimited(path) as picture:
            _check(picture, path)
            yield picture
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(path, found="no picture in a known format", expected=expected) from error
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unopened(path, error, expected) from error
        raise damaged(path, error, expected) from error


def _open_unlimited(path: Path) -> ImageFile.ImageFile:
    """Open past Pillow's guard against huge pictures, which refuses 20000 × 20000 pixels.

    The guard is one setting for the whole process, so it is put back at once; `_check` has ours.
    """
    with _LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(path, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _check(picture: ImageFile.ImageFile, path: Path) -> None:
    check_pixel_count(path, (picture.height, picture.width))
    frames = getattr(picture, "n_frames", 1)
    if frames != 1 and picture.format != "MPO":  # a camera's MPO adds previews to its JPEG
        raise InputError(path, found=f"{frames} pictures in one file", expected="one picture")
