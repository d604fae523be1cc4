"""Arguments that do not fit are refused; nothing is read or written outside an array."""

from typing import Any

import numpy as np
import pytest

from napari_sepl import MaskSet, Params, enhance
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskScores
from napari_sepl.core.masks.rle import read_runs, read_size
from tests.core.drawing import decide, labels, mask
from tests.messages import raises_input_error

MASKS = np.ones((2, 2, 3), np.bool_)


@pytest.mark.parametrize(
    "pseudo",
    [np.zeros((2, 3)), np.zeros((1, 2, 3), int), np.zeros(6, int), np.zeros((0, 3), int),
     np.full((2, 3), "a"), np.full((2, 3), None)],
)  # fmt: skip
def test_pseudo_labels_are_whole_numbers_in_rows_and_columns(pseudo: Any) -> None:
    with raises_input_error(expected="whole-number labels of shape"):
        enhance(pseudo, MASKS)


@pytest.mark.parametrize(("low", "high"), [(0, 256), (-1, 2), (-(2**63), 2**63 - 1)])
def test_labels_lie_in_0_to_255(low: int, high: int) -> None:
    pseudo = np.array([[low, 0, 0], [0, 0, high]])
    with raises_input_error(found=f"labels from {min(low, 0)} to {high}"):
        enhance(pseudo, MASKS)


@pytest.mark.parametrize("shape", [(3, 2), (2, 2), (6, 1), (2, 4)])
@pytest.mark.parametrize("as_rle", [True, False])
def test_masks_of_another_image_are_refused(shape: tuple[int, int], as_rle: bool) -> None:
    masks = MaskSet.from_dense(MASKS)
    with raises_input_error(found="2 × 3 pixels"):
        enhance(np.zeros(shape, np.uint8), masks.to_rle() if as_rle else masks)


def test_counts_whose_sum_overflows_are_refused() -> None:
    """Their sum is 4 modulo 2**64, and their runs would lie outside the image."""
    counts = [2**62 + 2**31 - 3, 2**62 - 2**31 + 10, 2**62, 2**62 - 7 + 4]
    with pytest.raises(InputError):
        read_runs({"size": [2, 2], "counts": counts})


def test_ragged_counts_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"cat\.json"):
        read_runs({"size": [2, 2], "counts": [[1], [1, 2]]}, "cat.json")


def test_a_size_of_numpy_integers_is_a_size() -> None:
    """As in a dict built from an array's own shape arithmetic."""
    size = [np.int64(2), np.int64(3)]
    assert read_size({"size": size, "counts": [6]}, "masks") == (2, 3)


@pytest.mark.parametrize(
    "record",
    [{"predicted_iou": "high"}, {"predicted_iou": [[1], [1, 2]]}, {"stability_score": 10**400},
     {"stability_score": {"a": 1}}, {"crop_box": list("abcd")}, {"point_coords": [["a", "b"]]},
     {"crop_box": [[1], 2, 3, 4]}],
)  # fmt: skip
def test_malformed_scores_are_nan(record: dict[str, Any]) -> None:
    scores = MaskScores.from_records([record])
    assert np.isnan(scores.predicted_iou).all()
    assert np.isnan(scores.stability_score).all()
    assert np.isnan(scores.point).all()
    assert np.isnan(scores.crop_box).all()


@pytest.mark.parametrize("index", [2, 3, -1, -3])
def test_there_is_no_mask_beyond_the_last(index: int) -> None:
    with pytest.raises(IndexError):
        MaskSet.from_dense(MASKS).decode(index)


@pytest.mark.parametrize(
    ("row", "col"),
    [(0, -1), (0, 3), (9, 9), (2, 0),
     (-1, 1), (5, -1)],
)  # fmt: skip
def test_no_mask_holds_a_pixel_outside_the_image(row: int, col: int) -> None:
    assert MaskSet.from_dense(MASKS).at(row, col).tolist() == []


def test_the_topmost_mask_is_the_first_of_those_at_a_pixel() -> None:
    """What is drawn on top and what the status bar names must be one, of equal masks too."""
    masks = MaskSet.from_dense([mask("##"), mask("##")])
    assert masks.topmost()[0, 0] - 1 == masks.at(0, 0)[0]


def test_labels_and_truth_of_different_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="3 × 2"):
        Confusion.of(np.zeros((3, 2), np.uint8), np.zeros((2, 2), np.uint8))


def test_a_buffer_of_another_size_is_refused() -> None:
    overlap = measure_overlap(labels("11", ".."), MaskSet.from_dense([mask("##", "#.")]))
    with pytest.raises(ValueError, match="shape"):
        paint(overlap, assign(overlap, Params()), Params(), np.zeros((1, 1), np.uint8))


@pytest.mark.parametrize("strategy", ["paper", "released"])
def test_rules_are_one_byte_each(strategy: str) -> None:
    params = Params.model_validate({"strategy": strategy})
    assert decide("11..", ["##..", "...."], params).rules.dtype == np.uint8
