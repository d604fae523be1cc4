"""The segments of a label map: connected components of its classes, or one for each class."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_sepl.core.overlap import IGNORE
from napari_sepl.core.pixels import Box

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
        The smallest rectangle that holds it.
    region : (h, w) bool
        Its pixels within the box.
    """

    class_id: int
    box: Box
    region: NDArray[np.bool_]

    @property
    def area(self) -> int:
        """How many pixels it has."""
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
        apart = starts[1:] != stops[:-1]  # a full column goes on at the top of the next one
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
