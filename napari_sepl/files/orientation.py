"""The orientation that an image's file asks for, applied as OpenCV applies it."""

import io
import struct
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from napari_sepl.files.png_chunks import png_chunks

UPRIGHT = 1
_TAG = 0x0112
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_PREFIX = b"Exif\0\0"
_EXIF_IN_INFO = ("JPEG", "MPO", "WEBP")
_MOST_EXIF = 2**20


def orientation_of(image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation of an opened image, 1 to 8; 1 where it has none.

    As for OpenCV, those of JPEG, PNG and WebP count. In a PNG they may come after the pixels.
    Those of AVIF and what XMP says do not count.
    """
    if image.format == "PNG":
        return _read(_png_exif(image))
    exif = image.info.get("exif", b"") if image.format in _EXIF_IN_INFO else b""
    return _read(exif.removeprefix(_PREFIX))


def is_turned(orientation: int) -> bool:
    """Return whether an orientation swaps height and width."""
    return orientation >= 5


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return an image's pixels, (H, W) or (H, W, C) as they are stored, the right way up.

    Parameters
    ----------
    array : (H, W) or (H, W, C)
        The pixels.
    orientation : int
        The EXIF orientation, 1 to 8.
    """
    if is_turned(orientation):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def known_orientation(value: object) -> int:
    """Return the value of an orientation tag; 1 for what is none."""
    return value if isinstance(value, int) and UPRIGHT <= value <= 8 else UPRIGHT


def _read(exif: bytes) -> int:
    """Return the orientation in EXIF, which has the layout of a TIFF; 1 if it is damaged."""
    order = _ORDERS.get(exif[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, value = struct.unpack_from(f"{order}H6xH", exif, place)
            if tag == _TAG:
                return known_orientation(value)
    except struct.error:
        pass
    return UPRIGHT


def _png_exif(image: ImageFile.ImageFile) -> bytes:
    """Return the content of a PNG's eXIf chunk; the file's position stays."""
    file = cast("BinaryIO", image.fp)  # open until the image is decoded
    before = file.tell()
    try:
        size = file.seek(0, io.SEEK_END)
        for kind, start, stop in png_chunks(file, size):
            if kind == b"eXIf" and stop - start <= _MOST_EXIF:
                file.seek(start + len(kind))
                return file.read(stop - start - len(kind))
    finally:
        file.seek(before)
    return b""
