"""Clean one class of a label map: fill holes, remove small regions, align it with masks.

Each function takes an (H, W) uint8 label map and returns a new one. 0 and 255 are labels like
others. Pixels with a locked label keep it, and no pixel gets one.
"""

from collections.abc import Collection
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_EIGHT = np.ones((3, 3), np.bool_)


def fill_holes(
    labels: NDArray[np.uint8], class_id: int, largest: int, *, locked: Collection[int] = ()
) -> NDArray[np.uint8]:
    """Fill the holes of a class.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    largest : int
        Pixels of the largest hole to fill. A hole is a 4-connected component of other labels that
        does not touch the border of the image.
    locked : collection of int
        Labels that must stay; their pixels count as part of the hole.

    Returns
    -------
    (H, W) uint8
        The new label map.
    """
    filled = labels.copy()
    changeable = _unlocked(locked)
    box = _box_around(labels, class_id, changeable)
    if box is None:
        return filled
    view = filled[box]
    components, count = ndimage.label(view != class_id)
    totals, _ = _count_class(view, components, class_id, count + 1)
    fills = totals <= largest
    for edge in (components[0], components[-1], components[:, 0], components[:, -1]):
        fills[edge] = False  # no hole: it touches the border
    view[fills[components] & changeable[view]] = class_id
    return filled


def drop_islands(
    labels: NDArray[np.uint8], class_id: int, smallest: int, *, locked: Collection[int] = ()
) -> NDArray[np.uint8]:
    """Give small regions of a class the most common label around them.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    smallest : int
        Pixels of the smallest region that stays. Regions are 8-connected.
    locked : collection of int
        Labels that must stay and that no region gets.

    Returns
    -------
    (H, W) uint8
        The new label map. Each pixel that touches a region counts once, and of equally common
        labels the lowest wins. A region that touches locked labels alone stays.
    """
    kept = labels.copy()
    changeable = _unlocked(locked)
    box = _box_around(labels, class_id, changeable)
    if box is None:
        return kept
    view = kept[box]
    inside = view == class_id
    regions, count = ndimage.label(inside, _EIGHT)
    _, held = _count_class(view, regions, class_id, count + 1)
    small = held < smallest
    small[0] = False
    around, rows, cols = _around(regions, small)
    selected = _most_common(around, view[rows, cols], count + 1, changeable)[regions]
    view[selected >= 0] = selected[selected >= 0]
    return kept


