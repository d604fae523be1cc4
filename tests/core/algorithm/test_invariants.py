"""What must hold whatever the image."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl import Params, enhance
from napari_sepl.core.algorithm.assignment import Assignment, assign
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.algorithm.strategies import Strategy
from tests.core.cases import Case, cases, measure, quick, shares


def decide(case: Case, params: Params) -> Assignment:
    return assign(measure(case), params)


def redo(case: Case, masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return enhance(case.pseudo, masks, case.params)


@quick
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_masks_does_not_matter(case: Case, random: Any) -> None:
    """In `tree` it tells which of two masks of one size lies in the other."""
    if case.params.strategy is Strategy.TREE:
        _, firsts = np.unique(case.masks.sum(axis=(1, 2)), return_index=True)
        case = replace(case, masks=case.masks[firsts])
    order = random.sample(range(len(case.masks)), len(case.masks))
    np.testing.assert_array_equal(redo(case, case.masks[order]), redo(case, case.masks))


@quick
@given(cases())
def test_a_mask_twice_is_as_good_as_once(case: Case) -> None:
    twice = np.concatenate([case.masks, case.masks])
    np.testing.assert_array_equal(redo(case, twice), redo(case, case.masks))


@quick
@given(cases())
def test_empty_masks_change_nothing(case: Case) -> None:
    with_empty = np.concatenate([case.masks, np.zeros((3, *case.pseudo.shape), np.bool_)])
    np.testing.assert_array_equal(redo(case, with_empty), redo(case, case.masks))


@quick
@given(cases())
def test_rows_and_columns_are_alike(case: Case) -> None:
    turned = enhance(case.pseudo.T, case.masks.transpose(0, 2, 1), case.params)
    np.testing.assert_array_equal(turned.T, redo(case, case.masks))


@quick
@given(cases())
def test_no_class_appears_that_was_not_there(case: Case) -> None:
    assert set(np.unique(redo(case, case.masks))) <= {0, *np.unique(case.pseudo)}


@quick
@given(cases())
def test_thresholds_of_one_refuse_every_mask(case: Case) -> None:
    params = Params(t1=1, t2=1)
    np.testing.assert_array_equal(enhance(case.pseudo, case.masks, params), case.pseudo)


@quick
@given(cases(), shares(), shares())
def test_raising_a_threshold_never_takes_more_masks(case: Case, t1: float, t2: float) -> None:
    low = decide(case, Params(t1=min(t1, case.params.t1), t2=min(t2, case.params.t2)))
    high = decide(case, Params(t1=max(t1, case.params.t1), t2=max(t2, case.params.t2)))
    assert not (high.selected & ~low.selected).any()


@quick
@given(cases())
def test_conflict_rules_change_only_who_wins(case: Case) -> None:
    """Which pixels carry a class at all is the same under all three rules."""
    maps = [
        enhance(case.pseudo, case.masks, case.params.model_copy(update={"conflict": conflict}))
        for conflict in Conflict
    ]
    for other in maps[1:]:
        np.testing.assert_array_equal(np.isin(maps[0], (0, 255)), np.isin(other, (0, 255)))


@quick
@given(cases())
def test_released_leaves_no_ignore(case: Case) -> None:
    params = case.params.model_copy(update={"strategy": Strategy.RELEASED})
    assert not (enhance(case.pseudo, case.masks, params) == 255).any()


@quick
@given(cases())
def test_what_is_kept_lies_on_its_class_in_whole_runs(case: Case) -> None:
    chosen = decide(case, case.params)
    for index, class_id in enumerate(chosen.kept.class_ids.tolist()):
        regions = chosen.kept.regions
        first, last = regions.offsets[index : index + 2]
        starts, stops = regions.starts[first:last], regions.stops[first:last]
        assert (starts < stops).all()
        assert (starts[1:] > stops[:-1]).all()
        assert not (chosen.kept.regions.decode(index) & (case.pseudo != class_id)).any()


@quick
@given(cases())
def test_reasons_agree_with_the_shares(case: Case) -> None:
    overlap = measure(case)
    chosen = assign(overlap, case.params.model_copy(update={"strategy": Strategy.PAPER}))
    assert ((chosen.rules == Rule.EMPTY) == ~case.masks.any(axis=(1, 2))).all()
    by_o_s = np.isin(chosen.rules, (Rule.BY_O_S, Rule.BY_BOTH))
    by_o_p = np.isin(chosen.rules, (Rule.BY_O_P, Rule.BY_BOTH))
    assert (by_o_s == (overlap.best_o_s > case.params.t1)).all()
    assert (by_o_p == (overlap.best_o_p > case.params.t2)).all()
    assert ((chosen.class_ids == 0) == (overlap.best < 0)).all()


@quick
@given(cases())
def test_inputs_are_left_as_they_were(case: Case) -> None:
    pseudo, masks = case.pseudo.copy(), case.masks.copy()
    pseudo.flags.writeable = masks.flags.writeable = False
    enhance(pseudo, masks, case.params)
    np.testing.assert_array_equal(pseudo, case.pseudo)
