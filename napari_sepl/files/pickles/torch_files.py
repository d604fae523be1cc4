"""Reader of the files that ``torch.save`` writes, .pt and .pth, without torch."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import read_whole, reading
from napari_sepl.files.pickles.machine import Machine, UnfitPickle
from napari_sepl.files.pickles.reading import (
    KNOWN,
    MAGIC,
    PROTOCOL,
    STORAGES,
    Stored,
    as_plain,
    zip_member,
)

_EXPECTED = "tensors, numbers, text, lists and dictionaries as torch.save writes them"
_MAX_STORAGES = 2**16


def read_torch_file(path: Path) -> Any:
    """Read a file of ``torch.save``; nothing in it is imported or run.

    Parameters
    ----------
    path : Path
        The file, in either of torch's layouts: a zip archive, or several pickles and the numbers.

    Returns
    -------
    value
        The object; tensors as arrays, bfloat16 as float32. Arrays may be read-only.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or names another Python object.
    """
    with reading(path, _EXPECTED) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            if file.read(2) == b"PK":
                with zipfile.ZipFile(file) as archive:
                    return as_plain(_from_archive(archive, size))
            file.seek(0)
            return as_plain(_from_pickles(io.BytesIO(read_whole(file, path, _EXPECTED))))
        except UnfitPickle as error:
            raise InputError(path, found=str(error), expected=_EXPECTED) from error


def _from_archive(archive: zipfile.ZipFile, size: int) -> Any:
    members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if sum(info.file_size for info in members.values()) > size:
        raise UnfitPickle("a torch file whose parts are larger than the whole")
    order = "<"
    if "byteorder" in members:
        little = zip_member(archive, members["byteorder"].filename) == b"little"
        order = "<" if little else ">"
    read: dict[str, NDArray[Any]] = {}

    def find(identity: Any) -> NDArray[Any]:
        stored = Stored(identity)
        if stored.key not in read:
            content = zip_member(archive, members[f"data/{stored.key}"].filename)
            read[stored.key] = stored.numbers(content, order)
        return _same_kind(read[stored.key], stored)

    with io.BytesIO(zip_member(archive, members["data.pkl"].filename)) as pickled:
        return Machine(KNOWN | STORAGES, find, beside=size).run(pickled)


def _same_kind(numbers: NDArray[Any], stored: Stored) -> NDArray[Any]:
    if numbers.size != stored.count:
        raise ValueError(f"a storage of {numbers.size} numbers named as one of {stored.count}")
    return numbers


def _from_pickles(file: io.BytesIO) -> Any:
    """Return the object of the older layout, whose numbers come last."""
    magic, protocol = Machine({}).run(file), Machine({}).run(file)
    system = Machine({}).run(file)
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, dict):
        raise UnfitPickle("a torch file in a layout that is not known")
    order = "<" if system.get("little_endian", True) else ">"
    start, stored = file.tell(), dict[str, Stored]()

    def note(identity: Any) -> NDArray[Any]:
        one = Stored(identity)
        stored[one.key] = one
        return np.empty(0)

    nothing = {name: _nothing for name in KNOWN if name.module.startswith("torch")}
    Machine({**KNOWN, **nothing, **STORAGES}, note).run(file)
    keys = Machine({}).run(file)
    if not isinstance(keys, list) or len(keys) > _MAX_STORAGES or set(keys) != stored.keys():
        raise UnfitPickle("a torch file whose numbers are not those of its tensors")
    read = {key: _numbers(file, stored[key], order) for key in keys}
    file.seek(start)
    return Machine(KNOWN | STORAGES, lambda identity: read[Stored(identity).key]).run(file)


def _nothing(*_: Any) -> None:
    """Stand for a builder while the pickle's end is looked for."""


def _numbers(file: io.BytesIO, stored: Stored, order: str) -> NDArray[Any]:
    count = int.from_bytes(file.read(8), "little" if order == "<" else "big")
    if count != stored.count:
        raise ValueError(f"a torch storage of {count} numbers for {stored.count}")
    return stored.numbers(file.read(count * stored.itemsize), order)
