"""Readers of the pickles of numpy and torch in .npy and .pkl files, built from bytes alone.

In a plain pickle a tensor is a view (offset, sizes, strides) of a storage, and the storage is a
file inside the pickle, as ``torch.save`` writes it: since torch 0.4 in the older of its two
layouts, several pickles and then the numbers; zip archives are read too.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import DAMAGE, brief, read_whole, reading
from napari_sepl.files.arrays import read_header
from napari_sepl.files.pickles.machine import (
    MAX_STEPS,
    Builder,
    Machine,
    Name,
    Shell,
    UnfitPickle,
)

_NUMBER = re.compile(r"b1|[iu][1248]|f[248]")
_OBJECT = re.compile(r"O[48]?")
_MAX_DIMENSIONS = 8


class PickledType(Shell):
    """A number's type; its state is its byte order.

    Parameters
    ----------
    code : str
        Kind and bytes, as "f4".
    """

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not isinstance(code, str) or not (_NUMBER.fullmatch(code) or _OBJECT.fullmatch(code)):
            raise UnfitPickle(f"an array of type {brief(code)}")
        self._code, self._order = code, "="

    @property
    def of_objects(self) -> bool:
        """Whether it is the type of Python objects."""
        return self._code.startswith("O")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type in numpy."""
        if self.of_objects:
            raise UnfitPickle("an array of Python objects")
        return np.dtype(self._order + self._code)

    def fill(self, state: Any) -> None:
        """Set the byte order; the rest of the state belongs to records and dates."""
        _version, order, *rest = state
        order = order.decode("ascii") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "=") or any(part is not None for part in rest[:3]):
            raise UnfitPickle("an array of records")
        self._order = order


class PickledArray(Shell):
    """An array; its state is its shape, type and numbers.

    Attributes
    ----------
    value : array, or any value
        The array; of Python objects, the list of them, or the one of an array without dimensions.
    is_list : bool
        Whether it is a list of Python objects.
    """

    def __init__(self, *_: Any) -> None:
        self.value: Any = None
        self.is_list = False

    def fill(self, state: Any) -> None:
        """Set the array."""
        shape, kind, fortran, content = state[-4:]
        if not isinstance(kind, PickledType):
            raise TypeError("no type of numbers")
        if kind.of_objects:
            shape = checked_shape(shape)
            if len(shape) > 1 or not isinstance(content, list) or prod(shape) != len(content):
                raise UnfitPickle("an array of Python objects")
            self.value, self.is_list = (content, True) if shape else (content[0], False)
        else:
            self.value = _array(content, kind, shape, "F" if fortran else "C")


def _array(content: Any, kind: PickledType, shape: Any, order: str) -> NDArray[Any]:
    if isinstance(content, str):  # bytes of Python 2
        content = content.encode("latin-1")
    if not isinstance(content, bytes | bytearray):
        raise TypeError("no bytes for the numbers of an array")
    shape = checked_shape(shape)
    if prod(shape) * kind.dtype.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for an array of shape {shape}")
    flat = np.frombuffer(content, kind.dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def checked_shape(shape: Any) -> tuple[int, ...]:
    """Return sizes or strides that are whole numbers from 0 on, or raise ValueError."""
    if isinstance(shape, int):
        shape = (shape,)
    numbers = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not numbers or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"the shape {brief(shape)}")
    return tuple(shape)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any, axes: Any = None) -> NDArray[Any]:
    if axes is not None or not isinstance(kind, PickledType):
        raise UnfitPickle("an array with its axes in another order")
    return _array(content, kind, shape, order)


def _number(kind: Any, content: Any) -> Any:
    if not isinstance(kind, PickledType):
        raise TypeError("no type of a number")
    return _array(content, kind, (), "C").item()


def _encoded(text: Any, coding: Any) -> bytes:
    """Return bytes that protocols below 3 write as text."""
    if not isinstance(text, str) or coding != "latin1":
        raise UnfitPickle(f"text in the coding {brief(coding)}")
    return text.encode("latin-1")


