"""The regions that mask borders cut an image into."""

import numpy as np
from hypothesis import example, given
from numpy.typing import NDArray

from napari_sepl import MaskSet
from napari_sepl.core.masks.superpixels import find_superpixels
from tests.core.cases import Masks, quick, stacks, thorough
from tests.core.drawing import mask


def naive_superpixels(stack: Masks) -> NDArray[np.int32]:
    """Number the pixels, and let each number spread over pixels in the same masks."""
    height, width = stack.shape[1:]
    first = np.arange(height * width).reshape(height, width)
    left_alike = (stack[:, :, 1:] == stack[:, :, :-1]).all(axis=0)
    top_alike = (stack[:, 1:] == stack[:, :-1]).all(axis=0)
    before = None
    while before is None or (before != first).any():
        before = first.copy()
        for alike, one, other in (
            (left_alike, first[:, 1:], first[:, :-1]),
            (top_alike, first[1:], first[:-1]),
        ):
            one[alike] = np.minimum(one, other)[alike]
            other[alike] = np.minimum(one, other)[alike]
    covered = stack.any(axis=0)
    superpixels = np.zeros((height, width), np.int32)
    for number, position in enumerate(np.unique(first[covered]).tolist()):
        superpixels[covered & (first == position)] = number + 1
    return superpixels


def drawn(*masks: NDArray[np.bool_]) -> list[str]:
    superpixels = find_superpixels(MaskSet.from_dense(list(masks)))
    return ["".join(".123456789"[number] for number in row) for row in superpixels]


@thorough
@given(stacks)
@example(np.ones((1, 1, 1), np.bool_))
@example(np.zeros((0, 3, 2), np.bool_))
@example(np.zeros((2, 3, 2), np.bool_))
def test_superpixels_are_the_naive_ones(stack: Masks) -> None:
    superpixels = find_superpixels(MaskSet.from_dense(stack))
    assert superpixels.dtype == np.int32
    np.testing.assert_array_equal(superpixels, naive_superpixels(stack))


@quick
@given(stacks)
def test_each_mask_is_a_union_of_superpixels(stack: Masks) -> None:
    superpixels = find_superpixels(MaskSet.from_dense(stack))
    for each in stack:
        assert not np.intersect1d(superpixels[each], superpixels[~each]).any()
        assert (superpixels[each] > 0).all()


@quick
@given(stacks)
def test_the_order_of_masks_and_doubles_do_not_matter(stack: Masks) -> None:
    expected = find_superpixels(MaskSet.from_dense(stack))
    again = np.concatenate([stack[::-1], stack, np.zeros_like(stack)])
    np.testing.assert_array_equal(find_superpixels(MaskSet.from_dense(again)), expected)


@quick
@given(stacks)
def test_numbers_rise_in_row_major_order(stack: Masks) -> None:
    superpixels = find_superpixels(MaskSet.from_dense(stack)).ravel()
    numbers, firsts = np.unique(superpixels[superpixels > 0], return_index=True)
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert (np.diff(firsts) > 0).all()


def test_crossing_masks_make_three_superpixels() -> None:
    one = mask("....", ".##.", ".##.")
    other = mask("..##", "..##", "....")
    assert drawn(one, other) == ["..11", ".231", ".22."]


def test_one_mask_in_two_pieces_is_two_superpixels() -> None:
    assert drawn(mask("#.#", "###", "...", "#.#")) == ["1.1", "111", "...", "2.3"]


def test_corners_do_not_connect() -> None:
    assert drawn(mask("#.", ".#")) == ["1.", ".2"]


def test_a_bottom_and_the_next_column_s_top_do_not_connect() -> None:
    """They are neighbours in the runs, which go down columns."""
    assert drawn(mask(".#", "..", "#.")) == [".1", "..", "2."]


def test_touching_masks_are_two_superpixels() -> None:
    assert drawn(mask("##.."), mask("..##")) == ["1122"]


def test_a_ring_joins_up_whichever_way_it_is_walked() -> None:
    spiral = mask("#####", "#...#", "#.#.#", "#.###", "#....")
    comb = mask("#.#.#", "#.#.#", "#####")
    assert drawn(spiral) == ["11111", "1...1", "1.1.1", "1.111", "1...."]
    assert drawn(comb) == ["1.1.1", "1.1.1", "11111"]


def test_more_masks_than_a_hash_has_bits() -> None:
    """Any 65 keys of 64 bits depend on each other, and sets of them must still differ."""
    nested = [np.arange(200)[np.newaxis] >= start for start in range(200)]
    superpixels = find_superpixels(MaskSet.from_dense(nested))
    assert superpixels.tolist() == [list(range(1, 201))]
