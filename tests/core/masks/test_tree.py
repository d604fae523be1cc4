"""The containment tree."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from napari_sepl import MaskSet
from napari_sepl.core.masks.tree import MaskTree, build_tree
from tests.core.cases import Masks, quick, stacks, thorough
from tests.core.drawing import mask

tree_shares = st.sampled_from([0.5, 0.75, 0.9, 1.0]) | st.floats(0, 1, exclude_min=True)


def naive_parents(masks: Masks, share: float) -> list[int]:
    sizes = [int(each.sum()) for each in masks]
    order = sorted(range(len(masks)), key=lambda index: (sizes[index], index))
    parents = [-1] * len(masks)
    for place, part in enumerate(order):
        for whole in order[place + 1 :]:
            shared = int((masks[part] & masks[whole]).sum())
            if sizes[part] and shared >= share * sizes[part]:
                parents[part] = whole
                break
    return parents


def tree_of(rows: Iterable[str], share: float = 0.9) -> MaskTree:
    return build_tree(MaskSet.from_dense([mask(row) for row in rows]), share)


@thorough
@given(stacks, tree_shares)
@example(np.ones((1, 1, 1), np.bool_), 1.0)
@example(np.zeros((0, 3, 2), np.bool_), 0.9)
@example(np.zeros((2, 3, 2), np.bool_), 0.9)
def test_parents_are_the_naive_ones(stack: Masks, share: float) -> None:
    tree = build_tree(MaskSet.from_dense(stack), share)
    assert tree.parents.dtype == np.intp
    assert tree.parents.tolist() == naive_parents(stack, share)


@quick
@given(st.integers(0, 2**32 - 1), tree_shares)
def test_parents_of_many_rough_masks(seed: int, share: float) -> None:
    """Runs that begin and end inside those of the other mask, several to a column."""
    rng = np.random.default_rng(seed)
    dense = rng.random((12, 9, 7)) < rng.uniform(0.1, 1, (12, 1, 1))
    dense[1::2] |= dense[::2] & (rng.random((6, 9, 7)) < 0.95)
    tree = build_tree(MaskSet.from_dense(dense), share)
    assert tree.parents.tolist() == naive_parents(dense, share)


@quick
@given(stacks, tree_shares)
def test_parents_come_later_by_area_and_index(stack: Masks, share: float) -> None:
    masks = MaskSet.from_dense(stack)
    tree = build_tree(masks, share)
    for part in np.flatnonzero(tree.parents >= 0).tolist():
        whole = int(tree.parents[part])
        assert (masks.areas[whole], whole) > (masks.areas[part], part)
        assert masks.areas[part] > 0


@quick
@given(stacks, tree_shares)
def test_depths_count_ancestors(stack: Masks, share: float) -> None:
    tree = build_tree(MaskSet.from_dense(stack), share)
    assert tree.depths.shape == (len(stack),)
    for mask_index, parent in enumerate(tree.parents.tolist()):
        assert tree.depths[mask_index] == (0 if parent < 0 else tree.depths[parent] + 1)


def test_a_part_lies_in_the_smallest_mask_that_holds_it() -> None:
    tree = tree_of(["######", ".###..", ".#....", "..##..", "....##", "......"])
    assert tree.parents.tolist() == [-1, 0, 1, 1, 0, -1]
    assert tree.depths.tolist() == [0, 1, 2, 2, 1, 0]


def test_equal_masks_lie_in_each_other_one_by_one() -> None:
    tree = tree_of(["##..", "####", "##..", "##.."])
    assert tree.parents.tolist() == [2, -1, 3, 1]
    assert tree.depths.tolist() == [3, 0, 2, 1]


@pytest.mark.parametrize(("share", "parent"), [(0.9, 1), (0.90001, -1), (1, -1), (0.1, 1)])
def test_the_share_itself_is_enough(share: float, parent: int) -> None:
    assert tree_of(["##########..", "#########.##"], share).parents.tolist() == [parent, -1]


def test_the_first_large_enough_holder_wins_not_the_best() -> None:
    assert tree_of(["##########..", "#########.##", "############"]).parents.tolist() == [1, 2, -1]


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_out_of_bounds_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="not above 0 and at most 1"):
        tree_of(["#"], share)