def _old_and_new(module: str, name: str) -> list[Name]:
    """Return the names of a function in numpy before and since version 2."""
    return [Name(f"numpy.{core}.{module}", name) for core in ("core", "_core")]


_NUMPY: dict[Name, Builder | None] = {
    Name("numpy", "ndarray"): None,
    Name("numpy", "dtype"): PickledType,
    Name("_codecs", "encode"): _encoded,
    Name("__builtin__", "bytes"): lambda: b"",  # of protocols below 3
    **dict.fromkeys(_old_and_new("multiarray", "_reconstruct"), PickledArray),
    **dict.fromkeys(_old_and_new("multiarray", "scalar"), _number),
    **dict.fromkeys(_old_and_new("numeric", "_frombuffer"), _from_buffer),
}


MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_BFLOAT16 = "bfloat16"
_TYPES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage": _BFLOAT16,
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "b1",
}  # fmt: skip
STORAGES: dict[Name, Builder | None] = dict.fromkeys([Name("torch", name) for name in _TYPES], None)


class Stored:
    """A storage that a pickle refers to; its numbers follow the pickle or are beside it.

    Parameters
    ----------
    identity : tuple
        What the pickle names it by.
    """

    def __init__(self, identity: Any) -> None:
        kind, storage, key, _device, count, *view = identity
        if kind not in ("storage", b"storage") or any(part is not None for part in view):
            raise UnfitPickle("a torch storage that is part of another")
        if not isinstance(storage, Name) or not isinstance(key, str):
            raise TypeError("no storage")
        self.code, self.key, (self.count,) = _TYPES[storage.name], key, checked_shape(count)

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return 2 if self.code == _BFLOAT16 else int(self.code[1:])

    def numbers(self, content: bytes, order: str) -> NDArray[Any]:
        """Return the (N,) numbers of bytes; bfloat16 as float32."""
        if len(content) != self.count * self.itemsize:
            raise ValueError(f"{len(content)} bytes for {self.count} numbers of a tensor")
        if self.code == _BFLOAT16:  # the upper half of a float32
            halves = np.frombuffer(content, order + "u2").astype(np.uint32)
            return (halves << 16).view(np.float32)
        return np.frombuffer(content, order + self.code)


def _load_from_bytes(blob: Any) -> NDArray[Any]:
    """Return the (N,) numbers of a storage, pickled as a file within the file."""
    if not isinstance(blob, bytes | bytearray):
        raise TypeError("no bytes for a torch storage")
    return _from_zip(bytes(blob)) if blob[:2] == b"PK" else _from_pickles(bytes(blob))


def _from_pickles(blob: bytes) -> NDArray[Any]:
    file = io.BytesIO(blob)
    magic, protocol = Machine({}).run(file), Machine({}).run(file)
    system = Machine({}).run(file)
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, Mapping):
        raise UnfitPickle("a torch storage in a layout that is not known")
    stored = Machine(STORAGES, Stored).run(file)
    keys = Machine({}).run(file)
    if not isinstance(stored, Stored) or keys != [stored.key]:
        raise UnfitPickle("a torch file of something else than one storage")
    little = system.get("little_endian", True)
    count = int.from_bytes(file.read(8), "little" if little else "big")
    if count != stored.count:
        raise ValueError(f"a torch storage of {count} numbers for {stored.count}")
    return stored.numbers(file.read(), "<" if little else ">")


def _from_zip(blob: bytes) -> NDArray[Any]:
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        members = {name.partition("/")[2]: name for name in archive.namelist()}
        with io.BytesIO(zip_member(archive, members["data.pkl"])) as file:
            stored = Machine(STORAGES, Stored).run(file)
        if not isinstance(stored, Stored):
            raise UnfitPickle("a torch file of something else than one storage")
        little = True
        if "byteorder" in members:
            little = zip_member(archive, members["byteorder"]) == b"little"
        content = zip_member(archive, members[f"data/{stored.key}"])
    return stored.numbers(content, "<" if little else ">")


