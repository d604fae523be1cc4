"""The regions into which the borders of all masks together cut an image."""

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.runs import paint_runs
from napari_sepl.core.masks.transpose import to_rows

_SEED = 0  # fixed, so that one image always gives the same atoms


def find_superpixels(masks: MaskSet) -> NDArray[np.int32]:
    """Give each stretch of pixels that no mask border crosses a number of its own.

    Parameters
    ----------
    masks : MaskSet
        The N masks.

    Returns
    -------
    (H, W) int32
        Pixels that are connected by their four neighbours and lie in the same masks have one
        number, counted from 1 in row-major order of each atom's first pixel. Pixels in no mask
        have 0, connected or not.

    Notes
    -----
    Two sets of masks are told apart by the exclusive or of a random 64-bit number for each mask,
    which is the same for two given sets with a chance of 2**-64. Only sets that meet on the image
    are compared: where they meet a million times, one image in 10**13 comes out wrong.
    """
    starts, stops, hashes = _stretches(masks)
    height, width = masks.shape
    flat = np.zeros(height * width, np.int32)
    starts, stops, hashes = _cut_into_columns(starts, stops, hashes, height)
    superpixels = _number(_join(starts, stops, hashes, height), starts, height, width)
    each = np.arange(len(starts) + 1)
    paint_runs(flat, starts, stops, each, each[:-1], superpixels)
    return to_rows(flat, masks.shape)


def piece_areas(
    starts: NDArray[np.int32], stops: NDArray[np.int32], height: int
) -> NDArray[np.int64]:
    """Return the pixels of each piece of a region that is connected by four neighbours.

    Parameters
    ----------
    starts, stops : (R,) int32
        The region's runs, column-major and ascending.
    height : int
        Height of the image in pixels.
    """
    alike = np.zeros(len(starts), np.uint64)
    starts, stops, alike = _cut_into_columns(starts, stops, alike, height)
    summed = np.bincount(_join(starts, stops, alike, height), weights=stops - starts)
    return summed[summed > 0].astype(np.int64)


def _stretches(
    masks: MaskSet,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]]:
    """Return starts, stops and hashes of the stretches, down columns, that lie in some mask."""
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
def _cut_into_columns(
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    height: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]]:
    """Cut stretches where one column ends and the next begins."""
    count = 0
    for i in range(starts.size):
        count += (stops[i] - 1) // height - starts[i] // height + 1
    cut_starts = np.empty(count, np.int32)
    cut_stops = np.empty(count, np.int32)
    cut_hashes = np.empty(count, np.uint64)
    at = 0
    for i in range(starts.size):
        first, last = starts[i] // height, (stops[i] - 1) // height
        for col in range(first, last + 1):
            cut_starts[at] = starts[i] if col == first else col * height
            cut_stops[at] = stops[i] if col == last else (col + 1) * height
            cut_hashes[at] = hashes[i]
            at += 1
    return cut_starts, cut_stops, cut_hashes


@jit
def _join(
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    height: int,
) -> NDArray[np.int32]:
    """Return for each stretch one that stands for all connected ones of the same hash."""
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
    """Follow `above` to its end, halving the path for those who come after."""
    while above[i] != i:
        above[i] = above[above[i]]
        i = above[i]
    return i


def _number(
    roots: NDArray[np.int32], starts: NDArray[np.int32], height: int, width: int
) -> NDArray[np.int32]:
    """Count the roots by their first pixel in row-major order; return each stretch's number."""
    firsts = starts % height * width + starts // height
    first_of = np.full(len(roots), height * width, np.int32)
    np.minimum.at(first_of, roots, firsts)
    numbers = np.zeros(len(roots), np.int32)
    found = np.unique(roots)
    numbers[found[np.argsort(first_of[found])]] = np.arange(1, len(found) + 1)
    return numbers[roots]
