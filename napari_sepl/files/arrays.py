"""Reading .npy and .npz files without ever running what is pickled in them."""

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import damaged, unopened

SUFFIXES = frozenset((".npy", ".npz"))
"""Endings, in lower case, of the files `read_array` takes."""

_ARCHIVE = b"PK"  # a .npz is a zip file, whatever it is called
_DAMAGE = (
    ValueError, EOFError, LookupError, TypeError, struct.error, zlib.error, zipfile.BadZipFile,
    RuntimeError, SyntaxError, tokenize.TokenError, OverflowError, MemoryError,
)  # fmt: skip
_EXPECTED = "one array of numbers saved by numpy; pickled objects are refused, for they run code"


def read_array(path: Path, names: tuple[str, ...]) -> NDArray[Any]:
    """Read the array of a .npy file, or the one that counts in a .npz file.

    Parameters
    ----------
    path : Path
        The file. A .npy is mapped, not read: memory is taken only for what is looked at.
    names : tuple of str
        In a .npz that holds several arrays, the first of these that is there is taken.

    Returns
    -------
    array
        As stored, possibly read-only.

    Raises
    ------
    InputError
        If the file is no such file, is damaged, holds Python objects, or several arrays none of
        which has one of the names.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_ARCHIVE)) != _ARCHIVE:
                return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return np.asarray(archive[_chosen(path, archive.files, names)])
    except InputError:
        raise
    except OSError as error:
        raise unopened(path, error, _EXPECTED) from error
    except _DAMAGE as error:
        raise damaged(path, error, _EXPECTED) from error


def _chosen(path: Path, present: list[str], names: tuple[str, ...]) -> str:
    if len(present) == 1:
        return present[0]
    for name in names:
        if name in present:
            return name
    raise InputError(
        path,
        found=f"{len(present)} arrays: {', '.join(present[:8]) or 'none'}",
        expected=f"one array, or one named {' or '.join(names)}",
    )
