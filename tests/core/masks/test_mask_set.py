"""Mask sets: building them, asking them, the same from every source."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl import MaskSet
from napari_sepl.core.masks.mask_set import MaskScores
from tests.core.cases import Masks, quick, stacks
from tests.core.drawing import mask
from tests.core.masks.reference import coco_encode, counts_of
from tests.messages import raises_input_error


def build(stack: Masks) -> MaskSet:
    return MaskSet.from_dense(stack)


def box_of(pixels: NDArray[np.bool_]) -> list[int]:
    if not pixels.any():
        return [0, 0, 0, 0]
    rows, cols = np.nonzero(pixels)
    top, left = int(rows.min()), int(cols.min())
    return [top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1]


@quick
@given(stacks)
def test_decodes_to_what_it_was_built_from(stack: Masks) -> None:
    masks = build(stack)
    assert len(masks) == len(stack)
    for index, pixels in enumerate(stack):
        decoded = masks.decode(index)
        assert decoded.dtype == np.bool_
        np.testing.assert_array_equal(decoded, pixels)


@quick
@given(stacks)
def test_areas_and_boxes_as_numpy(stack: Masks) -> None:
    masks = build(stack)
    assert masks.areas.tolist() == stack.sum(axis=(1, 2)).tolist()
    assert masks.boxes.tolist() == [box_of(pixels) for pixels in stack]


@quick
@given(stacks, st.data())
def test_masks_at_a_pixel_smallest_first(stack: Masks, chosen: st.DataObject) -> None:
    row = chosen.draw(st.integers(0, stack.shape[1] - 1))
    col = chosen.draw(st.integers(0, stack.shape[2] - 1))
    areas = stack.sum(axis=(1, 2))
    held = [index for index in range(len(stack)) if stack[index, row, col]]
    assert build(stack).at(row, col).tolist() == sorted(held, key=lambda n: (areas[n], n))


@quick
@given(stacks)
def test_topmost_is_a_smallest_mask_at_each_pixel(stack: Masks) -> None:
    areas = stack.sum(axis=(1, 2))
    least = np.where(stack, areas[:, None, None], stack.size + 1).min(axis=0, initial=stack.size)
    topmost = build(stack).topmost()
    for row, col in np.ndindex(*topmost.shape):
        if not stack[:, row, col].any():
            assert topmost[row, col] == 0
        else:
            index = topmost[row, col] - 1
            assert stack[index, row, col]
            assert areas[index] == least[row, col]


@quick
@given(stacks)
def test_the_digest_is_the_same_from_every_source(stack: Masks) -> None:
    shape = (int(stack.shape[1]), int(stack.shape[2]))
    compressed = [coco_encode(pixels) for pixels in stack]
    uncompressed = [{"size": list(shape), "counts": counts_of(pixels)} for pixels in stack]
    sources = [
        MaskSet.from_dense(stack),
        MaskSet.from_dense(iter(stack.astype(np.uint8) * 255), shape=shape),
        MaskSet.from_rle(compressed, shape=shape),
        MaskSet.from_rle(uncompressed, shape=shape),
        MaskSet.from_rle([{"segmentation": rle, "area": 1} for rle in compressed], shape=shape),
    ]
    assert len({masks.digest for masks in sources}) == 1


def test_the_digest_never_changes_between_versions() -> None:
    """Saved projects are bound to it."""
    masks = MaskSet.from_dense([mask("##.", "..#"), mask("...", "...")])
    assert masks.digest == "b569b1386c468501fa575108fe4716fc3ca208b7e597a26907407dfb1f103f61"


def test_the_digest_knows_pixels_order_and_size() -> None:
    drawn = [
        [mask("##..")],
        [mask(".##.")],
        [mask("##..", "....")],
        [mask("#.", "#.", "..", "..")],
        [mask("##"), mask("..")],
        [mask(".."), mask("##")],
        [mask("##"), mask("##")],
    ]
    assert len({MaskSet.from_dense(stack).digest for stack in drawn}) == len(drawn)


@quick
@given(stacks)
def test_rle_dicts_bring_back_the_masks(stack: Masks) -> None:
    masks = build(stack)
    assert masks.to_rle() == [coco_encode(pixels) for pixels in stack]
    again = MaskSet.from_rle(masks.to_rle(), shape=masks.shape)
    assert again.digest == masks.digest


def test_memory_is_that_of_the_borders() -> None:
    masks = MaskSet.from_dense(np.ones((1, 500, 400), bool))
    assert masks.nbytes == 4 + 4 + 2 * 8


@pytest.mark.parametrize("shape", [(0, 5, 6), (0, 1, 1)])
def test_no_mask(shape: tuple[int, int, int]) -> None:
    masks = MaskSet.from_dense(np.zeros(shape, bool))
    assert (len(masks), masks.shape) == (0, shape[1:])
    assert masks.areas.shape == (0,)
    assert masks.boxes.shape == (0, 4)
    assert masks.at(0, 0).tolist() == []
    assert not masks.topmost().any()
    assert masks.to_rle() == []


@pytest.mark.parametrize("build_from", [MaskSet.from_dense, MaskSet.from_rle])
def test_no_mask_and_no_size_is_an_error(build_from: Any) -> None:
    with raises_input_error(found="no mask", expected="a mask, or the image's shape"):
        build_from([])


def test_a_mask_of_another_size_is_named() -> None:
    with raises_input_error("mask 1", found="shape (1, 3)", expected="shape (1, 2)"):
        MaskSet.from_dense([mask("##"), mask("###")])


def test_a_stack_must_have_three_axes() -> None:
    with raises_input_error(found="an array of shape (2, 2)", expected="shape (N,"):
        MaskSet.from_dense(np.zeros((2, 2), bool))


def test_an_rle_dict_of_another_size_is_named_with_its_file() -> None:
    records = [coco_encode(mask("##")), coco_encode(mask("###"))]
    with raises_input_error("cat.json, mask 1", found="1 × 3 pixels", expected="1 × 2 as "):
        MaskSet.from_rle(records, source="cat.json")


def record(**scores: Any) -> dict[str, Any]:
    return {"segmentation": coco_encode(mask("##")), **scores}


def test_sam_s_scores_are_kept() -> None:
    values = record(
        predicted_iou=0.75, stability_score=0.5, point_coords=[[3.0, 4.0]], crop_box=[0, 1, 2, 3]
    )
    scores = MaskSet.from_rle([values]).scores
    assert scores.predicted_iou.tolist() == [0.75]
    assert scores.stability_score.tolist() == [0.5]
    assert scores.point.tolist() == [[3, 4]]
    assert scores.crop_box.tolist() == [[0, 1, 2, 3]]


def test_a_record_that_is_unlike_the_others_changes_nothing_for_them() -> None:
    whole = record(predicted_iou=0.75, point_coords=[[3.0, 4.0]], crop_box=[0, 1, 2, 3])
    odd = [
        record(predicted_iou="high", point_coords=[[3.0]], crop_box=None),
        record(predicted_iou=float("nan"), point_coords=[[3.0, 4.0]], crop_box=[0, 1, 2, 3]),
        record(point_coords=7),
        coco_encode(mask("##")),
    ]
    for other in odd:
        masks = MaskSet.from_rle([whole, other])
        assert masks.areas.tolist() == [2, 2]
        assert masks.scores.predicted_iou[0] == 0.75
        assert np.isnan(masks.scores.predicted_iou[1])
        assert masks.scores.point[0].tolist() == [3, 4]
        assert masks.scores.crop_box[0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [[1, 2.0], [True, 2], [1], "12", None])
def test_a_size_that_is_none_is_refused_of_any_mask(size: Any) -> None:
    records = [record(), {"segmentation": coco_encode(mask("##")) | {"size": size}}]
    for order in (records, records[::-1]):
        with raises_input_error(expected="a COCO RLE dict with size"):
            MaskSet.from_rle(order)


def test_masks_of_another_size_than_asked_for_are_named() -> None:
    with raises_input_error("masks, mask 0", found="1 × 2 pixels"):
        MaskSet.from_rle([record()], shape=(2, 2))


@pytest.mark.parametrize(
    "values",
    [{}, {"predicted_iou": None}, {"point_coords": []}, {"point_coords": [[1]]}, {"crop_box": [1]}],
)
def test_missing_scores_are_nan(values: dict[str, Any]) -> None:
    scores = MaskSet.from_rle([record(**values)]).scores
    assert np.isnan(scores.predicted_iou).all()
    assert np.isnan(scores.point).all()
    assert np.isnan(scores.crop_box).all()


def test_scores_do_not_touch_the_digest() -> None:
    masks = MaskSet.from_dense([mask("##")])
    values = replace(masks, scores=MaskScores.unknown(1))
    assert values.digest == masks.digest
