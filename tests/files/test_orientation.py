"""Images lie as OpenCV lays them, which segment-anything's own script reads them with."""

import io
import struct
import zlib
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.files.image_formats import HAS_AVIF
from napari_sepl.files.images import image_size, read_image
from napari_sepl.files.labels import read_labels
from napari_sepl.files.orientation import _read

TALL, WIDE = 16, 32
UP = np.zeros((TALL, WIDE, 3), np.uint8)
UP[:8, :16] = 255
UP[:8, 16:] = 90
STORED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda up: up,
    2: lambda up: up[:, ::-1],
    3: lambda up: up[::-1, ::-1],
    4: lambda up: up[::-1],
    5: lambda up: up.swapaxes(0, 1),
    6: lambda up: np.rot90(up, 1),
    7: lambda up: up[::-1, ::-1].swapaxes(0, 1),
    8: lambda up: np.rot90(up, -1),
}
"""How an upright image is stored under each orientation, as the EXIF standard shows it."""

LOSSLESS: dict[str, dict[str, Any]] = {
    "a.jpg": {"quality": 100, "subsampling": 0},
    "a.png": {},
    "a.webp": {"lossless": True},
}


def stored(orientation: int, up: NDArray[Any] = UP) -> NDArray[Any]:
    return np.ascontiguousarray(STORED[orientation](up))


def exif(orientation: int, order: str = "<", kind: int = 3) -> bytes:
    value = struct.pack(f"{order}{'HH' if kind == 3 else 'I'}", *[orientation, 0][: 5 - kind])
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 1)
    return head + struct.pack(f"{order}HHI", 0x0112, kind, 1) + value + bytes(4)


def save(path: Path, orientation: int) -> Path:
    """Save what is upright under an orientation, in the format of the name."""
    if path.suffix == ".tif":
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, stored(orientation), photometric="rgb", extratags=[tag])
        return path
    extra = exif(orientation) if path.suffix == ".png" else b"Exif\0\0" + exif(orientation)
    Image.fromarray(stored(orientation)).save(path, exif=extra, **LOSSLESS[path.name])
    return path


def png_with(path: Path, *chunks: tuple[bytes, bytes], late: bool = False) -> Path:
    """Save a PNG with chunks before its pixels, or after."""
    file = io.BytesIO()
    Image.fromarray(UP).save(file, "PNG")
    content = file.getvalue()
    place = content.index(b"IEND" if late else b"IDAT") - 4
    made = [
        struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))
        for kind, held in chunks
    ]
    path.write_bytes(content[:place] + b"".join(made) + content[place:])
    return path


def alike(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    return found.shape == wanted.shape and int(np.abs(found.astype(int) - wanted).max()) < 20


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", [*LOSSLESS, "a.tif"])
def test_an_image_is_turned_as_its_file_says(tmp_path: Path, name: str, orientation: int) -> None:
    path = save(tmp_path / name, orientation)
    assert alike(read_image(path), UP)
    assert image_size(path) == (TALL, WIDE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", [*LOSSLESS, "a.tif"])
def test_opencv_turns_it_the_same_way(tmp_path: Path, name: str, orientation: int) -> None:
    cv2 = pytest.importorskip("cv2")
    read = cv2.imread(str(save(tmp_path / name, orientation)))
    if read is None and name == "a.tif" and orientation > 4:
        pytest.skip("this OpenCV reads no TIFF with a quarter turn")
    assert alike(read[..., ::-1], read_image(tmp_path / name))


PNGS: dict[str, Callable[[Path], Path]] = {
    "after the pixels": lambda path: png_with(path, (b"eXIf", exif(3)), late=True),
    "big-endian": lambda path: png_with(path, (b"eXIf", exif(3, ">"))),
    "a long number": lambda path: png_with(path, (b"eXIf", exif(3, kind=4))),
    "none there is": lambda path: png_with(path, (b"eXIf", exif(9))),
    "cut off": lambda path: png_with(path, (b"eXIf", exif(3)[:19])),
    "with JPEG's prefix": lambda path: png_with(path, (b"eXIf", b"Exif\0\0" + exif(3))),
    "in XMP": lambda path: png_with(
        path, (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<a tiff:Orientation="3"/>')
    ),
}
TURNED = ("after the pixels", "big-endian", "a long number")


@pytest.mark.parametrize("kind", PNGS)
def test_what_counts_in_a_png_counts_for_opencv(tmp_path: Path, kind: str) -> None:
    path = PNGS[kind](tmp_path / "a.png")
    wanted = UP[::-1, ::-1] if kind in TURNED else UP
    np.testing.assert_array_equal(read_image(path), wanted)
    if find_spec("cv2") is not None:
        cv2 = import_module("cv2")
        np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], wanted)


@pytest.mark.skipif(not HAS_AVIF, reason="this Pillow reads no AVIF")
def test_an_avif_lies_as_opencv_lays_it(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.fromarray(UP).save(path, quality=100, exif=exif(6))
    assert alike(read_image(path), UP)
    assert image_size(path) == (TALL, WIDE)


def test_a_label_tiff_is_turned_with_its_image(tmp_path: Path) -> None:
    labels = UP[..., 0] // 60
    tag = (274, "H", 1, 6, True)
    tifffile.imwrite(tmp_path / "a.tif", stored(6, labels), extratags=[tag])
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", (TALL, WIDE)), labels)


@given(st.binary(max_size=80))
def test_no_exif_is_an_error(content: bytes) -> None:
    assert _read(content) in range(1, 9)
    assert _read(b"II*\0" + content) in range(1, 9)
