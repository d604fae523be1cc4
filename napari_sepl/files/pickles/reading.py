"""Reading the one value that a .npy or .pkl file has pickled."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import DAMAGE, read_whole, reading, tell
from napari_sepl.files.arrays import read_header
from napari_sepl.files.pickles import numpy_parts, torch_parts
from napari_sepl.files.pickles.machine import Machine, UnfitPickle
from napari_sepl.files.pickles.numpy_parts import PickledArray

SUFFIXES = frozenset((".pkl", ".pickle"))
"""Endings, in lower case, of files that are one pickle."""

_KNOWN = numpy_parts.KNOWN | torch_parts.KNOWN
_EXPECTED = "numpy arrays, torch tensors, numbers, text, lists and dictionaries, and nothing else"
_PLAIN = (str, bytes, bytearray, int, float, np.ndarray)
_MAX_DEPTH = 8


def holds_objects(path: Path) -> bool:
    """Tell whether a .npy file holds a pickled Python object, by its header alone.

    A file that is no .npy file, or has a damaged header, does not.

    Raises
    ------
    InputError
        If the file cannot be opened.
    """
    with reading(path, "a .npy file") as file:
        try:
            return read_header(file).holds_object
        except DAMAGE:
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
    with reading(path, _EXPECTED) as file:
        content = io.BytesIO(read_whole(file, path, _EXPECTED))  # no more room than there is
        if path.suffix.lower() not in SUFFIXES and not read_header(content).holds_object:
            raise InputError(path, found="no object, but an array", expected=_EXPECTED)
        try:
            return _plain(Machine(_KNOWN).run(content), {})
        except UnfitPickle as error:
            raise InputError(path, found=str(error), expected=_EXPECTED) from error


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
