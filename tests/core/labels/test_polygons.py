from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy import ndimage

from napari_sepl.core.labels.polygons import (
    INSET,
    Holes,
    Instances,
    Ring,
    fill_polygons,
    find_segments,
    trace_polygons,
)
from napari_sepl.core.masks.rle import write_rle
from tests.core.cases import Labels, label_maps, quick, shapes
from tests.core.drawing import labels, mask

REGIONS = hnp.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(np.any)


def contains_centres(rings: list[Ring], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Ask shapely for each pixel's centre, one by one."""
    together = shapely.union_all([shapely.Polygon(ring) for ring in rings])
    rows, cols = np.indices(shape) + 0.5
    return np.asarray(shapely.contains_xy(together, rows, cols))


@quick
@given(REGIONS)
def test_cut_polygons_hold_every_pixel(region: NDArray[np.bool_]) -> None:
    rings = trace_polygons(region, Holes.CUT)
    assert np.array_equal(fill_polygons(rings, region.shape), region)
    assert np.array_equal(contains_centres(rings, region.shape), region)
    assert sum(shapely.Polygon(ring).area for ring in rings) == region.sum()


@quick
@given(REGIONS)
def test_filled_polygons_are_one_for_each_piece(region: NDArray[np.bool_]) -> None:
    rings = trace_polygons(region, Holes.FILL)
    numbered, count = ndimage.label(region)
    assert len(rings) == count
    pieces = [ndimage.binary_fill_holes(numbered == one) for one in range(1, count + 1)]
    assert np.array_equal(fill_polygons(rings, region.shape), np.any(pieces, axis=0))


@quick
@given(REGIONS, st.sampled_from(Holes), st.sampled_from((0.0, INSET)), st.sampled_from((0.0, 1.5)))
def test_no_polygon_meets_itself(
    region: NDArray[np.bool_], holes: Holes, inset: float, tolerance: float
) -> None:
    for ring in trace_polygons(region, holes, inset=inset, tolerance=tolerance):
        assert shapely.Polygon(ring).is_valid
        assert len(ring) >= 3
        assert not np.array_equal(ring[0], ring[-1])


@quick
@given(REGIONS)
def test_drawn_in_polygons_hold_every_pixel_too(region: NDArray[np.bool_]) -> None:
    rings = trace_polygons(region, Holes.CUT, inset=INSET)
    assert np.array_equal(contains_centres(rings, region.shape), region)


@quick
@given(REGIONS)
def test_corners_are_turns(region: NDArray[np.bool_]) -> None:
    for ring in trace_polygons(region, Holes.CUT):
        steps = np.sign(np.diff(ring, axis=0, append=ring[:1]))
        assert (np.abs(steps).sum(axis=1) == 1).all()  # along rows or columns
        assert all(abs(a[0]) != abs(b[0]) for a, b in pairwise(steps))


def test_a_square_has_four_corners_around_its_pixels() -> None:
    (ring,) = trace_polygons(mask("....", ".##.", ".##."), Holes.CUT)
    assert {tuple(corner) for corner in ring.tolist()} == {(1, 1), (1, 3), (3, 1), (3, 3)}


@pytest.mark.parametrize("holes", Holes)
def test_pixels_that_touch_at_a_corner_are_two_polygons(holes: Holes) -> None:
    assert len(trace_polygons(mask("#.", ".#"), holes)) == 2


def test_tolerance_leaves_out_corners() -> None:
    region = np.tri(40, dtype=np.bool_)
    (all_corners,) = trace_polygons(region, Holes.CUT)
    (few,) = trace_polygons(region, Holes.CUT, tolerance=1)
    assert len(all_corners) == 3 + 40 + 39  # of the triangle, and outer and inner ones of 40 steps
    assert len(few) < 8


@quick
@given(shapes.flatmap(label_maps), st.sampled_from(Instances), st.booleans())
def test_segments_are_the_labels(drawn: Labels, instances: Instances, ignore: bool) -> None:
    again = np.zeros_like(drawn)
    if not ignore:
        again[drawn == 255] = 255
    for segment in find_segments(drawn, instances, ignore=ignore):
        place = again[segment.box.slices]
        assert np.any(segment.region[:, [0, -1]], axis=0).all()
        assert np.any(segment.region[[0, -1]], axis=1).all()
        assert not place[segment.region].any()  # no pixel twice
        place[segment.region] = segment.class_id
        assert segment.area == segment.region.sum()
    assert np.array_equal(again, drawn)


@quick
@given(shapes.flatmap(label_maps), st.sampled_from(Instances))
def test_runs_are_what_pycocotools_makes_of_a_segment(drawn: Labels, instances: Instances) -> None:
    for segment in find_segments(drawn, instances):
        dense = np.zeros(drawn.shape, np.uint8, order="F")
        dense[segment.box.slices] = segment.region
        ours = write_rle(*segment.runs(drawn.shape), drawn.shape)
        assert ours["counts"] == coco.encode(dense)["counts"].decode()


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        (Instances.COMPONENTS, [(1, 3), (1, 1), (2, 1)]),  # corners connect
        (Instances.CLASS, [(1, 4), (2, 1)]),
    ],
)
def test_what_counts_as_one(instances: Instances, expected: list[tuple[int, int]]) -> None:
    drawn = labels("1...1", ".11.?", "....2")
    found = find_segments(drawn, instances)
    assert [(segment.class_id, segment.area) for segment in found] == expected


def test_background_alone_has_no_segments() -> None:
    assert find_segments(labels("..", ".?"), Instances.COMPONENTS) == []
