"""Which points stay: those whose pixel is within the margin of a labelled pixel, and no other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_sepl.proposals.models import SamSettings
from napari_sepl.proposals.points import MARGIN, near_labels, plan_crops
from tests.messages import raises_input_error
from tests.proposals.conftest import labels_in_a_corner
from tests.proposals.tiny_sam import need_sam


def slowly_near(pseudo: NDArray[np.uint8], distance: float) -> NDArray[np.bool_]:
    labelled = [(row, col) for (row, col), label in np.ndenumerate(pseudo) if label not in (0, 255)]
    near = np.zeros(pseudo.shape, np.bool_)
    for row, col in np.ndindex(*pseudo.shape):
        near[row, col] = any((row - r) ** 2 + (col - c) ** 2 <= distance**2 for r, c in labelled)
    return near


@settings(deadline=None)
@given(
    pseudo=arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 1, 255])),
    margin=st.sampled_from([0.0, 1 / 9, 0.2, 0.5, 1.0]),
)
def test_near_is_a_straight_line_between_pixels(pseudo: NDArray[np.uint8], margin: float) -> None:
    np.testing.assert_array_equal(near_labels(pseudo, margin), slowly_near(pseudo, margin * 9))


def test_background_and_ignore_are_near_nothing() -> None:
    for label in (0, 255):
        assert not near_labels(np.full((4, 5), label, np.uint8), 1.0).any()


@pytest.mark.parametrize("layers", [0, 1, 2])
@pytest.mark.parametrize("shape", [(90, 120), (77, 50), (1, 40)])
def test_points_of_all_crops_stay_by_where_they_are_in_the_image(
    shape: tuple[int, int], layers: int
) -> None:
    need_sam()
    settings = SamSettings(points_per_side=8, crop_n_layers=layers)
    pseudo = labels_in_a_corner(shape)
    near = slowly_near(pseudo, MARGIN * max(shape))
    full, guided = plan_crops(shape, settings), plan_crops(shape, settings, pseudo)
    assert [crop.box for crop in guided] == [crop.box for crop in full]
    every_crop = sum(4**layer for layer in range(layers + 1))
    assert len(full) == every_crop if min(shape) > 1 else len(full) <= every_crop
    stayed = 0
    for every, some in zip(full, guided, strict=True):
        expected = [
            (x, y)
            for x, y in every.points.tolist()
            if near[int(y + every.box[1]), int(x + every.box[0])]
        ]
        assert some.points.tolist() == [list(point) for point in expected]
        stayed += len(expected)
    assert 0 < stayed < sum(len(crop.points) for crop in full)


def test_the_smallest_label_has_a_point_at_the_papers_grid() -> None:
    need_sam()
    for row, col in np.ndindex(18, 18):
        pseudo = np.zeros((500, 500), np.uint8)
        pseudo[240 + row, 240 + col] = 1
        assert len(plan_crops(pseudo.shape, SamSettings(), pseudo)[0].points) > 0


def test_pseudo_labels_of_another_size_are_refused() -> None:
    need_sam()
    with raises_input_error(found="shape (3, 4)", expected="shape (4, 3)"):
        plan_crops((4, 3), SamSettings(), np.ones((3, 4), np.uint8))
