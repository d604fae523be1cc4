"""Painting what changed against painting all."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import REJECT, assign
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.paint import Painted, find_stale, paint, repaint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.masks.transpose import BLOCK
from tests.core.cases import Case, cases, shares, thorough

Overrides = Mapping[int, int]


def measure(case: Case, scale: int = 1) -> Overlap:
    """Measure a case, each pixel made a square so that the image spans several blocks."""
    pseudo = case.pseudo.repeat(scale, axis=0).repeat(scale, axis=1)
    masks = case.masks.repeat(scale, axis=1).repeat(scale, axis=2)
    shape: Any = pseudo.shape
    return measure_overlap(pseudo, MaskSet.from_dense(masks, shape=shape))


def painted(overlap: Overlap, params: Params, decisions: Overrides) -> Painted:
    assignment = assign(overlap, params, decisions)
    return Painted(assignment, params, paint(overlap, assignment, params))


def draw_overrides(draw: st.DataObject, overlap: Overlap) -> Overrides:
    regions = [*range(len(overlap.masks)), *(-int(k) for k in overlap.class_ids)]
    if not regions:
        return {}
    choices = st.sampled_from([REJECT, 0, 1, 2, 7])
    return draw.draw(st.dictionaries(st.sampled_from(regions), choices, max_size=4))


@thorough
@given(cases(), shares(), shares(), st.booleans(), st.sampled_from([1, 13, 16, 24]), st.data())
def test_repainting_is_as_painting(
    case: Case, t1: float, t2: float, other_rules: bool, scale: int, draw: st.DataObject
) -> None:
    overlap = measure(case, scale)
    before = painted(overlap, case.params, draw_overrides(draw, overlap))
    params = case.params.model_copy(update={"t1": t1, "t2": t2})
    if other_rules:
        params = params.model_copy(update={"conflict": draw.draw(st.sampled_from(list(Conflict)))})
    labels, kept = before.labels.copy(), draw_overrides(draw, overlap)
    after = painted(overlap, params, kept)
    again = repaint(overlap, after.assignment, params, before)
    np.testing.assert_array_equal(again, after.labels)
    np.testing.assert_array_equal(before.labels, labels)


@pytest.fixture
def wide() -> Overlap:
    """Two masks of class 1 far from each other, on an image of 2 × 8 blocks."""
    shape = 2 * BLOCK, 8 * BLOCK
    masks = np.zeros((2, *shape), np.bool_)
    masks[0, 3:20, 3:20] = True
    masks[1, BLOCK + 1 : BLOCK + 9, 5 * BLOCK - 3 : 5 * BLOCK + 3] = True
    pseudo = (masks[0] | masks[1]).astype(np.uint8)
    return measure_overlap(pseudo, MaskSet.from_dense(masks))


def test_only_blocks_that_a_changed_mask_reaches_are_stale(wide: Overlap) -> None:
    before, after = assign(wide, Params()), assign(wide, Params(), {1: REJECT})
    assert np.argwhere(find_stale(wide, before, after)).tolist() == [[1, 4], [1, 5]]


def test_what_a_person_takes_as_the_algorithm_did_is_painted_again(wide: Overlap) -> None:
    """It now lies over all else."""
    before, after = assign(wide, Params()), assign(wide, Params(), {0: 1})
    assert np.argwhere(find_stale(wide, before, after)).tolist() == [[0, 0]]


def test_what_changes_nothing_paints_nothing(wide: Overlap) -> None:
    before = painted(wide, Params(), {})
    params = Params(t1=0.49, t2=0.86)
    assert repaint(wide, assign(wide, params), params, before) is before.labels
