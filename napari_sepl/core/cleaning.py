"""Tidying one class of a label map: holes, islands, and borders that miss those of masks.

Every function takes an (H, W) uint8 label map, leaves it as it is and returns a new one. 0 and 255
are labels like others here. Pixels with a protected label keep it, and no pixel gets one.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core._jit import jit

_EIGHT = np.ones((3, 3), np.bool_)


def fill_holes(
    labels: NDArray[np.uint8], class_id: int, largest: int, *, protected: Collection[int] = ()
) -> NDArray[np.uint8]:
    """Give a class the holes in it.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    largest : int
        Pixels of the largest hole to fill. A hole is a stretch of other labels, connected by the
        four neighbours of a pixel, that does not touch the border of the image.
    protected : collection of int
        Labels that must stay; such pixels count as part of the hole they lie in.

    Returns
    -------
    (H, W) uint8
        The new label map.
    """
    filled = labels.copy()
    changeable = _changeable(protected)
    box = _box_around(labels, class_id, changeable)
    if box is None:
        return filled
    view = filled[box]
    stretches, count = ndimage.label(view != class_id)
    totals, _ = _count_class(view, stretches, class_id, count + 1)
    fills = totals <= largest
    for edge in (stretches[0], stretches[-1], stretches[:, 0], stretches[:, -1]):
        fills[edge] = False  # it goes on to the image's border
    view[fills[stretches] & changeable[view]] = class_id
    return filled


def drop_islands(
    labels: NDArray[np.uint8], class_id: int, smallest: int, *, protected: Collection[int] = ()
) -> NDArray[np.uint8]:
    """Give small regions of a class the label that is most common around them.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    smallest : int
        Pixels of the smallest region that stays. Regions are connected by eight neighbours.
    protected : collection of int
        Labels that must stay and that no region takes.

    Returns
    -------
    (H, W) uint8
        The new label map. Each pixel that touches a region counts once, and of equally common
        labels the lowest wins. A region that touches no label it may take stays.
    """
    kept = labels.copy()
    changeable = _changeable(protected)
    box = _box_around(labels, class_id, changeable)
    if box is None:
        return kept
    view = kept[box]
    inside = view == class_id
    regions, count = ndimage.label(inside, _EIGHT)
    _, held = _count_class(view, regions, class_id, count + 1)
    positions, offsets = _group(regions, inside, np.where(held < smallest, held, 0))
    winners = _most_common_around(view, regions, positions, offsets, changeable)
    taken = np.repeat(winners, np.diff(offsets))
    changing = taken >= 0
    view[np.divmod(positions[changing], view.shape[1])] = taken[changing]
    return kept


def grow_to_borders(
    labels: NDArray[np.uint8],
    class_id: int,
    atoms: NDArray[np.int32],
    *,
    share: float = 0.5,
    protected: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Give a class the whole of each atom of which it has enough.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    atoms : (H, W) int32
        As `find_atoms` numbers them. Atom 0, where no mask is, stays as it is.
    share : float
        An atom goes to the class if more than this share of its pixels carries it already.
    protected : collection of int
        Labels that must stay; such pixels count as part of their atom.

    Returns
    -------
    (H, W) uint8
        The new label map.
    """
    _check_atoms(labels, atoms)
    grown = labels.copy()
    changeable = _changeable(protected)
    if changeable[class_id]:
        totals, held = _count_class(labels, atoms, class_id, int(atoms.max(initial=0)) + 1)
        grows = held > share * totals
        grows[0] = False
        grown[grows[atoms] & changeable[labels]] = class_id
    return grown


