"""Holes and islands go as segment-anything makes them go."""

import numpy as np
import pytest

from napari_sepl.proposals.mask_records import tidy_mask
from tests.core.drawing import mask as drawn
from tests.proposals.tiny_sam import need_sam


def test_small_holes_and_islands_go_and_large_ones_stay() -> None:
    mask = drawn("####..", "#.##.#", "####..", "......")
    tidied, changed = tidy_mask(mask, 3)
    assert changed
    np.testing.assert_array_equal(tidied, drawn("####..", "####..", "####..", "......"))
    tidied, changed = tidy_mask(mask, 1)
    assert not changed
    np.testing.assert_array_equal(tidied, mask)


def test_corners_hold_together_and_the_largest_island_always_stays() -> None:
    mask = drawn("#.....", ".#...#", "......")
    assert not tidy_mask(mask, 1)[1]
    np.testing.assert_array_equal(tidy_mask(mask, 3)[0], drawn("#.....", ".#....", "......"))


def test_an_empty_mask_stays_empty() -> None:
    tidied, changed = tidy_mask(np.zeros((3, 4), np.bool_), 2)
    assert not changed
    assert not tidied.any()


@pytest.mark.parametrize("smallest", [1, 4, 20, 400])
def test_it_equals_upstream(smallest: int) -> None:
    need_sam()
    pytest.importorskip("cv2", reason="OpenCV is not installed: no upstream to compare with")
    from segment_anything.utils.amg import remove_small_regions

    for seed in range(40):
        rng = np.random.default_rng(seed)
        mask = rng.random((30, 40)) < rng.uniform(0.1, 0.9)
        filled, first = remove_small_regions(mask, smallest, "holes")
        expected, second = remove_small_regions(filled, smallest, "islands")
        tidied, changed = tidy_mask(mask, smallest)
        np.testing.assert_array_equal(tidied, expected)
        assert changed == (first or second)
