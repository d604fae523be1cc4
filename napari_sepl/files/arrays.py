"""Readers of .npy and .npz files, which run nothing that is pickled in them."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeGuard

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import brief, parse_json, read_whole, reading

SUFFIXES = frozenset((".npy", ".npz"))
"""Endings, in lower case, of the files `open_array` takes."""

TENSOR_SUFFIXES = frozenset((".pt", ".pth", ".safetensors"))
"""Endings, in lower case, of files of tensors."""

_ARCHIVE = b"PK"  # a .npz is a zip file, whatever it is called
_EXPECTED = "one array of numbers saved by numpy; pickled objects are refused, for they run code"
_FREE, _MOST_UNPACKED = 2**28, 100
"""Bytes that any archive may unpack to, and bytes for each byte of a larger one."""

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
        packed = file.read(len(_ARCHIVE)) == _ARCHIVE
        file.seek(0)
        if packed:
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
        if name in present and not (name == "arr_0" and "arr_1" in present):  # else which one?
            return present[name]
    raise InputError(
        path,
        found=f"{len(present)} arrays ({', '.join(list(present)[:8]) or 'none'})",
        expected=f"one array, or one named {' or '.join(names)}",
    )


def archive_names(path: Path) -> list[str]:
    """Return the names of the arrays in an archive; none of a file that is no archive."""
    with reading(path, _EXPECTED) as file:
        if file.read(len(_ARCHIVE)) != _ARCHIVE:
            return []
        with zipfile.ZipFile(file) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]


def read_archive(path: Path, is_wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    """Read arrays of a .npz file by their names.

    Parameters
    ----------
    path : Path
        The file.
    is_wanted : callable
        Returns whether an array is to be read, by its name.

    Raises
    ------
    InputError
        If the file is damaged or no such file, an array holds Python objects, or they would take
        far more memory than the file.
    """
    found: dict[str, NDArray[Any]] = {}
    with reading(path, _EXPECTED) as file, zipfile.ZipFile(file) as archive:
        left = max(_FREE, _MOST_UNPACKED * os.fstat(file.fileno()).st_size)
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if not is_wanted(name):
                continue
            if name in found:
                raise InputError(path, found=f"the array {name!r} twice", expected="each once")
            with archive.open(info) as member:
                stored = _stored(path, member, info.file_size, mapped=False)
                left -= stored.header.nbytes
                if left < 0:
                    raise InputError(
                        path,
                        found="arrays far larger than their file",
                        expected=f"at most {_MOST_UNPACKED} times its size",
                    )
                found[name] = stored.whole()
                member.read()  # to the end, where the checksum is checked
    return found


_TENSOR_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "<i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "?",
}  # fmt: skip
_MAX_HEADER, _MOST_AXES, _MOST_LONG = 10**8, 8, 2**48


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read the tensors of a .safetensors file by their names; bfloat16 as float32.

    The file is the length of a header in 8 bytes, the header in JSON, and the numbers.

    Raises
    ------
    InputError
        If the file cannot be read or is no such file.
    """
    expected = "tensors in a .safetensors file"
    with reading(path, expected) as file:
        content = read_whole(file, path, expected)
        length = int.from_bytes(content[:8], "little")
        if len(content) < 8 or length > min(len(content) - 8, _MAX_HEADER):
            found = f"a header of {length:,} bytes in a file of {len(content):,}"
            raise InputError(path, found=found, expected=expected)
        header = parse_json(content[8 : 8 + length], path, expected)
        if not isinstance(header, dict):
            raise InputError(path, found="a header without names", expected=expected)
        data = memoryview(content)[8 + length :]
        return {
            name: _tensor(path, name, entry, data)
            for name, entry in header.items()
            if name != "__metadata__"
        }


def _tensor(path: Path, name: str, entry: Any, data: memoryview) -> NDArray[Any]:
    wrong = InputError(
        path,
        found=f"the tensor {name[:60]!r} with {brief(entry)}",
        expected="dtype, shape and data_offsets within the file",
    )
    if not isinstance(entry, dict):
        raise wrong
    code, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    kind = _TENSOR_TYPES.get(code) if isinstance(code, str) else None
    if kind is None or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise wrong
    dtype, (start, end) = np.dtype(kind), offsets
    if end - start != prod(shape) * dtype.itemsize or end > len(data):
        raise wrong
    numbers = np.frombuffer(data[start:end], dtype).reshape(shape)
    if code == "BF16":  # the upper half of a float32
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers


def _are_sizes(numbers: Any) -> TypeGuard[list[int]]:
    return (
        isinstance(numbers, list)
        and len(numbers) <= _MOST_AXES
        and all(type(number) is int and 0 <= number < _MOST_LONG for number in numbers)
    )
