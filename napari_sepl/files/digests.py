"""SHA-256 digests of files and label maps, by which inputs and labels are recognised."""

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import reading


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, or raise InputError if it cannot be read."""
    with reading(path, "a readable file") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp_file(path: Path) -> str:
    """Return a stamp of a file's state: as long as it is equal, the content need not be read again.

    It holds size, times of the last change in ns, and inode; of a folder the names, sizes and
    times of its entries. Take it before reading, so that a change meanwhile shows. Empty if the
    file cannot be found.
    """
    try:
        state = os.stat(path)  # noqa: PTH116  a third of the time of Path.stat
        if not stat.S_ISDIR(state.st_mode):
            return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"
        with os.scandir(path) as entries:
            states = sorted((entry.name, entry.stat()) for entry in entries)
    except OSError:
        return ""
    content = [(name, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for name, one in states]
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()


def digest_labels(labels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of an (H, W) uint8 label map: its size, then its rows.

    It is the same whatever file format the labels came from.
    """
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise InputError(
            "labels to digest",
            found=f"an array of shape {labels.shape} and type {labels.dtype}",
            expected="shape (H, W) and type uint8",
        )
    digest = hashlib.sha256(np.asarray(labels.shape, "<i8").tobytes())
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()