def zip_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes; compressed ones, which torch never writes, are refused."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise UnfitPickle("a torch file that is compressed")
    return archive.read(name)


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> NDArray[Any]:
    """Return a tensor as a view of its storage."""
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise TypeError("no storage of a tensor")
    (offset,), size, stride = checked_shape(offset), checked_shape(size), checked_shape(stride)
    if len(size) != len(stride):
        raise ValueError(f"strides {stride} for a tensor of shape {size}")
    if not prod(size):
        return np.empty(size, storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= storage.size or prod(size) > storage.size:
        raise ValueError(f"a tensor of shape {size}, larger than its storage")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


_TORCH: dict[Name, Builder | None] = {
    Name("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    Name("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    Name("torch.storage", "_load_from_bytes"): _load_from_bytes,
    Name("collections", "OrderedDict"): dict,  # of a tensor's hooks, always empty
}


SUFFIXES = frozenset((".pkl", ".pickle"))
"""Endings, in lower case, of files that are one pickle."""

KNOWN = _NUMPY | _TORCH
_EXPECTED = "numpy arrays, torch tensors, numbers, text, lists and dictionaries, and nothing else"
_PLAIN = (str, bytes, bytearray, int, float, np.ndarray)
_MAX_DEPTH = 8


def holds_objects(path: Path, *, listed: bool = False) -> bool:
    """Return whether a .npy file holds a pickled Python object, by its header alone.

    A file that is no .npy file, or has a damaged header, does not.

    Parameters
    ----------
    path : Path
        The file.
    listed : bool
        Whether an array of several Python objects counts too.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    with reading(path, "a .npy file") as file:
        try:
            header = read_header(file)
        except DAMAGE:
            return False  # the reader of plain arrays reports the damage
        return header.holds_object or (listed and header.dtype.hasobject)


def read_pickled(path: Path, *, listed: bool = False, most_steps: int = MAX_STEPS) -> Any:
    """Read a pickled object of numbers, text, lists, dicts and arrays alone.

    Parameters
    ----------
    path : Path
        A .npy file of one object, as ``numpy.save`` writes a dictionary, or a pickle.
    listed : bool
        Whether it may be an array of several objects, as ``numpy.save`` writes a list of
        dictionaries; it is returned as a list.
    most_steps : int
        Instructions that the pickle may have.

    Returns
    -------
    value
        The object; torch tensors as arrays, bfloat16 as float32. Arrays may be read-only.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or names another Python object, of which nothing
        is built or run.
    """
    with reading(path, _EXPECTED) as file:
        content = io.BytesIO(read_whole(file, path, _EXPECTED))  # no more room than there is
        if path.suffix.lower() not in SUFFIXES and not read_header(content).dtype.hasobject:
            raise InputError(path, found="no object, but an array", expected=_EXPECTED)
        try:
            value = Machine(KNOWN, most_steps=most_steps).run(content)
            if listed and isinstance(value, PickledArray) and value.is_list:
                value = value.value
            return as_plain(value)
        except UnfitPickle as error:
            raise InputError(path, found=str(error), expected=_EXPECTED) from error


def as_plain(value: Any) -> Any:
    """Return what a machine built with arrays for their shells; UnfitPickle for anything else."""
    return _plain(value, {})


def _plain(value: Any, done: dict[int, Any], depth: int = 0) -> Any:
    """Return a value with the arrays in place of their shells.

    An object in several places is converted once: a small file can name a list very often.
    """
    if depth > _MAX_DEPTH:
        raise UnfitPickle(f"containers {_MAX_DEPTH} deep")
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, PickledArray):
        if value.is_list:
            raise UnfitPickle("an array of Python objects")
        plain = _plain(value.value, done, depth + 1)
    elif isinstance(value, dict):
        plain = {key: _plain(item, done, depth + 1) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        plain = [_plain(item, done, depth + 1) for item in value]
    elif value is None or isinstance(value, _PLAIN):
        return value
    else:
        raise UnfitPickle(f"{brief(value)} for a value")
    done[id(value)] = plain
    return plain
