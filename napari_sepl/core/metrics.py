"""How well labels agree with the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import InputError
from napari_sepl.core.overlap import IGNORE


def count_labels(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (256,) int64: pixels of each label in an (H, W) uint8 array."""
    return _count(labels.ravel())


@jit
def _count(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count in four tables, for equal neighbours would wait for each other in one."""
    counts = np.zeros((4, 256), np.int64)
    whole = labels.size // 4 * 4
    for i in range(0, whole, 4):
        for lane in range(4):
            counts[lane, labels[i + lane]] += 1
    for i in range(whole, labels.size):
        counts[0, labels[i]] += 1
    total: NDArray[np.int64] = counts.sum(axis=0)
    return total


@jit
def _count_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count pairs at (second, first), in two tables for the same reason."""
    counts = np.zeros((2, 256, 256), np.int64)
    for i in range(0, first.size - 1, 2):
        counts[0, second[i], first[i]] += 1
        counts[1, second[i + 1], first[i + 1]] += 1
    if first.size % 2:
        counts[0, second[first.size - 1], first[first.size - 1]] += 1
    total: NDArray[np.int64] = counts[0] + counts[1]
    return total


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pixel counts of truth against labels, void left out; add them up over images.

    Parameters
    ----------
    counts : (256, 256) int64
        Row: truth, column: label. A label of 255 counts as missed, in its own column.
    """

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> "Confusion":
        """Compare two (H, W) uint8 maps; pixels whose truth is 255 are left out.

        Raises
        ------
        InputError
            If their sizes differ.
        """
        if labels.shape != truth.shape:
            found, expected = (" × ".join(map(str, a.shape)) for a in (labels, truth))
            raise InputError("labels", found=f"{found} pixels", expected=f"{expected} as the truth")
        counts = _count_pairs(labels.ravel(), truth.ravel())
        counts[IGNORE] = 0
        return cls(counts)

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(self.counts + other.counts)

    @property
    def iou(self) -> NDArray[np.float64]:
        """(255,) float64: intersection over union of each class; NaN for one in neither."""
        right = np.diag(self.counts)[:IGNORE]
        union = self.counts.sum(axis=0)[:IGNORE] + self.counts.sum(axis=1)[:IGNORE] - right
        return np.where(union > 0, right / np.maximum(union, 1), np.nan)
