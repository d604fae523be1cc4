"""Regions of one image as runs of pixels, column by column as COCO counts them.

A run is a half-open interval of flat column-major positions (``col * height + row``). A
thousand masks of a 4096 × 4096 image take a few megabytes, and the time to paint or intersect them
depends on their borders, not on their areas.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.transpose import to_columns, to_rows

_NO_REGION = np.zeros(1, np.int64)


@dataclass(frozen=True, eq=False)
class Runs:
    """Several regions of one image, which may overlap.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image in pixels.
    starts, stops : (R,) int32
        Half-open runs in column-major positions, ascending and not touching within a region.
    offsets : (N + 1,) int64
        Region n owns the runs ``offsets[n]:offsets[n + 1]``.
    """

    shape: tuple[int, int]
    starts: NDArray[np.int32]
    stops: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """(N,) int64: pixels of each region."""
        summed = np.concatenate([[0], np.cumsum(self.stops - self.starts, dtype=np.int64)])
        return np.asarray(np.diff(summed[self.offsets]), dtype=np.int64)

    @cached_property
    def boxes(self) -> NDArray[np.int32]:
        """(N, 4) int32: row, column, height and width of each region's bounding box."""
        return _boxes(*self.arrays, self.shape[0])

    @property
    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Starts, stops and offsets, as kernels take them."""
        return self.starts, self.stops, self.offsets

    def of(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return starts and stops of region `index`, (R,) int32 each."""
        own = slice(self.offsets[index], self.offsets[index + 1])
        return self.starts[own], self.stops[own]

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.starts.nbytes + self.stops.nbytes + self.offsets.nbytes

    def decode(self, index: int) -> NDArray[np.bool_]:
        """Return region `index` as an (H, W) bool array."""
        if not 0 <= index < len(self):
            raise IndexError(f"region {index} of {len(self)}")
        flat = np.zeros(self.shape[0] * self.shape[1], np.uint8)
        chosen = np.array([index])
        paint_runs(flat, *self.arrays, chosen, np.ones(1, np.uint8))
        return to_rows(flat, self.shape).astype(np.bool_)

    def choose(self, chosen: NDArray[np.intp]) -> "Runs":
        """Return the regions that `chosen` lists, in its order."""
        if not len(chosen):  # most images: each class has a mask
            return Runs(self.shape, self.starts[:0], self.stops[:0], _NO_REGION)
        lengths = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        firsts = self.offsets[chosen]
        return Runs(
            self.shape,
            _gather(self.starts, firsts, offsets),
            _gather(self.stops, firsts, offsets),
            offsets,
        )

    def followed_by(self, other: "Runs") -> "Runs":
        """Return the regions of both, `other`'s last."""
        return Runs(
            self.shape,
            np.concatenate([self.starts, other.starts]),
            np.concatenate([self.stops, other.stops]),
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
        )

    def contains(self, row: int, col: int) -> NDArray[np.bool_]:
        """Return (N,) bool: which regions contain the pixel (row, col); none outside the image."""
        if not (0 <= row < self.shape[0] and 0 <= col < self.shape[1]):
            return np.zeros(len(self), np.bool_)
        return _contains(*self.arrays, col * self.shape[0] + row)


def pixel_count(shape: tuple[int, int], source: object = "image size") -> int:
    """Return height × width, or raise InputError beyond 32-bit positions."""
    if max(shape) >= 2**31 or int(shape[0]) * int(shape[1]) >= 2**31:
        found = f"{shape}" if max(shape) < 2**63 else "a side of more than 2**63"
        raise InputError(source, found=found, expected="fewer than 2**31 pixels")
    return int(shape[0]) * int(shape[1])


