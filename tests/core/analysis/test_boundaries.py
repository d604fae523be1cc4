"""Boundary IoU against its definition: masks less their eroded selves, class by class."""

import numpy as np
import pytest
from hypothesis import given
from scipy.ndimage import binary_erosion

from napari_sepl.core.analysis import metrics
from napari_sepl.core.analysis.metrics import BoundaryCounts, band_width
from tests.core.cases import Labels, Masks, pairs, quick
from tests.core.drawing import labels
from tests.messages import raises_input_error


def naive_band(mask: Masks, width: int) -> Masks:
    """Return what `width` erosions with a full 3 × 3 square take from a mask."""
    eroded: Masks = binary_erosion(mask, np.ones((3, 3)), iterations=width, border_value=0)
    return mask & ~eroded


def check(found: Labels, truth: Labels, width: int) -> None:
    counts = BoundaryCounts.of(found, truth)
    for k in range(255):
        bands = [naive_band((a == k) & (truth != 255), width) for a in (found, truth)]
        assert counts.found[k] == bands[0].sum()
        assert counts.wanted[k] == bands[1].sum()
        assert counts.right[k] == (bands[0] & bands[1]).sum()
        union = (bands[0] | bands[1]).sum()
        expected = (bands[0] & bands[1]).sum() / union if union else np.nan
        np.testing.assert_equal(counts.iou[k], expected)


@quick
@given(pairs)
def test_as_erosion(pair: tuple[Labels, Labels]) -> None:
    check(*pair, band_width((pair[0].shape[0], pair[0].shape[1])))


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_wide_bands_as_erosion(width: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "DILATION_RATIO", width / np.hypot(40, 31))
    rng = np.random.default_rng(seed)
    maps = np.zeros((2, 40, 31), np.uint8)
    for drawn in maps:
        for value in (1, 2, 255, 3):
            row, col, height, width_ = rng.integers([0, 0, 3, 3], [35, 26, 30, 25])
            drawn[row : row + height, col : col + width_] = value
    check(maps[0], maps[1], width)


def test_the_width_is_a_share_of_the_diagonal() -> None:
    assert band_width((3, 4)) == 1
    assert band_width((375, 500)) == 12  # 12.5, which rounds to the even one
    assert band_width((480, 640)) == 16


def test_equal_maps_agree_and_inner_pixels_do_not_count() -> None:
    drawn = np.zeros((200, 200), np.uint8)
    drawn[50:150, 50:150] = 7
    counts = BoundaryCounts.of(drawn, drawn)
    assert counts.iou[7] == counts.iou[0] == 1
    assert counts.wanted[7] == 100**2 - (100 - 2 * band_width((200, 200))) ** 2
    assert np.isnan(counts.iou[1])


def test_an_outline_within_the_void_is_right() -> None:
    counts = BoundaryCounts.of(labels("111111.."), labels("1111??.."))
    assert counts.iou[1] == counts.iou[0] == 1


def test_images_add_up() -> None:
    first = BoundaryCounts.of(labels("11.."), labels("1..."))
    summed = BoundaryCounts.nothing() + first + first
    np.testing.assert_array_equal(summed.right, 2 * first.right)
    np.testing.assert_array_equal(summed.iou, first.iou)


def test_sizes_must_agree() -> None:
    with raises_input_error(found="1 × 2 pixels", expected="1 × 3 as the ground truth"):
        BoundaryCounts.of(labels(".."), labels("..."))
