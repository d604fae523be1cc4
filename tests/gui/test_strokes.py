"""What a line on the canvas means: a lasso or a box."""

import numpy as np
import pytest

from napari_sepl.gui.strokes import box_between, draw_box, fill_polygon, is_straight


@pytest.mark.parametrize(
    ("corners", "straight"),
    [
        ([(0, 0), (10, 20)], True),
        ([(0, 0), (2, 5), (5, 10), (10, 20)], True),
        ([(10, 20), (0, 0)], True),
        ([(0, 0), (10, 0), (10, 20)], False),
        ([(0, 0), (0, 9), (9, 9), (9, 0), (0, 0)], False),
        ([(5, 5)], False),
        ([(0, 0), (3, 30), (0, 60)], True),
        ([(0, 0), (6, 30), (0, 60)], False),
    ],
)
def test_a_line_is_straight_if_it_bends_little(
    corners: list[tuple[float, float]], straight: bool
) -> None:
    assert is_straight(np.array(corners, float)) is straight


def test_a_box_is_drawn_around_what_it_holds() -> None:
    corners = box_between(np.array([12.0, 15.0]), np.array([4.0, 5.0]))
    inside = fill_polygon(corners, (20, 30))
    assert inside.sum() == 9 * 11
    drawn = np.zeros((20, 30), bool)
    drawn.reshape(-1)[draw_box(corners, (20, 30), 2)] = True
    naive = np.zeros((20, 30), bool)
    naive[3:13, 4:16] = True
    naive[5:11, 6:14] = False
    np.testing.assert_array_equal(drawn, naive)


def test_a_box_beyond_the_image_is_drawn_as_far_as_it_lies_in_it() -> None:
    corners = box_between(np.array([-8.0, -9.0]), np.array([5.0, 6.0]))
    drawn = np.zeros((10, 10), bool)
    drawn.reshape(-1)[draw_box(corners, (10, 10), 2)] = True
    assert drawn[4:6, :7].all()
    assert drawn[:6, 5:7].all()
    assert drawn.sum() == 2 * 7 + 2 * 6 - 4
