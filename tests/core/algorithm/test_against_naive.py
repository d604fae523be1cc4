"""The package against the plain version, pixel for pixel."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl import MaskSet, Params, enhance
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from tests.core.cases import (
    Case,
    cases,
    crowded_cases,
    label_maps,
    mask_stacks,
    measure,
    quick,
    thorough,
)
from tests.core.naive import naive_enhance

EVERY_RULE = [(strategy, conflict) for strategy in Strategy for conflict in Conflict]
SHARES = [0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0]


def assert_as_naive(case: Case) -> None:
    expected = naive_enhance(case.pseudo, case.masks, case.params)
    enhanced = enhance(case.pseudo, case.masks, case.params)
    assert enhanced.dtype == np.uint8
    np.testing.assert_array_equal(enhanced, expected)


@thorough
@given(cases())
def test_random_cases(case: Case) -> None:
    assert_as_naive(case)


@quick
@given(crowded_cases())
def test_254_classes_at_once(case: Case) -> None:
    assert_as_naive(case)


@pytest.mark.parametrize(("strategy", "conflict"), EVERY_RULE)
@settings(quick, max_examples=20)
@given(chosen=st.data())
def test_every_rule_at_exact_shares(
    chosen: st.DataObject, strategy: Strategy, conflict: Conflict
) -> None:
    """A 3 × 4 image has masks and classes whose shares are exactly 1/4, 1/3, 1/2, ..."""
    pseudo = chosen.draw(label_maps((3, 4)))
    masks = chosen.draw(mask_stacks(pseudo))
    for t1, t2 in [(a, b) for a in SHARES for b in SHARES]:
        params = Params(t1=t1, t2=t2, strategy=strategy, conflict=conflict)
        assert_as_naive(Case(pseudo, masks, params))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 33), (65, 3)])
@quick
@given(chosen=st.data())
def test_thin_images(chosen: st.DataObject, shape: tuple[int, int]) -> None:
    pseudo = chosen.draw(label_maps(shape))
    masks = chosen.draw(mask_stacks(pseudo))
    for strategy, conflict in EVERY_RULE:
        assert_as_naive(Case(pseudo, masks, Params(strategy=strategy, conflict=conflict)))


def as_given(pseudo: NDArray[np.uint8], kind: str) -> NDArray[Any]:
    if kind == "every second column":
        return np.repeat(pseudo, 2, axis=1)[:, ::2]
    if kind == "column by column":
        return np.asfortranarray(pseudo)
    return pseudo.astype(kind)


@pytest.mark.parametrize(
    "kind", ["int64", "uint16", "int32", ">i4", "uint64", "column by column", "every second column"]
)
@quick
@given(case=cases())
def test_how_the_pseudo_labels_lie_in_memory_does_not_matter(case: Case, kind: str) -> None:
    expected = enhance(case.pseudo, case.masks, case.params)
    given_as = as_given(case.pseudo, kind)
    np.testing.assert_array_equal(enhance(given_as, case.masks, case.params), expected)


@pytest.mark.parametrize("kind", ["uint8", "int64", "float32"])
@quick
@given(case=cases())
def test_masks_may_be_numbers(case: Case, kind: str) -> None:
    expected = enhance(case.pseudo, case.masks, case.params)
    numbers = (case.masks * 255 // 2).astype(kind)
    np.testing.assert_array_equal(enhance(case.pseudo, numbers, case.params), expected)


@quick
@given(cases())
def test_masks_may_be_rle_or_a_mask_set(case: Case) -> None:
    shape: Any = case.pseudo.shape
    masks = MaskSet.from_dense(case.masks, shape=shape)
    expected = enhance(case.pseudo, case.masks, case.params)
    np.testing.assert_array_equal(enhance(case.pseudo, masks, case.params), expected)
    np.testing.assert_array_equal(enhance(case.pseudo, masks.to_rle(), case.params), expected)


@quick
@given(cases())
def test_painting_over_an_old_result_leaves_nothing_of_it(case: Case) -> None:
    shape: Any = case.pseudo.shape
    overlap = measure(case)
    buffer = np.full(shape, 77, np.uint8)
    painted = paint(overlap, assign(overlap, case.params), case.params, buffer)
    assert painted is buffer
    np.testing.assert_array_equal(buffer, naive_enhance(case.pseudo, case.masks, case.params))
