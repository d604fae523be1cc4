"""The objects of a label map, and polygons along the edges of their pixels.

A polygon is a ring without self-intersections. Its corners are (row, col); pixel (r, c) covers rows
r to r + 1 and columns c to c + 1. A region is cut into 4-connected pieces, whose borders never
touch themselves; a piece with holes is cut through them, or its holes are filled.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy import ndimage
from skimage.measure import find_contours

from napari_sepl.core.labels.pixels import IGNORE, Box
from napari_sepl.core.masks.rle import read_runs

_EIGHT = np.ones((3, 3), np.bool_)


class Instances(StrEnum):
    """What counts as one object, for formats that list objects."""

    COMPONENTS = "components"
    """Each connected component of a class; pixels that touch at a corner are connected."""
    CLASS = "class"
    """All pixels of a class together."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One object.

    Parameters
    ----------
    class_id : int
        Its label.
    box : Box
        Its bounding box.
    region : (h, w) bool
        Its pixels within the box.
    """

    class_id: int
    box: Box
    region: NDArray[np.bool_]

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.region))

    def runs(self, shape: tuple[int, int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return its runs, half-open, in column-major positions of an image of this shape."""
        height, _ = self.region.shape
        columns = np.zeros((self.region.shape[1], height + 2), np.int8)
        columns[:, 1:-1] = self.region.T
        steps = np.diff(columns, axis=1)
        (cols, tops), (_, bottoms) = np.nonzero(steps == 1), np.nonzero(steps == -1)
        firsts = (cols + self.box.left) * shape[0] + self.box.top
        starts, stops = firsts + tops, firsts + bottoms
        apart = starts[1:] != stops[:-1]  # a full column continues in the next one
        return (
            starts[np.concatenate([[True], apart])].astype(np.int32),
            stops[np.concatenate([apart, [True]])].astype(np.int32),
        )


def find_segments(
    labels: NDArray[np.uint8], instances: Instances, *, ignore: bool = False
) -> list[Segment]:
    """Return the segments of a label map, of ascending classes.

    Parameters
    ----------
    labels : (H, W) uint8
        Labels; background has no segments.
    instances : Instances
        What counts as one.
    ignore : bool
        Whether the pixels of 255 make segments too.
    """
    found: list[Segment] = []
    for class_id, place in enumerate(ndimage.find_objects(labels), 1):
        if place is None or (class_id == IGNORE and not ignore):
            continue
        whole = _segment(class_id, labels[place] == class_id, place[0].start, place[1].start)
        found += [whole] if instances is Instances.CLASS else _components(whole)
    return found


def _components(whole: Segment) -> list[Segment]:
    numbered, _ = ndimage.label(whole.region, _EIGHT)
    top, left = whole.box.top, whole.box.left
    return [
        _segment(
            whole.class_id, numbered[place] == number, top + place[0].start, left + place[1].start
        )
        for number, place in enumerate(ndimage.find_objects(numbered), 1)
    ]


def _segment(class_id: int, region: NDArray[np.bool_], top: int, left: int) -> Segment:
    height, width = region.shape
    return Segment(class_id, Box(top, left, top + height, left + width), region)


Ring = NDArray[np.float64]
"""(P, 2) float64: corners (row, col), the first not repeated at the end."""


class Holes(StrEnum):
    """How to treat holes, which a polygon cannot have."""

    CUT = "cut"
    """A piece with holes is cut through them into pieces without: more polygons, no loss."""
    FILL = "fill"
    """Holes are filled: one polygon for each piece."""


INSET = 0.25
"""Pixels by which a ring is moved inwards for readers that fill the pixels that lines touch. Any
distance above 0 and below 0.5 gives them the same pixels as readers that test pixel centres."""


