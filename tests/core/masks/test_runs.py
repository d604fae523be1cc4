"""Runs against numpy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.core.masks.runs import (
    join,
    label_runs,
    pixel_count,
    runs_of_labels,
    runs_of_mask,
)
from napari_sepl.core.masks.transpose import to_columns
from tests.core.cases import Labels, label_maps, quick, shapes
from tests.messages import raises_input_error


@quick
@given(shapes.flatmap(label_maps))
def test_stretches_of_equal_labels(image: Labels) -> None:
    flat = image.ravel()
    values, starts, stops = label_runs(flat)
    assert (values[1:] != values[:-1]).all()
    assert starts.tolist() == [0, *stops[:-1].tolist()]
    np.testing.assert_array_equal(np.repeat(values, stops - starts), flat)


@quick
@given(shapes.flatmap(label_maps))
def test_labels_come_back_from_their_runs(image: Labels) -> None:
    shape = (image.shape[0], image.shape[1])
    class_ids, regions = runs_of_labels(to_columns(image), shape)
    again = sum(class_id * regions.decode(n) for n, class_id in enumerate(class_ids.tolist()))
    np.testing.assert_array_equal(again, np.where(image == 255, 0, image))


@quick
@given(shapes.flatmap(label_maps))
def test_runs_of_a_mask_ascend_and_never_touch(image: Labels) -> None:
    starts, stops = runs_of_mask(image)
    assert (starts < stops).all()
    assert (starts[1:] > stops[:-1]).all()


@quick
@given(shapes.flatmap(label_maps), st.data())
def test_chosen_regions_keep_their_pixels(image: Labels, chosen: st.DataObject) -> None:
    masks = [image == label for label in np.unique(image)]
    regions = join((image.shape[0], image.shape[1]), [runs_of_mask(mask) for mask in masks])
    wanted = chosen.draw(st.lists(st.integers(0, len(masks) - 1), max_size=5))
    some = regions.choose(np.array(wanted, np.intp))
    both = some.followed_by(regions)
    assert len(both) == len(wanted) + len(masks)
    for place, index in enumerate([*wanted, *range(len(masks))]):
        np.testing.assert_array_equal(both.decode(place), masks[index])


def test_an_image_of_2_to_31_pixels_is_too_large() -> None:
    assert pixel_count((2**16, 2**15 - 1)) == 2**31 - 2**16
    with raises_input_error(found="(65536, 32768)", expected="fewer"):
        pixel_count((2**16, 2**15))
