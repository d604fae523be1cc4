"""The outlines of masks, so that a mask can change its colour without a redraw of the rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks import MaskSet


@dataclass(frozen=True, eq=False)
class MaskOutlines:
    """Which pixels draw each mask's outline, the smallest mask on top.

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
        """Trace the masks with lines of `width` pixels."""
        borders = _mark_borders(masks.topmost(), width).ravel()
        marked = np.flatnonzero(borders).astype(np.int32)
        owners = borders[marked] - 1
        order = np.argsort(owners, kind="stable")
        offsets = np.searchsorted(owners[order], np.arange(len(masks) + 1)).astype(np.int64)
        return cls(marked[order], offsets)

    def paint(self, target: NDArray[np.uint8], masks: NDArray[np.intp], values: object) -> None:
        """Write a value for each of some masks on their outlines in an (H, W) map, in place."""
        lengths = np.diff(self.offsets)[masks]
        firsts = np.repeat(self.offsets[masks] - np.cumsum(lengths) + lengths, lengths)
        at = self.positions[firsts + np.arange(lengths.sum())]
        target.reshape(-1)[at] = np.repeat(np.asarray(values, np.uint8), lengths)


@jit
def _mark_borders(topmost: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """Keep a region's number only within `width` pixels, right or down, of another region."""
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