def join(shape: tuple[int, int], parts: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Runs:
    """Return Runs of one (starts, stops) pair for each region."""
    pixel_count(shape)
    pairs = list(parts)
    lengths = [len(starts) for starts, _ in pairs]
    empty = [np.zeros(0, np.int32)]
    return Runs(
        shape,
        np.concatenate(empty + [starts for starts, _ in pairs]).astype(np.int32, copy=False),
        np.concatenate(empty + [stops for _, stops in pairs]).astype(np.int32, copy=False),
        np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
    )


def runs_of_mask(mask: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return (starts, stops) of the non-zero pixels of an (H, W) array."""
    flat = to_columns(np.ascontiguousarray(mask != 0).view(np.uint8))
    values, starts, stops = label_runs(flat)
    inside = values != 0
    return starts[inside], stops[inside]


def runs_of_labels(flat: NDArray[np.uint8], shape: tuple[int, int]) -> tuple[NDArray[Any], Runs]:
    """Return one region for each label other than 0 and 255.

    Parameters
    ----------
    flat : (H * W,) uint8
        Labels in column-major order.
    shape : tuple of int
        Height and width.

    Returns
    -------
    class_ids : (K,) uint8
        The labels present, ascending.
    regions : Runs
        Their pixels, in the same order.
    """
    values, starts, stops = label_runs(flat)
    order = np.argsort(values, kind="stable")
    order = order[(values[order] != 0) & (values[order] != 255)]
    class_ids, first = np.unique(values[order], return_index=True)
    offsets = np.append(first, len(order)).astype(np.int64)
    return class_ids, Runs(shape, starts[order], stops[order], offsets)


@jit
def label_runs(
    flat: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]]:
    """Return (values, starts, stops) of the maximal stretches of equal value in `flat`."""
    count = 1 if flat.size else 0
    for i in range(1, flat.size):
        count += flat[i] != flat[i - 1]
    values = np.empty(count, np.uint8)
    starts = np.empty(count, np.int32)
    stops = np.empty(count, np.int32)
    run, i = -1, 0
    while i < flat.size:
        run += 1
        values[run] = flat[i]
        starts[run] = i
        while i < flat.size and flat[i] == values[run]:
            i += 1
        stops[run] = i
    return values, starts, stops


@jit
def paint_runs(
    flat: NDArray[Any],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    order: NDArray[Any],
    values: NDArray[Any],
) -> None:
    """Write ``values[i]`` on the pixels of region ``order[i]``, the last one winning."""
    paint_span(flat, starts, stops, offsets, order, values, 0, flat.size)


@jit
def paint_span(
    flat: NDArray[Any],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    order: NDArray[Any],
    values: NDArray[Any],
    first: int,
    last: int,
) -> None:
    """Do as `paint_runs` does, within the positions first..last."""
    for i in range(order.size):
        own = slice(offsets[order[i]], offsets[order[i] + 1])
        fill_runs(flat, starts[own], stops[own], values[i], first, last)


@jit
def fill_runs(
    flat: NDArray[Any],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    value: int,
    first: int,
    last: int,
) -> None:
    """Write one value on ascending runs, within the positions first..last."""
    run = np.searchsorted(stops, first, side="right")
    while run < starts.size and starts[run] < last:
        flat[max(starts[run], first) : min(stops[run], last)] = value
        run += 1


@jit
def cut_into_columns(
    starts: NDArray[np.int32], stops: NDArray[np.int32], height: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.intp]]:
    """Cut runs at the ends of columns; return starts, stops and the original run of each part."""
    count = 0
    for run in range(starts.size):
        count += (stops[run] - 1) // height - starts[run] // height + 1
    cut_starts = np.empty(count, np.int32)
    cut_stops = np.empty(count, np.int32)
    originals = np.empty(count, np.intp)
    at = 0
    for run in range(starts.size):
        for col in range(starts[run] // height, (stops[run] - 1) // height + 1):
            cut_starts[at] = max(starts[run], col * height)
            cut_stops[at] = min(stops[run], (col + 1) * height)
            originals[at] = run
            at += 1
    return cut_starts, cut_stops, originals


@jit
def _gather(
    values: NDArray[np.int32], firsts: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.int32]:
    gathered = np.empty(offsets[-1], np.int32)
    for i in range(firsts.size):
        length = offsets[i + 1] - offsets[i]
        gathered[offsets[i] : offsets[i + 1]] = values[firsts[i] : firsts[i] + length]
    return gathered


@jit
def _contains(
    starts: NDArray[np.int32], stops: NDArray[np.int32], offsets: NDArray[np.int64], position: int
) -> NDArray[np.bool_]:
    held = np.zeros(offsets.size - 1, np.bool_)
    for region in range(held.size):
        first, last = offsets[region], offsets[region + 1]
        run = first + np.searchsorted(starts[first:last], position, side="right") - 1
        held[region] = run >= first and position < stops[run]
    return held


@jit
def _boxes(
    starts: NDArray[np.int32], stops: NDArray[np.int32], offsets: NDArray[np.int64], height: int
) -> NDArray[np.int32]:
    boxes = np.zeros((offsets.size - 1, 4), np.int32)
    for region in range(boxes.shape[0]):
        first, last = offsets[region], offsets[region + 1]
        if first == last:
            continue
        left, right = starts[first] // height, (stops[last - 1] - 1) // height
        top, bottom = height, -1
        for run in range(first, last):
            if starts[run] // height != (stops[run] - 1) // height:  # wraps into the next column
                top, bottom = 0, height - 1
                break
            top = min(top, starts[run] % height)
            bottom = max(bottom, (stops[run] - 1) % height)
        boxes[region] = (top, left, bottom - top + 1, right - left + 1)
    return boxes
