"""Superpixels: the pieces into which the borders of all masks cut an image."""

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.runs import cut_into_columns, paint_runs
from napari_sepl.core.masks.transpose import to_rows

_SEED = 0  # fixed, for the same superpixels in each run


def find_superpixels(masks: MaskSet) -> NDArray[np.int32]:
    """Find and number the superpixels of an image.

    Parameters
    ----------
    masks : MaskSet
        The N masks.

    Returns
    -------
    (H, W) int32
        4-connected pixels in the same masks have one number, from 1 on, in row-major order of each
        superpixel's first pixel. Pixels in no mask have 0, connected or not.

    Notes
    -----
    Sets of masks are compared by the exclusive or of a random 64-bit number for each mask, which is
    equal for two different sets with a chance of 2**-64. With a million comparisons, one image in
    10**13 is wrong.
    """
    starts, stops, hashes = _hash_runs(masks)
    height, width = masks.shape
    flat = np.zeros(height * width, np.int32)
    starts, stops, originals = cut_into_columns(starts, stops, height)
    superpixels = _number(_join(starts, stops, hashes[originals], height), starts, height, width)
    each = np.arange(len(starts) + 1)
    paint_runs(flat, starts, stops, each, each[:-1], superpixels)
    return to_rows(flat, masks.shape)


def component_areas(
    starts: NDArray[np.int32], stops: NDArray[np.int32], height: int
) -> NDArray[np.int64]:
    """Return the area of each 4-connected component of a region.

    Parameters
    ----------
    starts, stops : (R,) int32
        The region's runs, column-major and ascending.
    height : int
        Height of the image in pixels.
    """
    starts, stops, _ = cut_into_columns(starts, stops, height)
    alike = np.zeros(len(starts), np.uint64)
    summed = np.bincount(_join(starts, stops, alike, height), weights=stops - starts)
    return summed[summed > 0].astype(np.int64)


def _hash_runs(
    masks: MaskSet,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]]:
    """Return starts, stops and hashes of the column-major runs inside any mask."""
    runs = masks.runs
    keys = np.random.default_rng(_SEED).integers(2**64, size=len(masks), dtype=np.uint64)
    borders = np.concatenate([runs.starts, runs.stops])
    order = np.argsort(borders)
    borders = borders[order]
    of_run = np.repeat(keys, np.diff(runs.offsets))
    hashes = np.bitwise_xor.accumulate(np.concatenate([of_run, of_run])[order])
    last = np.flatnonzero(borders[1:] != borders[:-1])  # of the borders at one position
    last = last[hashes[last] != 0]
    return borders[last], borders[last + 1], hashes[last]


@jit
def _join(
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    height: int,
) -> NDArray[np.int32]:
    """Return the root of each run: one run of its connected component of equal hash."""
    above = np.arange(starts.size, dtype=np.int32)
    begin = 0
    for left in range(starts.size):
        low, high = np.int64(starts[left]) + height, np.int64(stops[left]) + height
        while begin < starts.size and stops[begin] <= low:
            begin += 1
        right = begin
        while right < starts.size and starts[right] < high:
            if hashes[left] == hashes[right]:
                above[_root(above, right)] = _root(above, left)
            right += 1
    for i in range(above.size):
        above[i] = _root(above, i)
    return above


@jit
def _root(above: NDArray[np.int32], i: int) -> int:
    """Return the end of a path in `above`, and halve the path."""
    while above[i] != i:
        above[i] = above[above[i]]
        i = above[i]
    return i


def _number(
    roots: NDArray[np.int32], starts: NDArray[np.int32], height: int, width: int
) -> NDArray[np.int32]:
    """Return each run's number: that of its root by first pixels in row-major order."""
    firsts = starts % height * width + starts // height
    first_of = np.full(len(roots), height * width, np.int32)
    np.minimum.at(first_of, roots, firsts)
    numbers = np.zeros(len(roots), np.int32)
    found = np.unique(roots)
    numbers[found[np.argsort(first_of[found])]] = np.arange(1, len(found) + 1)
    return numbers[roots]
