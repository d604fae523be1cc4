"""SHA-256 digests of files and label maps, by which inputs and labels are recognised."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import reading


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, or raise InputError if it cannot be read."""
    with reading(path, "a readable file") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
