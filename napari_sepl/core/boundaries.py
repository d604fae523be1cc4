"""How well outlines agree with the truth's: boundary IoU (Cheng et al., CVPR 2021)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import InputError
from napari_sepl.core.metrics import count_labels, share
from napari_sepl.core.overlap import IGNORE

DILATION_RATIO = 0.02
"""Width of the band as a share of the picture's diagonal, as in the paper for COCO."""


@dataclass(frozen=True, eq=False)
class BoundaryCounts:
    """Pixel counts of bands along outlines; add them up over images.

    The band of a class are its pixels at most d steps from a pixel that is not of the class, in
    steps to any of the eight neighbours; what lies outside the picture is of no class. d is
    `DILATION_RATIO` of the diagonal, rounded, at least 1. Void is taken out of both maps first:
    where an outline of the labels runs within the void that a truth leaves along its outlines, the
    bands are the same.

    Parameters
    ----------
    right : (255,) int64
        Pixels in the bands of a class in both maps.
    found : (255,) int64
        Pixels in its band in the labels.
    wanted : (255,) int64
        Pixels in its band in the truth.
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
        """Compare two (H, W) uint8 maps; pixels whose truth is 255 are left out.

        Raises
        ------
        InputError
            If their sizes differ.
        """
        if labels.shape != truth.shape:
            sizes = [" × ".join(map(str, each.shape)) for each in (labels, truth)]
            expected = f"{sizes[1]} as the truth"
            raise InputError("labels", found=f"{sizes[0]} pixels", expected=expected)
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
    """Return d, in pixels, for a picture of (height, width)."""
    return max(1, round(DILATION_RATIO * math.hypot(*shape)))


@jit
def _bands(labels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Return (H, W) uint8: each label where it is in its class's band, 255 elsewhere.

    A pixel is in no band if the square around it holds one label: if for 2 · width + 1 rows the
    pixels of its column have this label `width` to the left and to the right.
    """
    bands = labels.copy()
    rows = np.zeros(labels.shape[1], np.int64)  # how many such rows end here, by column
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
