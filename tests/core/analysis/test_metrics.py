"""Counts and intersection over union against numpy."""

import pickle

import numpy as np
import pytest
from hypothesis import given

from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.pixels import count_labels
from tests.core.cases import Labels, label_maps, pairs, quick, shapes
from tests.core.drawing import labels


def naive_confusion(
    found: Labels, truth: Labels
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    counts = np.zeros((256, 256), np.int64)
    np.add.at(counts, (truth[truth != 255], found[truth != 255]), 1)
    return counts


@quick
@given(shapes.flatmap(label_maps))
def test_counts_labels_as_numpy(picture: Labels) -> None:
    np.testing.assert_array_equal(
        count_labels(picture), np.bincount(picture.ravel(), minlength=256)
    )


@pytest.mark.parametrize("size", range(9))
def test_counts_labels_of_any_length(size: int) -> None:
    picture = np.arange(size, dtype=np.uint8).reshape(1, size)
    assert count_labels(picture).sum() == size


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


def test_two_columns_of_a_larger_picture_compare() -> None:
    picture = labels("123", "123")
    assert Confusion.of(picture[:, ::2], picture[:, ::2]).counts.sum() == 4