def cut_at_borders(
    labels: NDArray[np.uint8],
    class_id: int,
    atoms: NDArray[np.int32],
    *,
    share: float = 0.5,
    protected: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Take from a class what it has of atoms that are mostly something else.

    Parameters
    ----------
    labels : (H, W) uint8
        The label map.
    class_id : int
        The class, 0..255.
    atoms : (H, W) int32
        As `find_atoms` numbers them; atom 0, where no mask is, is one like others.
    share : float
        An atom is taken from the class if at most this share of its pixels carries it.
    protected : collection of int
        Labels that must stay and that no pixel takes.

    Returns
    -------
    (H, W) uint8
        The new label map. The pixels take the label that most of the atom's other pixels have, of
        equally common ones the lowest. A region of the class, connected by eight neighbours, of
        which nothing would be left stays as it is.
    """
    _check_atoms(labels, atoms)
    cut = labels.copy()
    changeable = _changeable(protected)
    box = _box_around(labels, class_id, changeable)
    if box is None:
        return cut
    totals, held = _count_class(labels, atoms, class_id, int(atoms.max()) + 1)
    crossed = (held > 0) & (held <= share * totals)  # most atoms hold nothing of the class
    others = np.where(crossed, totals - held, 0)
    winners = _most_common(labels, *_group(atoms, labels != class_id, others), changeable)
    view, taken = cut[box], winners[atoms[box]]
    inside = view == class_id
    regions, count = ndimage.label(inside, _EIGHT)
    outlives = np.zeros(count + 1, np.bool_)
    outlives[regions[inside & (taken < 0)]] = True
    changing = outlives[regions] & (taken >= 0)
    view[changing] = taken[changing]
    return cut


def _changeable(protected: Collection[int]) -> NDArray[np.bool_]:
    """Return (256,) bool: which labels pixels may lose and get."""
    changeable = np.ones(256, np.bool_)
    changeable[list(protected)] = False
    return changeable


def _box_around(
    labels: NDArray[np.uint8], class_id: int, changeable: NDArray[np.bool_]
) -> tuple[slice, slice] | None:
    """Return the box of a class, a pixel wider each way; None if no pixel of it may change."""
    inside = labels == class_id
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not changeable[class_id] or not len(rows):
        return None
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(cols[0] - 1, 0), cols[-1] + 2)


def _check_atoms(labels: NDArray[np.uint8], atoms: NDArray[np.int32]) -> None:
    if atoms.shape != labels.shape:
        raise ValueError(f"atoms have shape {atoms.shape}, not {labels.shape} as the labels")


@jit
def _count_class(
    labels: NDArray[np.uint8], numbers: NDArray[np.int32], class_id: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each number how many pixels have it and how many of them carry the class."""
    totals, held = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for row in range(numbers.shape[0]):
        for col in range(numbers.shape[1]):
            totals[numbers[row, col]] += 1
            held[numbers[row, col]] += labels[row, col] == class_id
    return totals, held


@jit
def _group(
    numbers: NDArray[np.int32], members: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the row-major positions of each number's members, where it has any, and offsets."""
    rows, cols = numbers.shape
    offsets = np.zeros(sizes.size + 1, np.int64)
    offsets[1:] = np.cumsum(sizes)
    positions = np.empty(offsets[-1], np.int32)
    ends = offsets[:-1].copy()
    for row in range(rows):
        for col in range(cols):
            number = numbers[row, col]
            if members[row, col] and sizes[number]:
                positions[ends[number]] = row * cols + col
                ends[number] += 1
    return positions, offsets


@jit
def _most_common(
    labels: NDArray[np.uint8],
    positions: NDArray[np.int32],
    offsets: NDArray[np.int64],
    changeable: NDArray[np.bool_],
) -> NDArray[np.int16]:
    """Return the label that most pixels of each group have, -1 for none that may be taken."""
    winners = np.full(offsets.size - 1, -1, np.int16)
    counts = np.zeros(256, np.int64)
    for group in range(winners.size):
        counts[:] = 0
        for position in positions[offsets[group] : offsets[group + 1]]:
            counts[labels[position // labels.shape[1], position % labels.shape[1]]] += 1
        winners[group] = _highest(counts, changeable)
    return winners


@jit
def _most_common_around(
    labels: NDArray[np.uint8],
    regions: NDArray[np.int32],
    positions: NDArray[np.int32],
    offsets: NDArray[np.int64],
    changeable: NDArray[np.bool_],
) -> NDArray[np.int16]:
    """Return the label that most pixels around each group have, -1 for none that may be taken."""
    rows, cols = regions.shape
    winners = np.full(offsets.size - 1, -1, np.int16)
    counts = np.zeros(256, np.int64)
    for region in range(winners.size):
        counts[:] = 0
        for position in positions[offsets[region] : offsets[region + 1]]:
            top, left = position // cols - 1, position % cols - 1
            for row in range(max(top, 0), min(top + 3, rows)):
                for col in range(max(left, 0), min(left + 3, cols)):
                    if not regions[row, col] and position == _first(regions, row, col, region):
                        counts[labels[row, col]] += 1
        winners[region] = _highest(counts, changeable)
    return winners


@jit
def _first(regions: NDArray[np.int32], row: int, col: int, region: int) -> int:
    """Return the first position of a region beside a pixel, so that it counts the pixel once."""
    rows, cols = regions.shape
    for beside in range(max(row - 1, 0), min(row + 2, rows)):
        for along in range(max(col - 1, 0), min(col + 2, cols)):
            if regions[beside, along] == region:
                return int(beside * cols + along)
    return -1


@jit
def _highest(counts: NDArray[np.int64], changeable: NDArray[np.bool_]) -> int:
    """Return the lowest of the most counted labels that may be taken, -1 for none."""
    winner, most = -1, 0
    for label in range(counts.size):
        if changeable[label] and counts[label] > most:
            winner, most = label, counts[label]
    return winner
