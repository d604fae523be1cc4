"""The containment tree."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from napari_sepl import MaskSet
from napari_sepl.core.masks.tree import MaskTree, build_tree
from tests.core.cases import Masks, label_maps, mask_stacks, quick, shapes, thorough
from tests.core.drawing import mask

stacks = shapes.flatmap(label_maps).flatmap(mask_stacks)
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
    tree = build_tree(MaskSet.from_dense(stack), share)
    for part in np.flatnonzero(tree.parents >= 0).tolist():
        whole = int(tree.parents[part])
        assert (tree.areas[whole], whole) > (tree.areas[part], part)
        assert tree.areas[part] > 0


@quick
@given(stacks, tree_shares)
def test_depths_children_and_ancestors_agree(stack: Masks, share: float) -> None:
    tree = build_tree(MaskSet.from_dense(stack), share)
    assert tree.depths.shape == (len(stack),)
    found = []
    for mask_index in range(len(stack)):
        ancestors = tree.ancestors(mask_index)
        assert tree.depths[mask_index] == len(ancestors)
        chain = [mask_index, *ancestors.tolist()]
        assert [int(tree.parents[each]) for each in chain] == [*chain[1:], -1]
        children = tree.children(mask_index).tolist()
        assert children == sorted(children, key=lambda child: (-tree.areas[child], child))
        assert all(tree.parents[child] == mask_index for child in children)
        found += children
    assert sorted(found) == np.flatnonzero(tree.parents >= 0).tolist()


def test_a_part_lies_in_the_smallest_mask_that_holds_it() -> None:
    tree = tree_of(["######", ".###..", ".#....", "..##..", "....##", "......"])
    assert tree.parents.tolist() == [-1, 0, 1, 1, 0, -1]
    assert tree.depths.tolist() == [0, 1, 2, 2, 1, 0]
    assert tree.children(0).tolist() == [1, 4]
    assert tree.children(1).tolist() == [3, 2]
    assert tree.children(5).tolist() == []
    assert tree.ancestors(2).tolist() == [1, 0]
    assert tree.ancestors(5).tolist() == []


def test_children_of_one_size_come_in_order_of_index() -> None:
    assert tree_of(["#...", "####", ".#..", "..##"]).children(1).tolist() == [3, 0, 2]


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


@pytest.mark.parametrize("mask_index", [-1, 2])
def test_a_mask_that_is_not_there_is_refused(mask_index: int) -> None:
    tree = tree_of(["#.", ".."])
    with pytest.raises(IndexError, match=f"mask {mask_index} of 2"):
        tree.children(mask_index)
    with pytest.raises(IndexError, match=f"mask {mask_index} of 2"):
        tree.ancestors(mask_index)