def grow_to_borders(
    labels: NDArray[np.uint8],
    class_id: int,
    superpixels: NDArray[np.int32],
    *,
    share: float = 0.5,
    locked: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Extend a class to all of each superpixel of which it has enough.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    superpixels : (H, W) int32
        As `find_superpixels` numbers them. Superpixel 0, without masks, does not change.
    share : float
        A superpixel changes to the class if more than this share of its pixels has it.
    locked : collection of int
        Labels that must stay; their pixels count as part of the superpixel.

    Returns
    -------
    (H, W) uint8
        The new label map.
    """
    _check_superpixels(labels, superpixels)
    grown = labels.copy()
    changeable = _unlocked(locked)
    if changeable[class_id]:
        totals, held = _count_class(
            labels, superpixels, class_id, int(superpixels.max(initial=0)) + 1
        )
        grows = held > share * totals
        grows[0] = False
        grown[grows[superpixels] & changeable[labels]] = class_id
    return grown


def cut_at_borders(
    labels: NDArray[np.uint8],
    class_id: int,
    superpixels: NDArray[np.int32],
    *,
    share: float = 0.5,
    locked: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Remove a class from the superpixels that are mostly something else.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    superpixels : (H, W) int32
        As `find_superpixels` numbers them; superpixel 0, without masks, is like others.
    share : float
        The class is removed if at most this share of the superpixel's pixels has it.
    locked : collection of int
        Labels that must stay and that no pixel gets.

    Returns
    -------
    (H, W) uint8
        The new label map. The pixels get the most common label of the superpixel's other pixels,
        of equally common ones the lowest. An 8-connected region of the class of which nothing
        would be left stays.
    """
    _check_superpixels(labels, superpixels)
    cut = labels.copy()
    changeable = _unlocked(locked)
    box = _box_around(labels, class_id, changeable)
    if box is None:
        return cut
    totals, held = _count_class(labels, superpixels, class_id, int(superpixels.max()) + 1)
    crossed = (held > 0) & (held <= share * totals)  # most superpixels have no pixel of the class
    others = crossed[superpixels] & (labels != class_id)
    winners = _most_common(superpixels[others], labels[others], len(totals), changeable)
    view, selected = cut[box], winners[superpixels[box]]
    inside = view == class_id
    regions, count = ndimage.label(inside, _EIGHT)
    outlives = np.zeros(count + 1, np.bool_)
    outlives[regions[inside & (selected < 0)]] = True
    changing = outlives[regions] & (selected >= 0)
    view[changing] = selected[changing]
    return cut


def _unlocked(locked: Collection[int]) -> NDArray[np.bool_]:
    """Return (256,) bool: which labels are not locked."""
    changeable = np.ones(256, np.bool_)
    changeable[list(locked)] = False
    return changeable


def _box_around(
    labels: NDArray[np.uint8], class_id: int, changeable: NDArray[np.bool_]
) -> tuple[slice, slice] | None:
    """Return the bounding box of a class plus a pixel; None if no pixel of it may change."""
    inside = labels == class_id
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not changeable[class_id] or not len(rows):
        return None
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(cols[0] - 1, 0), cols[-1] + 2)


def _check_superpixels(labels: NDArray[np.uint8], superpixels: NDArray[np.int32]) -> None:
    if superpixels.shape != labels.shape:
        raise ValueError(
            f"superpixels have shape {superpixels.shape}, not {labels.shape} as the labels"
        )


def _count_class(
    labels: NDArray[np.uint8], numbers: NDArray[np.int32], class_id: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each number its pixels, and how many of them have the class."""
    return (
        np.bincount(numbers.ravel(), minlength=size),
        np.bincount(numbers[labels == class_id], minlength=size),
    )


def _around(regions: NDArray[np.int32], small: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """Return each pixel outside all regions that touches a small one: (N,) region, row, col."""
    rows, cols = np.nonzero(small[regions])
    found = []
    for row, col in product((-1, 0, 1), repeat=2):
        beside, along = rows + row, cols + col
        inside = (beside >= 0) & (beside < regions.shape[0])
        inside &= (along >= 0) & (along < regions.shape[1])
        beside, along = beside[inside], along[inside]
        region = regions[rows[inside], cols[inside]].astype(np.intp)
        pair = region * regions.size + beside * regions.shape[1] + along
        found.append(pair[regions[beside, along] == 0])
    pairs = np.unique(np.concatenate(found))  # a pixel counts once for each region
    region, place = np.divmod(pairs, regions.size)
    return region, *np.divmod(place, regions.shape[1])


def _most_common(
    groups: NDArray[np.integer], labels: NDArray[np.uint8], size: int, changeable: NDArray[np.bool_]
) -> NDArray[np.int16]:
    """Return the most common changeable label of each group, -1 for none.

    Parameters
    ----------
    groups : (N,) integers
        The group of each pixel, below `size`.
    labels : (N,) uint8
        The label of each pixel; of equally common ones the lowest wins.
    size : int
        Number of groups.
    changeable : (256,) bool
        Which labels are not locked.
    """
    winners = np.full(size, -1, np.int16)
    present = np.flatnonzero(np.bincount(groups, minlength=size))
    numbers = np.zeros(size, np.intp)
    numbers[present] = np.arange(0, 256 * len(present), 256)
    counts = np.bincount(numbers[groups] + labels, minlength=256 * len(present)).reshape(-1, 256)
    counts[:, ~changeable] = 0
    winners[present] = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
    return winners
