"""The outlines of masks: each can change its colour without a redraw of the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.runs import Runs, cut_into_columns


@dataclass(frozen=True, eq=False)
class MaskOutlines:
    """The pixels of each mask's outline, the smallest mask on top.

    Parameters
    ----------
    positions : (P,) int32
        Row-major positions (``row * width + col``), grouped by mask.
    offsets : (N + 1,) int64
        Mask n owns ``positions[offsets[n]:offsets[n + 1]]``.
    """

    positions: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, masks: MaskSet, width: int = 1) -> "MaskOutlines":
        """Return the outlines of masks, `width` pixels wide."""
        borders = _mark_borders(masks.topmost(), width).ravel()
        marked = np.flatnonzero(borders).astype(np.int32)
        owners = borders[marked] - 1
        order = np.argsort(owners, kind="stable")
        offsets = np.searchsorted(owners[order], np.arange(len(masks) + 1)).astype(np.int64)
        return cls(marked[order], offsets)

    def paint(self, target: NDArray[np.uint8], masks: NDArray[np.intp], values: object) -> None:
        """Write the value of each of some masks on its outline in an (H, W) map, in place."""
        at, owners = self._positions(masks)
        target.reshape(-1)[at] = _each(values, masks)[owners]

    def dash(
        self, target: NDArray[np.uint8], masks: NDArray[np.intp], values: object, length: int
    ) -> None:
        """Write values as `paint` does, with gaps of zeros; dashes and gaps are `length` pixels."""
        at, owners = self._positions(masks)
        row, col = np.divmod(at, target.shape[1])
        on = (2 * row + col) // length % 2 == 0  # 2: diagonals of both directions are dashed
        target.reshape(-1)[at] = np.where(on, _each(values, masks)[owners], 0)

    def _positions(self, masks: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Return the positions of some masks' outlines, and the place of the mask of each."""
        lengths = np.diff(self.offsets)[masks]
        firsts = np.repeat(self.offsets[masks] - np.cumsum(lengths) + lengths, lengths)
        at = self.positions[firsts + np.arange(lengths.sum())]
        return at, np.repeat(np.arange(len(masks)), lengths)


def _each(values: object, masks: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Return the value of each mask, from one for all or one for each."""
    return np.broadcast_to(np.asarray(values, np.uint8), len(masks))


@jit
def _mark_borders(topmost: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """Return the numbers of regions within `width` pixels of a region to the right or below."""
    rows, cols = topmost.shape
    borders = np.zeros((rows, cols), np.int32)
    for row in range(rows):
        below = min(row + width, rows - 1)
        for col in range(cols):
            here = topmost[row, col]
            beside = topmost[row, min(col + width, cols - 1)]
            beneath = topmost[below, col]
            if here != beside or here != beneath:
                borders[row, col] = here if here else max(beside, beneath)
    return borders


def trace_region(regions: Runs, index: int, width: int = 1) -> NDArray[np.int32]:
    """Return the whole outline of one region, also under others.

    The time depends on the outline, not on the area: 1 ms for a mask of 4096² pixels.

    Parameters
    ----------
    regions : Runs
        The regions.
    index : int
        Which one.
    width : int
        Thickness of the line, inside the region, in pixels.

    Returns
    -------
    (P,) int32
        Row-major positions (``row * width + col``), some of them twice.
    """
    height, cols = regions.shape
    starts, stops, _ = cut_into_columns(*regions.of(index), height)
    tops = starts // height * height
    parts = np.column_stack([starts // height, starts - tops, stops - tops])
    firsts = np.searchsorted(parts[:, 0], np.arange(cols + 1)).astype(np.int64)
    count = _trace(parts, firsts, width, np.empty(0, np.int32))
    positions = np.empty(count, np.int32)
    _trace(parts, firsts, width, positions)
    return positions


@jit
def _trace(
    parts: NDArray[np.int32],
    firsts: NDArray[np.int64],
    width: int,
    positions: NDArray[np.int32],
) -> int:
    """Return the number of positions, and write them unless `positions` is empty."""
    cols = firsts.size - 1
    count = 0
    for at in range(parts.shape[0]):
        col, top, bottom = parts[at, 0], parts[at, 1], parts[at, 2]
        for row in range(top, min(top + width, bottom)):
            count = _put(positions, count, row * cols + col)
        for row in range(max(bottom - width, top), bottom):
            count = _put(positions, count, row * cols + col)
        for beside in (col - width, col + width):
            row = top
            if 0 <= beside < cols:
                for other in range(firsts[beside], firsts[beside + 1]):
                    while row < min(parts[other, 1], bottom):
                        count = _put(positions, count, row * cols + col)
                        row += 1
                    row = max(row, parts[other, 2])
            while row < bottom:
                count = _put(positions, count, row * cols + col)
                row += 1
    return count


@jit
def _put(positions: NDArray[np.int32], count: int, position: int) -> int:
    if positions.size:
        positions[count] = position
    return count + 1
