"""The outlines of masks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl import MaskSet
from napari_sepl.core.masks.outlines import MaskOutlines, trace_region
from tests.core.cases import Case, Masks, cases, quick, stacks
from tests.core.drawing import mask

NOTHING = np.zeros(0, np.intp)


def drawn(masks: MaskSet, width: int = 1) -> list[str]:
    """Draw each mask's outline with its number, counted from 1."""
    target = np.zeros(masks.shape, np.uint8)
    every = np.arange(len(masks))
    MaskOutlines.of(masks, width).paint(target, every, every + 1)
    return ["".join(".123456789"[value] for value in row) for row in target]


def test_an_outline_looks_right_and_down() -> None:
    masks = MaskSet.from_dense([mask(".....", ".###.", ".###.", ".###.", ".....")])
    assert drawn(masks) == [".111.", "1..1.", "1..1.", "1111.", "....."]


def test_the_smallest_mask_s_outline_lies_on_top() -> None:
    large, small = mask("####", "####", "####"), mask("....", ".#..", "....")
    assert drawn(MaskSet.from_dense([large, small])) == [".1..", "12..", "...."]


def test_masks_are_painted_one_by_one() -> None:
    masks = MaskSet.from_dense([mask("##..", "...."), mask("....", "..##")])
    target = np.zeros((2, 4), np.uint8)
    MaskOutlines.of(masks).paint(target, np.array([1]), 7)
    whole = drawn(masks)
    assert (target == 7).tolist() == [[char == "2" for char in row] for row in whole]


@quick
@given(stacks, st.integers(1, 3))
def test_every_outline_pixel_belongs_to_one_mask(stack: Masks, width: int) -> None:
    outlines = MaskOutlines.of(MaskSet.from_dense(stack), width)
    assert len(outlines.offsets) == len(stack) + 1
    assert outlines.offsets[-1] == len(outlines.positions)
    assert len(np.unique(outlines.positions)) == len(outlines.positions)


@quick
@given(stacks)
def test_painting_no_mask_paints_nothing(stack: Masks) -> None:
    target = np.zeros(stack.shape[1:], np.uint8)
    MaskOutlines.of(MaskSet.from_dense(stack)).paint(target, NOTHING, NOTHING)
    assert not target.any()


def naive_trace(mask: np.ndarray, width: int) -> np.ndarray:
    """Pixels within `width` of an end of their stretch in the column, or that lack a neighbour."""
    cols = mask.shape[1]
    marked = np.zeros_like(mask)
    for row, col in zip(*np.nonzero(mask), strict=True):
        above, below = mask[: row + 1, col][::-1], mask[row:, col]
        near = (~above).argmax() if not above.all() else len(above)
        far = (~below).argmax() if not below.all() else len(below)
        beside = [0 <= c < cols and bool(mask[row, c]) for c in (col - width, col + width)]
        marked[row, col] = near <= width or far <= width or not all(beside)
    return marked


@quick
@given(cases(), st.integers(1, 3))
def test_a_region_is_traced_whole(case: Case, width: int) -> None:
    masks = MaskSet.from_dense(case.masks)
    for index, region in enumerate(case.masks):
        traced = np.zeros(region.shape, np.bool_)
        traced.reshape(-1)[trace_region(masks.runs, index, width)] = True
        np.testing.assert_array_equal(traced, naive_trace(region, width))
