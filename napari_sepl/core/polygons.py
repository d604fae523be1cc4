"""Regions as polygons along the edges of their pixels.

A polygon is a ring without self-intersections, its corners (row, col) where pixel (r, c) covers
rows r to r + 1 and columns c to c + 1. A region is cut into 4-connected pieces, whose borders
never meet themselves; a piece with holes is cut through them, or its holes are filled.
"""

from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy import ndimage
from skimage.measure import find_contours

from napari_sepl.core.rle import read_runs

Ring = NDArray[np.float64]
"""(P, 2) float64: corners (row, col), the first not repeated at the end."""


class Holes(StrEnum):
    """What becomes of holes, which a polygon cannot hold."""

    CUT = "cut"
    """A piece with holes is cut through them into pieces without: more polygons, no loss."""
    FILL = "fill"
    """Holes are filled: one polygon for each piece."""


INSET = 0.25
"""Pixels by which a ring is drawn in for readers that fill the pixels their lines touch. Any
distance above 0 and below 0.5 gives them, and readers that ask for a pixel's centre, the same."""


def trace_polygons(
    region: NDArray[np.bool_], holes: Holes, *, inset: float = 0, tolerance: float = 0
) -> list[Ring]:
    """Return polygons that together cover a region.

    Parameters
    ----------
    region : (H, W) bool
        The region.
    holes : Holes
        What becomes of holes. With `Holes.CUT`, neither `inset` nor `tolerance` loses a pixel at
        tolerance 0.
    inset : float
        Pixels, 0 to below 0.5, by which each ring is drawn in.
    tolerance : float
        Pixels by which a line may miss the corners it leaves out (Douglas-Peucker, such that no
        ring comes to cross itself); 0 keeps all corners.
    """
    rings = [_trace(piece, top, left) for piece, top, left in _simple_pieces(region, holes)]
    if inset:
        rings = [_draw_in(ring, inset) for ring in rings]
    return [_simplify(ring, tolerance) for ring in rings] if tolerance else rings


def fill_polygons(rings: list[Ring], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (H, W) bool: what pycocotools makes of polygons."""
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
    """Return a column through a hole, as near to the middle as there is one."""
    cols = np.flatnonzero(holes.any(axis=0))
    return int(cols[np.argmin(np.abs(cols - holes.shape[1] / 2))])


def _trace(piece: NDArray[np.bool_], top: int, left: int) -> Ring:
    """Return the one border of a 4-connected piece without holes.

    scikit-image walks through the middles of the border's edges; where two edges of one
    direction follow each other their common corner is between them, else it has the row of the
    one that lies along a row and the column of the other.
    """
    padded = np.pad(piece.astype(np.uint8), 1)
    (middles,) = find_contours(padded, 0.5, fully_connected="high")  # type: ignore[no-untyped-call]
    here, there = middles[:-1] - 0.5, middles[1:] - 0.5  # less the padding, plus half a pixel
    along = here % 1 == 0  # in which direction each edge's middle lies on the grid
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
