"""Filling small holes and dropping small islands, as segment-anything does with OpenCV."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_ALL_EIGHT = np.ones((3, 3), np.bool_)


def tidy_mask(mask: NDArray[np.bool_], smallest: int) -> tuple[NDArray[np.bool_], bool]:
    """Fill holes and then drop islands of fewer than `smallest` pixels.

    Parameters
    ----------
    mask : (H, W) bool
        A mask.
    smallest : int
        Pixels. Neighbours at a corner hold together. If all islands are smaller, the largest
        stays (of equal ones the first by rows).

    Returns
    -------
    (H, W) bool
        The tidied mask.
    bool
        Whether anything was filled or dropped.
    """
    filled, first = _remove(mask, smallest, "holes")
    tidied, second = _remove(filled, smallest, "islands")
    return tidied, first or second


def _remove(
    mask: NDArray[np.bool_], smallest: int, what: Literal["holes", "islands"]
) -> tuple[NDArray[np.bool_], bool]:
    regions, count = ndimage.label(~mask if what == "holes" else mask, _ALL_EIGHT)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    small = sizes < smallest
    small[0] = False  # what is no region
    if not small.any():
        return mask, False
    if what == "holes":
        return mask | small[regions], True
    kept = ~small
    kept[0] = False
    if not kept.any():
        kept[1 + int(np.argmax(sizes[1:]))] = True
    return kept[regions], True
