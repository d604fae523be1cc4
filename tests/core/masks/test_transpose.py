"""Transposes against numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.core.masks.transpose import BLOCK, renew_rows, to_columns, to_rows

SIZES = [1, 2, 8, 15, 16, 17, 24, 63, 64, 65, 72, 100, 128, 129]


@pytest.mark.parametrize("height", SIZES)
@pytest.mark.parametrize("width", SIZES)
def test_transposes_as_numpy(height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    columns = to_columns(image)
    np.testing.assert_array_equal(columns, image.ravel(order="F"))
    np.testing.assert_array_equal(to_rows(columns, (height, width)), image)


def test_transposes_indices_too() -> None:
    image = np.arange(37 * 70, dtype=np.int32).reshape(37, 70)
    np.testing.assert_array_equal(to_rows(image.ravel(order="F"), (37, 70)), image)


def test_transposes_into_a_view_of_a_larger_image() -> None:
    canvas = np.zeros((40, 50), np.uint8)
    image = np.random.default_rng(0).integers(0, 256, (20, 33), np.uint8)
    to_rows(image.ravel(order="F"), (20, 33), canvas[10:30, 7:40])
    np.testing.assert_array_equal(canvas[10:30, 7:40], image)
    assert not canvas[:10].any()
    assert not canvas[:, 40:].any()


def test_transposes_into_a_view_of_sides_that_eight_divides() -> None:
    canvas = np.zeros((40, 56), np.uint8)
    image = np.random.default_rng(0).integers(0, 256, (16, 24), np.uint8)
    to_rows(image.ravel(order="F"), (16, 24), canvas[8:24, 16:40])
    np.testing.assert_array_equal(canvas[8:24, 16:40], image)
    canvas[8:24, 16:40] = 0
    assert not canvas.any()


@pytest.mark.parametrize("shape", [(5, 3), (64, 64), (72, 200), (130, 71), (200, 136)])
def test_renews_stale_blocks_and_no_others(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    fresh = rng.integers(0, 128, shape, np.uint8)
    old = rng.integers(128, 256, shape, np.uint8)
    stale: NDArray[np.bool_] = rng.random([-(-side // BLOCK) for side in shape]) < 0.5
    renewed = old.copy()
    renew_rows(fresh.ravel(order="F"), renewed, stale)
    by_pixel = stale.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: shape[0], : shape[1]]
    np.testing.assert_array_equal(renewed, np.where(by_pixel, fresh, old))
