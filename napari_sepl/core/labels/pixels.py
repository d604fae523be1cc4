"""Compare, count and merge whole label maps, one pass each."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit

IGNORE = 255
"""The label of pixels that have no class; they are never matched."""

NO_OPINION = -1
"""The value of overlays where nothing is painted or locked."""

_STEP = 4096
"""Pixels compared at once."""


class Box(NamedTuple):
    """A half-open rectangle of pixels: rows top..bottom, columns left..right."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index of the box in an (H, W) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


class PixelRuns(NamedTuple):
    """A change of the overlay: runs of row-major positions with one value before and after.

    Parameters
    ----------
    starts, stops : (R,) int32
        Half-open runs of ``row * width + col``.
    before, after : (R,) int16
        The overlay's value on each run: a label, or -1 for no opinion.
    """

    starts: NDArray[np.int32]
    stops: NDArray[np.int32]
    before: NDArray[np.int16]
    after: NDArray[np.int16]

    def inverse(self) -> "PixelRuns":
        """Return the change that undoes this one."""
        return PixelRuns(self.starts, self.stops, self.after, self.before)

    @property
    def pixels(self) -> int:
        """Number of changed pixels."""
        return int((self.stops - self.starts).sum(dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return sum(array.nbytes for array in self)


def count_labels(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (256,) int64: pixels of each label in an (H, W) uint8 array."""
    return _count(labels.ravel())


@jit
def _count(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count in four tables: in one, equal neighbours would wait for each other."""
    counts = np.zeros((4, 256), np.int64)
    whole = labels.size // 4 * 4
    for i in range(0, whole, 4):
        for lane in range(4):
            counts[lane, labels[i + lane]] += 1
    for i in range(whole, labels.size):
        counts[0, labels[i]] += 1
    total: NDArray[np.int64] = counts.sum(axis=0)
    return total


def find_strokes(
    shown: NDArray[np.uint8], labels: NDArray[np.uint8], overlay: NDArray[np.int16]
) -> PixelRuns:
    """Return what a person painted: where the labels on screen differ from those written there.

    Parameters
    ----------
    shown, labels : (H, W) uint8
        The labels on screen, and those last written there.
    overlay : (H, W) int16
        The present overlay, -1 for no opinion.
    """
    return PixelRuns(*_find_strokes(shown.ravel(), labels.ravel(), overlay.ravel()))


@jit
def _find_strokes(
    shown: NDArray[Any], labels: NDArray[Any], overlay: NDArray[np.int16]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int16], NDArray[np.int16]]:
    first, last = _differing(shown, labels)
    runs = 0
    for i in range(first, last):
        if shown[i] != labels[i]:
            runs += i == 0 or not _continues(i, shown, labels, overlay)
    starts, stops = np.empty(runs, np.int32), np.empty(runs, np.int32)
    before, after = np.empty(runs, np.int16), np.empty(runs, np.int16)
    run = -1
    for i in range(first, last):
        if shown[i] != labels[i]:
            if i == 0 or not _continues(i, shown, labels, overlay):
                run += 1
                starts[run] = i
                before[run] = overlay[i]
                after[run] = shown[i]
            stops[run] = i + 1
    return starts, stops, before, after


@jit
def _differing(ours: NDArray[Any], theirs: NDArray[Any]) -> tuple[int, int]:
    """Return a half-open span of all positions at which two arrays differ."""
    first, last = 0, ours.size
    while first < last:
        stop = min(first + _STEP, last)
        if _differ(ours[first:stop], theirs[first:stop]):
            break
        first = stop
    while first < last:
        start = max(first, last - _STEP)
        if _differ(ours[start:last], theirs[start:last]):
            break
        last = start
    return first, last


@jit
def _differ(ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Return whether two arrays differ; without an early exit the loop is vectorised."""
    bits = np.uint8(0)
    for i in range(ours.size):
        bits |= np.uint8(ours[i] != theirs[i])
    return bool(bits != 0)


@jit
def _continues(
    i: int, shown: NDArray[Any], labels: NDArray[Any], overlay: NDArray[np.int16]
) -> bool:
    """Return whether the changed pixel i belongs to the run of pixel i - 1."""
    changed = shown[i - 1] != labels[i - 1]
    return bool(changed and shown[i] == shown[i - 1] and overlay[i] == overlay[i - 1])


def map_change(before: NDArray[np.int16], after: NDArray[np.int16]) -> PixelRuns:
    """Return the change that turns one (H, W) int16 map of opinions into another."""
    old = before.ravel()
    return PixelRuns(*_find_strokes(after.ravel(), old, old))


def write_runs(overlay: NDArray[np.int16], change: PixelRuns) -> None:
    """Write the `after` values of a change into an (H, W) int16 overlay, in place."""
    _write_runs(overlay.reshape(-1), change.starts, change.stops, change.after)


@jit
def _write_runs(
    flat: NDArray[np.int16],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    values: NDArray[np.int16],
) -> None:
    for run in range(starts.size):
        flat[starts[run] : stops[run]] = values[run]


def lay_over(enhanced: NDArray[np.uint8], overlay: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Return enhanced labels with an overlay on top; all arrays (H, W)."""
    labels = np.empty_like(enhanced)
    _lay_over(enhanced.ravel(), overlay.ravel(), labels.ravel())
    return labels


@jit
def _lay_over(
    enhanced: NDArray[np.uint8], overlay: NDArray[np.int16], labels: NDArray[np.uint8]
) -> None:
    for i in range(enhanced.size):
        painted = overlay[i]
        labels[i] = enhanced[i] if painted < 0 else np.uint8(painted)


def copy_changes(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> Box | None:
    """Make `target` equal to `source`, in place, and return where they differed.

    Parameters
    ----------
    source, target : (H, W) uint8
        C-ordered maps of one size.

    Returns
    -------
    Box or None
        The bounding box of all differences; None if there was none.
    """
    top, left, bottom, right = _copy_changes(source, target)
    return Box(top, left, bottom, right) if bottom > top else None


@jit
def _copy_changes(
    source: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[int, int, int, int]:
    rows, cols = source.shape
    top, left, bottom, right = rows, cols, 0, 0
    for row in range(rows):
        ours, theirs = source[row], target[row]
        if not _differ(ours, theirs):
            continue
        first, last = 0, cols
        while ours[first] == theirs[first]:
            first += 1
        while ours[last - 1] == theirs[last - 1]:
            last -= 1
        theirs[first:last] = ours[first:last]
        top, bottom = min(top, row), row + 1
        left, right = min(left, first), max(right, last)
    return top, left, bottom, right
