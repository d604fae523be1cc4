"""How well labels agree with the truth."""

from dataclasses import dataclass
from typing import Any

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
    def nothing(cls) -> "Confusion":
        """Return the counts of no image."""
        return cls(np.zeros((256, 256), np.int64))

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

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as the cells that are not 0: some 100 bytes, not 512 kB."""
        cells = np.nonzero(self.counts)
        return _of_cells, (*(axis.astype(np.uint8) for axis in cells), self.counts[cells])

    @property
    def wanted(self) -> NDArray[np.int64]:
        """(255,) int64: pixels of each class in the truth."""
        return self._summed(axis=1)

    @property
    def found(self) -> NDArray[np.int64]:
        """(255,) int64: pixels of each class in the labels, but those where the truth is void."""
        return self._summed(axis=0)

    @property
    def right(self) -> NDArray[np.int64]:
        """(255,) int64: pixels of each class in both."""
        return np.diag(self.counts)[:IGNORE]

    def _summed(self, axis: int) -> NDArray[np.int64]:
        summed: NDArray[np.int64] = self.counts.sum(axis=axis)
        return summed[:IGNORE]

    @property
    def iou(self) -> NDArray[np.float64]:
        """(255,) float64: intersection over union of each class; NaN for one in neither."""
        return share(self.right, self.found + self.wanted - self.right)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(255,) float64: share of each class's labels that is right; NaN for one in no label."""
        return share(self.right, self.found)

    @property
    def recall(self) -> NDArray[np.float64]:
        """(255,) float64: share of each class that is found; NaN for one not in the truth."""
        return share(self.right, self.wanted)


def share(part: NDArray[Any], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return part / whole, NaN where the whole is nothing."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _of_cells(
    truth: NDArray[np.uint8], labels: NDArray[np.uint8], pixels: NDArray[np.int64]
) -> Confusion:
    counts = np.zeros((256, 256), np.int64)
    counts[truth, labels] = pixels
    return Confusion(counts)
