"""Agreement of labels with the ground truth: pixels, outlines, and the figures of SEPL's authors.

Boundary IoU is that of Cheng et al., CVPR 2021.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import check_size
from napari_sepl.core.labels.pixels import IGNORE, count_labels


@jit
def _count_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count pairs at (second, first), in two tables for speed."""
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
    """Pixel counts of ground truth against labels, without ignore; add them up over images.

    Parameters
    ----------
    counts : (256, 256) int64
        Row: ground truth, column: label. A label of 255 is a false negative, in its own column.
    """

    counts: NDArray[np.int64]

    @classmethod
    def nothing(cls) -> "Confusion":
        """Return the counts of no image."""
        return cls(np.zeros((256, 256), np.int64))

    @classmethod
    def of(cls, labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> "Confusion":
        """Compare two (H, W) uint8 maps, without the pixels that are 255 in the ground truth.

        Raises
        ------
        InputError
            If their sizes differ.
        """
        check_size("labels", labels.shape, truth.shape, "the ground truth")
        counts = _count_pairs(labels.ravel(), truth.ravel())
        counts[IGNORE] = 0
        return cls(counts)

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(self.counts + other.counts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the cells that are not 0 alone: some 100 bytes, not 512 kB."""
        cells = np.nonzero(self.counts)
        return _of_cells, (*(axis.astype(np.uint8) for axis in cells), self.counts[cells])

    @property
    def wanted(self) -> NDArray[np.int64]:
        """(255,) int64: pixels of each class in the ground truth."""
        return self._summed(axis=1)

    @property
    def found(self) -> NDArray[np.int64]:
        """(255,) int64: pixels of each class in the labels, without ignore in the ground truth."""
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
        """(255,) float64: share of each class that is found; NaN for one without ground truth."""
        return share(self.right, self.wanted)


def share(part: NDArray[Any], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return part / whole, NaN where the whole is 0."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _of_cells(
    truth: NDArray[np.uint8], labels: NDArray[np.uint8], pixels: NDArray[np.int64]
) -> Confusion:
    counts = np.zeros((256, 256), np.int64)
    counts[truth, labels] = pixels
    return Confusion(counts)


_TINY = 1e-10  # the authors add it to each whole


@dataclass(frozen=True)
class ReleasedMetrics:
    """Figures that ``Processor.evaluate`` of SAM_WSSS writes for one image, 0..1, three digits.

    It visits the classes of the image's ground truth by id, without background and without classes
    that only the labels hold. It never resets the sums of pixels from class to class, so that the
    k-th IoU, precision and recall are those of the first k classes together; the image's figures
    are the means of these. Ignore does not count. The program writes a line for each image and no
    figure for the dataset.

    Parameters
    ----------
    iou, precision, recall : float
        The means; NaN for an image whose ground truth is background alone.
    """

    iou: float
    precision: float
    recall: float

    @classmethod
    def of(cls, confusion: Confusion) -> "ReleasedMetrics":
        """Return the figures for the counts of one image."""
        classes = np.flatnonzero(confusion.wanted[1:]) + 1
        if not classes.size:
            return cls(np.nan, np.nan, np.nan)
        right, found, wanted = (
            np.cumsum(counts[classes])
            for counts in (confusion.right, confusion.found, confusion.wanted)
        )
        wholes = (wanted + found - right, found, wanted)
        return cls(*(float(round(np.mean(right / (whole + _TINY)), 3)) for whole in wholes))


DILATION_RATIO = 0.02
"""Width of the band as a share of the image's diagonal, as in the paper for COCO."""


@dataclass(frozen=True, eq=False)
class BoundaryCounts:
    """Pixel counts of bands along outlines; add them up over images.

    The band of a class is its pixels at most d steps from a pixel outside the class, in steps to
    any of the eight neighbours; pixels outside the image have no class. d is `DILATION_RATIO` of
    the diagonal, rounded, at least 1. Ignore in the ground truth is ignore in both maps: outlines
    of labels within it have the same bands.

    Parameters
    ----------
    right : (255,) int64
        Pixels in the bands of a class in both maps.
    found : (255,) int64
        Pixels in its band in the labels.
    wanted : (255,) int64
        Pixels in its band in the ground truth.
    """

    right: NDArray[np.int64]
    found: NDArray[np.int64]
    wanted: NDArray[np.int64]

    @classmethod
    def nothing(cls) -> "BoundaryCounts":
        """Return the counts of no image."""
        return cls(*np.zeros((3, IGNORE), np.int64))

    @classmethod
    def of(cls, labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> "BoundaryCounts":
        """Compare two (H, W) uint8 maps, without the pixels that are 255 in the ground truth.

        Raises
        ------
        InputError
            If their sizes differ.
        """
        check_size("labels", labels.shape, truth.shape, "the ground truth")
        width = band_width((truth.shape[0], truth.shape[1]))
        wanted = _bands(truth, width)
        found = _bands(np.where(truth == IGNORE, np.uint8(IGNORE), labels), width)
        both = np.where(found == wanted, wanted, np.uint8(IGNORE))
        return cls(*(count_labels(bands)[:IGNORE] for bands in (both, found, wanted)))

    def __add__(self, other: "BoundaryCounts") -> "BoundaryCounts":
        return BoundaryCounts(
            self.right + other.right, self.found + other.found, self.wanted + other.wanted
        )

    @property
    def iou(self) -> NDArray[np.float64]:
        """(255,) float64: intersection over union of each class's bands; NaN for one in neither."""
        return share(self.right, self.found + self.wanted - self.right)


def band_width(shape: tuple[int, int]) -> int:
    """Return d, in pixels, for an image of (height, width)."""
    return max(1, round(DILATION_RATIO * math.hypot(*shape)))


@jit
def _bands(labels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Return (H, W) uint8: each label where it is in its class's band, 255 elsewhere.

    A pixel is in no band if the square around it holds one label: if for 2 · width + 1 rows the
    pixels of its column have this label `width` to the left and to the right.
    """
    bands = labels.copy()
    rows = np.zeros(labels.shape[1], np.int64)  # how many such rows end here
    for row in range(labels.shape[0]):
        stop = 0
        while stop < labels.shape[1]:
            start = stop
            while stop < labels.shape[1] and labels[row, stop] == labels[row, start]:
                stop += 1
            rows[start : min(start + width, stop)] = 0
            rows[max(start, stop - width) : stop] = 0
            for col in range(start + width, stop - width):
                same = row > 0 and labels[row - 1, col] == labels[row, col]
                rows[col] = rows[col] + 1 if same else 1
                if rows[col] > 2 * width:
                    bands[row - width, col] = IGNORE
    return bands
