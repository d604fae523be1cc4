"""Comparing and merging label maps, against numpy."""

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl.core.labels.pixels import Box, copy_changes, find_strokes, lay_over, write_runs
from tests.core.cases import Labels, label_maps, quick, shapes

Overlay = NDArray[np.int16]


def maps_of(shape: tuple[int, int]) -> st.SearchStrategy[tuple[Labels, Labels, Overlay]]:
    opinions = hnp.arrays(np.int16, shape, elements=st.sampled_from([-1, -1, 0, 1, 254, 255]))
    return st.tuples(label_maps(shape), label_maps(shape), opinions)


def strokes_on(final: Labels, chosen: Labels) -> Labels:
    """Return what is shown after someone painted over half of `final`."""
    return np.where(chosen % 2 == 0, final, chosen)


three_maps = shapes.flatmap(maps_of)


@quick
@given(three_maps)
def test_strokes_turn_the_overlay_into_what_is_shown(maps: tuple[Labels, Labels, Any]) -> None:
    enhanced, chosen, overlay = maps
    final = lay_over(enhanced, overlay)
    shown = strokes_on(final, chosen)
    change = find_strokes(shown, final, overlay)
    before = overlay.copy()
    write_runs(overlay, change)
    np.testing.assert_array_equal(overlay, np.where(shown != final, shown, before))
    np.testing.assert_array_equal(lay_over(enhanced, overlay), shown)
    assert change.pixels == (shown != final).sum()
    write_runs(overlay, change.inverse())
    np.testing.assert_array_equal(overlay, before)


@quick
@given(three_maps)
def test_strokes_are_as_few_runs_as_they_can_be(maps: tuple[Labels, Labels, Any]) -> None:
    final, chosen, overlay = maps
    change = find_strokes(strokes_on(final, chosen), final, overlay)
    assert (change.starts < change.stops).all()
    assert (change.starts[1:] >= change.stops[:-1]).all()
    touching = change.starts[1:] == change.stops[:-1]
    alike = (change.before[1:] == change.before[:-1]) & (change.after[1:] == change.after[:-1])
    assert not (touching & alike).any()


def test_no_stroke_is_no_run() -> None:
    final = np.ones((3, 4), np.uint8)
    change = find_strokes(final, final, np.full((3, 4), -1, np.int16))
    assert (change.pixels, len(change.starts)) == (0, 0)


@quick
@given(three_maps)
def test_an_opinion_lies_over_the_enhanced_labels(maps: tuple[Labels, Labels, Any]) -> None:
    enhanced, _, overlay = maps
    np.testing.assert_array_equal(
        lay_over(enhanced, overlay), np.where(overlay >= 0, overlay, enhanced)
    )


@quick
@given(three_maps)
def test_copied_changes_fill_the_smallest_box(maps: tuple[Labels, Labels, Any]) -> None:
    source, chosen, _ = maps
    target = strokes_on(source, chosen)
    differ = np.argwhere(source != target)
    box = copy_changes(source, target)
    np.testing.assert_array_equal(source, target)
    if len(differ):
        assert box == Box(*differ.min(axis=0), *differ.max(axis=0) + 1)
    else:
        assert box is None


def test_a_box_cuts_rows_and_columns() -> None:
    image = np.arange(20).reshape(4, 5)
    assert image[Box(1, 2, 3, 4).slices].tolist() == [[7, 8], [12, 13]]
