import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from napari_sepl.core.labels.polygons import Instances, find_segments
from napari_sepl.core.masks.rle import write_rle
from tests.core.cases import Labels, label_maps, quick, shapes
from tests.core.drawing import labels


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
