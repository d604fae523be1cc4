"""How torch pickles tensors, built as arrays without torch.

In a plain pickle a tensor is a view (offset, sizes, strides) of a storage, and the storage is a
file of its own inside the pickle, as ``torch.save`` writes it: since torch 0.4 in the older of its
two layouts, pickles one after the other with the numbers behind; a zip archive is read too.
"""

import io
import zipfile
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.files.pickles.machine import Builder, Machine, Name, UnfitPickle
from napari_sepl.files.pickles.numpy_parts import checked_shape

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_BFLOAT16 = "bfloat16"
_TYPES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage": _BFLOAT16,
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "b1",
}  # fmt: skip
_STORAGES: dict[Name, Builder | None] = dict.fromkeys(
    [Name("torch", name) for name in _TYPES], None
)


class _Stored:
    """A storage that a pickle refers to; its numbers stand behind the pickle, or beside it."""

    def __init__(self, identity: Any) -> None:
        kind, storage, key, _device, count, *view = identity
        if kind not in ("storage", b"storage") or any(part is not None for part in view):
            raise UnfitPickle("a torch storage that is part of another")
        if not isinstance(storage, Name) or not isinstance(key, str):
            raise TypeError("no storage")
        self.code, self.key, (self.count,) = _TYPES[storage.name], key, checked_shape(count)

    def numbers(self, content: bytes, order: str) -> NDArray[Any]:
        """Return the (N,) numbers that these bytes stand for; bfloat16 as float32."""
        itemsize = 2 if self.code == _BFLOAT16 else int(self.code[1:])
        if len(content) != self.count * itemsize:
            raise ValueError(f"{len(content)} bytes for {self.count} numbers of a tensor")
        if self.code == _BFLOAT16:  # the upper half of a float32
            halves = np.frombuffer(content, order + "u2").astype(np.uint32)
            return (halves << 16).view(np.float32)
        return np.frombuffer(content, order + self.code)


def _load_from_bytes(blob: Any) -> NDArray[Any]:
    """Return the (N,) numbers of a storage that was pickled as a file within the file."""
    if not isinstance(blob, bytes | bytearray):
        raise TypeError("no bytes for a torch storage")
    return _from_zip(bytes(blob)) if blob[:2] == b"PK" else _from_pickles(bytes(blob))


def _from_pickles(blob: bytes) -> NDArray[Any]:
    file = io.BytesIO(blob)
    magic, protocol = Machine({}).run(file), Machine({}).run(file)
    system = Machine({}).run(file)
    if magic != _MAGIC or protocol != _PROTOCOL or not isinstance(system, Mapping):
        raise UnfitPickle("a torch storage in a layout that is not known")
    stored = Machine(_STORAGES, _Stored).run(file)
    keys = Machine({}).run(file)
    if not isinstance(stored, _Stored) or keys != [stored.key]:
        raise UnfitPickle("a torch file of something else than one storage")
    little = system.get("little_endian", True)
    count = int.from_bytes(file.read(8), "little" if little else "big")
    if count != stored.count:
        raise ValueError(f"a torch storage of {count} numbers for {stored.count}")
    return stored.numbers(file.read(), "<" if little else ">")


def _from_zip(blob: bytes) -> NDArray[Any]:
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        members = {name.partition("/")[2]: name for name in archive.namelist()}
        with io.BytesIO(_member(archive, members["data.pkl"])) as file:
            stored = Machine(_STORAGES, _Stored).run(file)
        if not isinstance(stored, _Stored):
            raise UnfitPickle("a torch file of something else than one storage")
        little = True
        if "byteorder" in members:
            little = _member(archive, members["byteorder"]) == b"little"
        content = _member(archive, members[f"data/{stored.key}"])
    return stored.numbers(content, "<" if little else ">")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes; torch compresses none, so that none can grow."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise UnfitPickle("a torch file that is compressed")
    return archive.read(name)


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> NDArray[Any]:
    """Return the view of a storage that a tensor is."""
    if not isinstance(storage, np.ndarray) or storage.ndim != 1:
        raise TypeError("no storage of a tensor")
    (offset,), size, stride = checked_shape(offset), checked_shape(size), checked_shape(stride)
    if len(size) != len(stride):
        raise ValueError(f"strides {stride} for a tensor of shape {size}")
    if not prod(size):
        return np.empty(size, storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= storage.size or prod(size) > storage.size:
        raise ValueError(f"a tensor of shape {size}, larger than what is stored of it")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


def _hooks() -> dict[Any, Any]:
    """Return the OrderedDict of a tensor's hooks, of which there are none."""
    return {}


KNOWN: dict[Name, Builder | None] = {
    Name("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    Name("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    Name("torch.storage", "_load_from_bytes"): _load_from_bytes,
    Name("collections", "OrderedDict"): _hooks,
}