def trace_polygons(
    region: NDArray[np.bool_], holes: Holes, *, inset: float = 0, tolerance: float = 0
) -> list[Ring]:
    """Return polygons that together cover a region.

    Parameters
    ----------
    region : (H, W) bool
        The region.
    holes : Holes
        How to treat holes. With `Holes.CUT`, neither `inset` nor `tolerance` loses a pixel at
        tolerance 0.
    inset : float
        Pixels, 0 to below 0.5, by which each ring is moved inwards.
    tolerance : float
        Pixels by which a line may miss omitted corners (Douglas-Peucker, without
        self-intersections); 0 keeps all corners.
    """
    rings = [_trace(piece, top, left) for piece, top, left in _simple_pieces(region, holes)]
    if inset:
        rings = [_draw_in(ring, inset) for ring in rings]
    return [_simplify(ring, tolerance) for ring in rings] if tolerance else rings


def fill_polygons(rings: list[Ring], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (H, W) bool: the pixels that pycocotools fills for polygons."""
    flat = [ring[:, ::-1].ravel().tolist() for ring in rings]
    together = coco.merge(coco.frPyObjects(flat, *shape))
    columns = np.zeros(shape[0] * shape[1], np.bool_)
    for start, stop in zip(*read_runs(together, "polygons"), strict=True):
        columns[start:stop] = True
    return columns.reshape(shape[::-1]).T


def _simple_pieces(
    region: NDArray[np.bool_], holes: Holes
) -> list[tuple[NDArray[np.bool_], int, int]]:
    """Return 4-connected pieces without holes, each with its first row and column."""
    simple, waiting = [], [(region, 0, 0)]
    while waiting:
        part, above, before = waiting.pop()
        numbered, _ = ndimage.label(part)
        for number, place in enumerate(ndimage.find_objects(numbered), 1):
            piece = numbered[place] == number
            top, left = above + place[0].start, before + place[1].start
            filled = ndimage.binary_fill_holes(piece)
            if holes is Holes.FILL or np.array_equal(filled, piece):
                simple.append((filled, top, left))
            else:
                at = _cut_at(filled & ~piece)
                waiting += [(piece[:, :at], top, left), (piece[:, at:], top, left + at)]
    return simple


def _cut_at(holes: NDArray[np.bool_]) -> int:
    """Return the column through a hole that is nearest to the middle."""
    cols = np.flatnonzero(holes.any(axis=0))
    return int(cols[np.argmin(np.abs(cols - holes.shape[1] / 2))])


def _trace(piece: NDArray[np.bool_], top: int, left: int) -> Ring:
    """Return the one border of a 4-connected piece without holes.

    scikit-image returns the middles of the border's edges. Two successive edges of different
    directions meet in a corner with the row of the one along a row and the column of the other.
    """
    padded = np.pad(piece.astype(np.uint8), 1)
    (middles,) = find_contours(padded, 0.5, fully_connected="high")  # type: ignore[no-untyped-call]
    here, there = middles[:-1] - 0.5, middles[1:] - 0.5  # less the padding, plus half a pixel
    along = here % 1 == 0  # the direction of each edge
    turns = along[:, 0] != (there % 1 == 0)[:, 0]
    corners: Ring = np.where(along, here, there)[turns]
    return np.add(corners, (top, left))


def _draw_in(ring: Ring, distance: float) -> Ring:
    """Move each edge of a ring along rows and columns inwards."""
    steps = np.roll(ring, -1, axis=0) - ring
    normals = np.sign(steps)[:, ::-1] * np.array([1, -1]) * np.sign(_signed_area(ring))
    moved: Ring = ring + distance * (normals + np.roll(normals, 1, axis=0))
    return moved


def _signed_area(ring: Ring) -> float:
    rows, cols = ring.T
    return float(cols @ np.roll(rows, -1) - rows @ np.roll(cols, -1)) / 2


def _simplify(ring: Ring, tolerance: float) -> Ring:
    simple = shapely.simplify(shapely.Polygon(ring), tolerance, preserve_topology=True)
    return np.asarray(simple.exterior.coords)[:-1]
