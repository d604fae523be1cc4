"""Checks of a file's header and end, without reading its content."""

import os
import zipfile
from io import FileIO
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files import arrays, images
from napari_sepl.files._opening import reading, unopened
from napari_sepl.files.png_chunks import CUT_OFF, PNG, png_chunks

_TAIL = 64  # bytes at the end of a JSON file, among which its last bracket is


def check_head(path: Path) -> None:
    """Raise InputError if a file cannot be opened, or its header alone shows that it is damaged.

    It takes about 0.3 ms. Of images the size is read, and of PNGs the lengths of the chunks; of
    arrays the header, and the table of contents of a .npz; of JSON the last bracket. Folders of
    masks and other files must be readable and not empty. Other damage is not found.

    Parameters
    ----------
    path : Path
        A file of any role, or a folder of masks.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        _check_folder(path)
    elif suffix in arrays.SUFFIXES:
        _check_array(path)
    elif suffix in images.SUFFIXES:
        images.image_size(path)
        _check_end_of_png(path)
    elif suffix == ".json":
        _check_end_of_json(path)
    else:
        with reading(path, "a file with content") as file:
            if not file.read(1):
                raise InputError(path, found="an empty file", expected="a file with content")


def _check_folder(path: Path) -> None:
    try:
        with os.scandir(path) as entries:
            is_empty = next(entries, None) is None
    except OSError as error:
        raise unopened(path, error, "a folder of masks") from error
    if is_empty:
        raise InputError(path, found="an empty folder", expected="a folder of masks")


def _check_array(path: Path) -> None:
    with reading(path, "a file saved by numpy") as file:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive, archive.open(archive.infolist()[0]) as member:
                arrays.read_header(member)
            return
        file.seek(0)
        header = arrays.read_header(file)
        there = os.fstat(file.fileno()).st_size - file.tell()
        if not header.holds_object and header.nbytes > there:
            raise InputError(
                path,
                found=f"{there:,} bytes of numbers (a cut-off file?)",
                expected=f"{header.nbytes:,}",
            )


def _check_end_of_png(path: Path) -> None:
    with reading(path, "an image") as file:
        if file.read(len(PNG)) == PNG:
            unbuffered = FileIO(file.fileno(), closefd=False)
            chunks = png_chunks(unbuffered, os.fstat(file.fileno()).st_size)
            if all(kind != b"IEND" for kind, *_ in chunks):
                raise InputError(path, found=CUT_OFF, expected="an image")


def _check_end_of_json(path: Path) -> None:
    with reading(path, "a JSON file") as file:
        file.seek(max(os.fstat(file.fileno()).st_size - _TAIL, 0))
        if not file.read().rstrip().endswith((b"]", b"}")):
            raise InputError(
                path, found="no bracket at its end (a cut-off file?)", expected="a JSON file"
            )
