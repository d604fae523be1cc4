"""Reading the one value that a .npy or .pkl file has pickled."""

import io
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import damaged, read_bytes, unopened
from napari_sepl.files.pickles import numpy_parts, torch_parts
from napari_sepl.files.pickles.machine import Machine, UnfitPickle, tell
from napari_sepl.files.pickles.numpy_parts import PickledArray

SUFFIXES = frozenset((".pkl", ".pickle"))
"""Endings, in lower case, of files that are one pickle."""

_KNOWN = numpy_parts.KNOWN | torch_parts.KNOWN
_DAMAGE = (
    ValueError, EOFError, LookupError, TypeError, AttributeError, struct.error, OverflowError,
    MemoryError, RecursionError, zipfile.BadZipFile, NotImplementedError, RuntimeError,
)  # fmt: skip
_EXPECTED = "numpy arrays, torch tensors, numbers, text, lists and dictionaries, and nothing else"
_PLAIN = (str, bytes, bytearray, int, float, np.ndarray)
_MAX_DEPTH = 8
_HEADER = 1 << 16
"""Bytes within which the header of an array without named fields ends."""


def holds_objects(path: Path) -> bool:
    """Tell whether a .npy file holds a pickled Python object, by its header alone.

    A file that is no .npy file, or has a damaged header, does not.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return _is_object_header(io.BytesIO(file.read(_HEADER)))
    except OSError as error:
        raise unopened(path, error, "a .npy file") from error
    except _DAMAGE:
        return False  # the reader of plain arrays tells what is wrong with it


def read_pickled(path: Path) -> Any:
    """Read what is pickled in a file, building numbers, text, lists, dicts and arrays alone.

    Parameters
    ----------
    path : Path
        A .npy file of one object, as ``numpy.save`` writes a dictionary, or a pickle.

    Returns
    -------
    value
        What was saved; torch tensors as arrays, bfloat16 as float32. Arrays may be read-only.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or names any other Python object: nothing of it
        has been built or run then.
    """
    file = io.BytesIO(read_bytes(path, _EXPECTED))  # which never makes room for more than there is
    try:
        if path.suffix.lower() not in SUFFIXES:
            _skip_header(file)
        return _plain(Machine(_KNOWN).run(file), {})
    except UnfitPickle as error:
        raise InputError(path, found=str(error), expected=_EXPECTED) from error
    except _DAMAGE as error:
        raise damaged(path, error, _EXPECTED) from error


def _is_object_header(file: IO[bytes]) -> bool:
    """Read a .npy header; tell whether one object is pickled behind it."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0,
    }[version]  # fmt: skip
    shape, _fortran, kind = read(file)
    return kind == np.dtype(object) and shape == ()


def _skip_header(file: IO[bytes]) -> None:
    if not _is_object_header(file):
        raise UnfitPickle("no object, but an array")


def _plain(value: Any, done: dict[int, Any], depth: int = 0) -> Any:
    """Return a value with the arrays in place of what they were built in.

    What stands at several places is looked at once: a small file can name a list very often.
    """
    if depth > _MAX_DEPTH:
        raise UnfitPickle(f"containers {_MAX_DEPTH} deep")
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, PickledArray):
        plain = _plain(value.value, done, depth + 1)
    elif isinstance(value, dict):
        plain = {key: _plain(item, done, depth + 1) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        plain = [_plain(item, done, depth + 1) for item in value]
    elif value is None or isinstance(value, _PLAIN):
        return value
    else:
        raise UnfitPickle(f"{tell(value)} for a value")
    done[id(value)] = plain
    return plain
