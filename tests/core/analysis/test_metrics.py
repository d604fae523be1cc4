"""Counts and intersection over union against numpy."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from scipy.ndimage import binary_erosion

from napari_sepl.core.analysis import metrics
from napari_sepl.core.analysis.metrics import BoundaryCounts, Confusion, ReleasedMetrics, band_width
from napari_sepl.core.labels.pixels import count_labels
from tests.core.cases import Labels, Masks, label_maps, pairs, quick, shapes
from tests.core.drawing import labels
from tests.messages import raises_input_error


def naive_confusion(
    found: Labels, truth: Labels
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    counts = np.zeros((256, 256), np.int64)
    np.add.at(counts, (truth[truth != 255], found[truth != 255]), 1)
    return counts


@quick
@given(shapes.flatmap(label_maps))
def test_counts_labels_as_numpy(image: Labels) -> None:
    np.testing.assert_array_equal(count_labels(image), np.bincount(image.ravel(), minlength=256))


@pytest.mark.parametrize("size", range(9))
def test_counts_labels_of_any_length(size: int) -> None:
    image = np.arange(size, dtype=np.uint8).reshape(1, size)
    assert count_labels(image).sum() == size


@quick
@given(pairs)
def test_confusion_as_numpy(pair: tuple[Labels, Labels]) -> None:
    np.testing.assert_array_equal(Confusion.of(*pair).counts, naive_confusion(*pair))


@quick
@given(pairs)
def test_iou_as_numpy(pair: tuple[Labels, Labels]) -> None:
    found, truth = pair
    iou = Confusion.of(found, truth).iou
    valid = truth != 255
    for k in range(255):
        union = (((found == k) | (truth == k)) & valid).sum()
        both = ((found == k) & (truth == k) & valid).sum()
        assert iou[k] == both / union if union else np.isnan(iou[k])


@quick
@given(pairs)
def test_precision_and_recall_as_numpy(pair: tuple[Labels, Labels]) -> None:
    found, truth = pair
    confusion, valid = Confusion.of(found, truth), truth != 255
    for k in range(255):
        both = ((found == k) & (truth == k)).sum()
        for share, whole in (
            (confusion.precision[k], ((found == k) & valid).sum()),
            (confusion.recall[k], (truth == k).sum()),
        ):
            np.testing.assert_equal(share, both / whole if whole else np.nan)


@quick
@given(pairs)
def test_counts_go_to_another_process_and_are_small(pair: tuple[Labels, Labels]) -> None:
    confusion = Confusion.of(*pair)
    sent = pickle.dumps(confusion)
    np.testing.assert_array_equal(pickle.loads(sent).counts, confusion.counts)  # noqa: S301
    assert len(sent) < 600 + 10 * pair[0].size


@quick
@given(pairs, pairs)
def test_images_add_up(first: tuple[Labels, Labels], second: tuple[Labels, Labels]) -> None:
    summed = Confusion.of(*first) + Confusion.of(*second)
    flat = [
        np.concatenate([a.ravel(), b.ravel()])[None] for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_array_equal(summed.counts, Confusion.of(flat[0], flat[1]).counts)


def test_void_in_the_truth_is_left_out() -> None:
    confusion = Confusion.of(labels("1122"), labels("11??"))
    assert confusion.counts.sum() == 2
    assert confusion.iou[1] == 1
    assert np.isnan(confusion.iou[2])


def test_ignore_in_the_labels_counts_as_missed() -> None:
    """It makes class 1's union no smaller, and no other class's union larger."""
    confusion = Confusion.of(labels("11??.."), labels("1111.."))
    assert confusion.iou[1] == 0.5
    assert confusion.iou[0] == 1
    assert np.isnan(confusion.iou[2:]).all()


def test_a_class_in_labels_alone_has_an_iou_of_zero() -> None:
    assert Confusion.of(labels("3."), labels("..")).iou[3] == 0


def test_two_columns_of_a_larger_image_compare() -> None:
    image = labels("123", "123")
    assert Confusion.of(image[:, ::2], image[:, ::2]).counts.sum() == 4


def naive_figures(found: Labels, truth: Labels) -> ReleasedMetrics:
    valid = truth != 255
    right = painted = wanted = 0
    columns: tuple[list[float], list[float], list[float]] = ([], [], [])
    for k in range(1, 255):
        here = int(((truth == k) & valid).sum())
        if not here:
            continue
        wanted += here
        painted += int(((found == k) & valid).sum())
        right += int(((found == k) & (truth == k)).sum())
        wholes = (wanted + painted - right, painted, wanted)
        for column, whole in zip(columns, wholes, strict=True):
            column.append(right / (whole + 1e-10))
    if not columns[0]:
        return ReleasedMetrics(np.nan, np.nan, np.nan)
    return ReleasedMetrics(*(float(round(np.mean(column), 3)) for column in columns))


@quick
@given(pairs)
def test_as_the_loop(pair: tuple[Labels, Labels]) -> None:
    figures = ReleasedMetrics.of(Confusion.of(*pair))
    np.testing.assert_equal(vars(figures), vars(naive_figures(*pair)))


def test_a_class_is_averaged_with_those_before_it() -> None:
    figures = ReleasedMetrics.of(Confusion.of(labels("11222222"), labels("11112222")))
    # class 1: 2 of 4; both together: 6 right of 8 wanted, 8 found, 10 in either
    assert figures.iou == pytest.approx((2 / 4 + 6 / 10) / 2)
    assert figures.precision == pytest.approx((2 / 2 + 6 / 8) / 2)
    assert figures.recall == pytest.approx((2 / 4 + 6 / 8) / 2)


def test_background_and_classes_of_the_labels_alone_do_not_count() -> None:
    assert ReleasedMetrics.of(Confusion.of(labels("1133"), labels("11.."))).iou == 1
    assert np.isnan(ReleasedMetrics.of(Confusion.of(labels("11"), labels(".."))).iou)


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


def test_bands_add_up() -> None:
    first = BoundaryCounts.of(labels("11.."), labels("1..."))
    summed = BoundaryCounts.nothing() + first + first
    np.testing.assert_array_equal(summed.right, 2 * first.right)
    np.testing.assert_array_equal(summed.iou, first.iou)


def test_sizes_must_agree() -> None:
    with raises_input_error(found="1 × 2 pixels", expected="1 × 3 as the ground truth"):
        BoundaryCounts.of(labels(".."), labels("..."))
