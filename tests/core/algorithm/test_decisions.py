"""A person's decisions over the strategies', against a plain version."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import REJECT, assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import InputError
from tests.core.cases import Case, cases, measure, thorough
from tests.core.naive import naive_decided


@st.composite
def decided_cases(draw: st.DrawFn) -> tuple[Case, dict[int, int]]:
    case = draw(cases())
    seeds = [-int(k) for k in np.unique(case.pseudo) if k not in (0, 255)]
    regions = seeds + list(range(len(case.masks)))
    classes = st.integers(0, 254) | st.sampled_from([REJECT, 0, *(-k for k in seeds)])
    if not regions:
        return case, {}
    return case, draw(st.dictionaries(st.sampled_from(regions), classes))


@thorough
@given(decided_cases())
def test_random_decisions(chosen: tuple[Case, dict[int, int]]) -> None:
    case, decisions = chosen
    overlap = measure(case)
    labels = paint(overlap, assign(overlap, case.params, decisions), case.params)
    np.testing.assert_array_equal(
        labels, naive_decided(case.pseudo, case.masks, case.params, decisions)
    )


@pytest.mark.parametrize("strategy", Strategy)
def test_the_rule_tells_who_decided(strategy: Strategy) -> None:
    pseudo = np.zeros((4, 8), np.uint8)
    pseudo[:, :4] = 1
    masks = np.zeros((3, 4, 8), np.bool_)
    masks[0, :, :4] = masks[1, :, 6:] = True
    overlap = measure_overlap(pseudo, MaskSet.from_dense(masks))
    chosen = assign(overlap, Params(strategy=strategy), {0: REJECT, 1: 7, 2: 7})
    assert [Rule(r) for r in chosen.rules] == [Rule.REJECTED, Rule.BY_PERSON, Rule.EMPTY]
    assert chosen.class_ids.tolist()[:2] == [1, 7]
    assert chosen.selected.tolist() == [False, True, False]
    assert chosen.decided.tolist() == [True, True, False]
    assert [chosen.class_of(region) for region in (0, 1, -1)] == [1, 7, 1]


def test_decisions_wait_for_a_class_that_has_no_pixel() -> None:
    overlap = measure_overlap(np.ones((2, 2), np.uint8), MaskSet.from_dense(np.ones((1, 2, 2))))
    waiting = assign(overlap, Params(), {-2: 7}, {2})
    assert not waiting.kept.by_person.any()
    assert waiting.class_of(-2) == 7
    assert (paint(overlap, waiting, Params()) == 1).all()


@pytest.mark.parametrize(("region", "named"), [(3, "mask 3"), (-2, "class 2")])
def test_a_region_that_is_not_there_is_refused(region: int, named: str) -> None:
    overlap = measure_overlap(
        np.ones((2, 2), np.uint8), MaskSet.from_dense(np.ones((3, 2, 2), np.bool_))
    )
    with pytest.raises(InputError, match=named):
        assign(overlap, Params(), {region: 1})
