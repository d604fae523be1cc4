"""Opening picture files with Pillow, with the limits and errors this package wants."""

import io
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import (
    check_density,
    check_pixel_count,
    check_size,
    read_whole,
    reading,
)

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "WEBP")
"""Formats that Pillow decodes by itself ("JPEG" opens MPO too); TIFF is left to tifffile."""

PNG = b"\x89PNG\r\n\x1a\n"
"""What a PNG begins with."""
_DEPTHS = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
"""Bytes a pixel takes in memory; 4 in all other modes."""

_LIMIT = threading.Lock()


@contextmanager
def open_picture(
    path: Path,
    expected: str,
    shape: tuple[int, int] | None = None,
    of: object = "the image",
    *,
    what: str = "labels",
    whole: bool = True,
) -> Iterator[ImageFile.ImageFile]:
    """Open a picture; keep only the decoding of it inside the block.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        What the file should have been, for the error.
    shape : tuple of int, optional
        The height and width it must have.
    of, what : object, str
        As for `check_size`.
    whole : bool
        Whether it will be decoded, so that a PNG's checksums are worth looking at.

    Yields
    ------
    PIL.ImageFile.ImageFile
        The picture, not yet decoded.

    Raises
    ------
    InputError
        If the file cannot be opened, is in no known format, is too large or of another size,
        holds several pictures, or turns out to be damaged while the block decodes it.
    """
    with reading(path, expected) as file:
        source = _checked_png(file, path, expected) if whole else file
        try:
            picture = _open_unlimited(source)
        except UnidentifiedImageError as error:
            raise InputError(
                path, found="no picture in a known format", expected=expected
            ) from error
        with picture:
            size = picture.height, picture.width
            check_size(path, size, shape, of, what=what)
            check_pixel_count(path, size)
            if shape is None and whole:
                check_density(path, size, _DEPTHS.get(picture.mode, 4))
            _check_single(picture, path)
            yield picture


def _checked_png(file: io.BufferedReader, path: Path, expected: str) -> BinaryIO:
    """Return a PNG in memory with its checksums found right, or the file if it is none.

    Pillow does not look at the checksums of the pixels: of flipped bits in label files of others a
    quarter came as other labels. It takes 4 µs for a label of VOC, 0.3 ms for 1 MB.
    """
    is_png = file.read(len(PNG)) == PNG
    file.seek(0)
    if not is_png:
        return file
    content = read_whole(file, path, expected)
    _check_chunks(memoryview(content), path, expected)
    return io.BytesIO(content)


def _check_chunks(content: memoryview, path: Path, expected: str) -> None:
    start, kind = len(PNG), b""
    while kind != b"IEND":
        end = start + 8 + int.from_bytes(content[start : start + 4])
        if end + 4 > len(content):
            raise InputError(path, found="a cut-off PNG, without its end", expected=expected)
        if zlib.crc32(content[start + 4 : end]) != int.from_bytes(content[end : end + 4]):
            raise InputError(
                path,
                found="damaged content: a checksum of the PNG does not match",
                expected=expected,
            )
        kind = bytes(content[start + 4 : start + 8])
        start = end + 4


def read_png_text(path: Path, keyword: str) -> str | None:
    """Return a text of a PNG that need not be whole; None if it has none, or that is damaged too.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    with reading(path, "a PNG") as file:
        content = memoryview(read_whole(file, path, "a PNG"))
    start, mark = len(PNG), keyword.encode("latin-1") + b"\0"
    while bytes(content[: len(PNG)]) == PNG and start + 12 <= len(content):
        end = start + 8 + int.from_bytes(content[start : start + 4])
        held = bytes(content[start + 4 : end])
        if held.startswith(b"tEXt" + mark):
            whole = zlib.crc32(held) == int.from_bytes(content[end : end + 4])
            return held[4 + len(mark) :].decode("latin-1") if whole else None
        start = end + 4
    return None


def _open_unlimited(file: BinaryIO) -> ImageFile.ImageFile:
    """Open past Pillow's guard against huge pictures, which refuses 20000 × 20000 pixels.

    The guard is one setting for the whole process, so it is put back at once; ours follows.
    """
    with _LIMIT:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(file, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _check_single(picture: ImageFile.ImageFile, path: Path) -> None:
    frames = getattr(picture, "n_frames", 1)
    if frames != 1 and picture.format != "MPO":  # a camera's MPO adds previews to its JPEG
        raise InputError(path, found=f"{frames} pictures in one file", expected="one picture")
