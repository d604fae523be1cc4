"""Readers of .npy and .npz files, which run nothing that is pickled in them."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import reading

SUFFIXES = frozenset((".npy", ".npz"))
"""Endings, in lower case, of the files `open_array` takes."""

_ARCHIVE = b"PK"  # a .npz is a zip file, whatever it is called
_EXPECTED = "one array of numbers saved by numpy; pickled objects are refused, for they run code"
_MAX_TURNED = 2**30
"""Bytes of a compressed array, stored column by column, that are unpacked at once."""


@dataclass(frozen=True)
class Header:
    """The header of a .npy file, or of a member of a .npz.

    Parameters
    ----------
    shape : tuple of int
        The array's shape.
    dtype : numpy.dtype
        The type of its numbers.
    by_columns : bool
        Whether the first axis runs fastest, as in Fortran.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool

    @property
    def nbytes(self) -> int:
        """Bytes that the numbers take."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def holds_object(self) -> bool:
        """Whether one pickled Python object follows."""
        return self.dtype == np.dtype(object) and self.shape == ()


@dataclass(frozen=True)
class StoredArray:
    """An array in a file that is open; nothing but its header has been read.

    Parameters
    ----------
    header : Header
        Its shape and type.
    file : file
        Its position is where the numbers begin.
    mapped : bool
        Whether the file is a .npy, which is mapped into memory and read on demand.
    """

    header: Header
    file: IO[bytes]
    mapped: bool

    def whole(self) -> NDArray[Any]:
        """Return the array, read-only."""
        header = self.header
        if not header.nbytes:
            return np.zeros(header.shape, header.dtype)
        if self.mapped:
            numbers: Any = np.memmap(
                self.file, header.dtype, "r", self.file.tell(), (prod(header.shape),)
            )
        else:
            numbers = np.frombuffer(self.file.read(header.nbytes), header.dtype)
        return np.asarray(numbers).reshape(header.shape, order="F" if header.by_columns else "C")

    def planes(self, path: Path) -> Iterator[NDArray[Any]]:
        """Yield the parts along the first axis, one in memory at a time.

        Raises
        ------
        InputError
            If the array is large, compressed, and stored so that this cannot be done.
        """
        header = self.header
        if self.mapped or header.by_columns:
            if not self.mapped and header.nbytes > _MAX_TURNED:
                raise InputError(
                    path,
                    found=f"a compressed array in column order of {header.nbytes:,} bytes",
                    expected="row order, numpy's usual one, for as many",
                )
            yield from self.whole()
            return
        size = header.nbytes // header.shape[0] if header.shape[0] else 0
        for _ in range(header.shape[0]):
            yield np.frombuffer(self.file.read(size), header.dtype).reshape(header.shape[1:])


def read_header(file: IO[bytes]) -> Header:
    """Read the header of a .npy file.

    Raises
    ------
    ValueError, SyntaxError, ...
        If it is none; to be caught by `reading`.
    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"a .npy file of version {version}")
    if min(shape, default=0) < 0:
        raise ValueError(f"the shape {shape}")
    return Header(shape, dtype, by_columns)


@contextmanager
def open_array(path: Path, names: tuple[str, ...]) -> Iterator[StoredArray]:
    """Open the array of a .npy file, or the one that counts in a .npz file.

    Parameters
    ----------
    path : Path
        The file.
    names : tuple of str
        In a .npz that holds several arrays, the first of these names that is there counts.

    Yields
    ------
    StoredArray
        Its header is read; its numbers can be read within the block.

    Raises
    ------
    InputError
        If the file is no such file, is damaged, holds Python objects, or several arrays none of
        which has one of the names.
    """
    with reading(path, _EXPECTED) as file:
        is_archive = file.read(len(_ARCHIVE)) == _ARCHIVE
        file.seek(0)
        if is_archive:
            with zipfile.ZipFile(file) as archive:
                info = archive.getinfo(_chosen(path, archive.namelist(), names))
                with archive.open(info) as member:
                    yield _stored(path, member, info.file_size, mapped=False)
        else:
            yield _stored(path, file, os.fstat(file.fileno()).st_size, mapped=True)


def read_array(path: Path, names: tuple[str, ...]) -> NDArray[Any]:
    """Read an array that `open_array` opens; a .npy is mapped, and read on demand."""
    with open_array(path, names) as stored:
        return stored.whole()


def _stored(path: Path, file: IO[bytes] | BinaryIO, size: int, *, mapped: bool) -> StoredArray:
    header = read_header(file)
    if header.dtype.hasobject:
        raise InputError(path, found="pickled Python objects", expected=_EXPECTED)
    there = size - file.tell()
    if header.nbytes > there:
        raise InputError(
            path,
            found=f"{there:,} bytes of numbers",
            expected=f"{header.nbytes:,} for shape {header.shape} and type {header.dtype} "
            "(a cut-off file?)",
        )
    return StoredArray(header, file, mapped)


def _chosen(path: Path, members: list[str], names: tuple[str, ...]) -> str:
    if len(members) == 1:
        return members[0]
    present = {member.removesuffix(".npy"): member for member in members}
    for name in names:
        if name in present:
            return present[name]
    raise InputError(
        path,
        found=f"{len(present)} arrays: {', '.join(list(present)[:8]) or 'none'}",
        expected=f"one array, or one named {' or '.join(names)}",
    )
