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
from tests.core.cases import Case, Labels, cases, thorough
from tests.core.naive import Claims, Mask, area, choose_levels, settle, shared


def naive_decided(case: Case, decisions: dict[int, int]) -> Labels:
    """Enhance as a strategy does, with a person's decisions on top."""
    pseudo, params = case.pseudo, case.params
    seeds = {int(k): pseudo == k for k in np.unique(pseudo) if k not in (0, 255)}
    if params.strategy is Strategy.TREE:
        selected, kept = choose_levels(seeds, list(case.masks), params, decisions)
    else:
        selected, kept = choose_by_thresholds(case, seeds, decisions)
    claims: Claims = [(k, case.masks[index]) for index, k in selected.items()]
    claims += [(k, seed) for k, seed in kept.items() if -k not in decisions]
    claims += [(k, seeds[-r]) for r, k in decisions.items() if r < 0 and k != REJECT]
    released = params.strategy is Strategy.RELEASED
    unclaimed = np.where((pseudo == 255) & ~released, 255, 0).astype(np.uint8)
    labels = settle(pseudo, unclaimed, claims, params.conflict)
    decided = [(k, case.masks[r]) for r, k in sorted(decisions.items()) if r >= 0 and k != REJECT]
    decided += [(k, seeds[-r]) for r, k in decisions.items() if r < 0 and k != REJECT]
    for k, region in sorted(decided, key=lambda claim: -area(claim[1])):
        labels[region] = k
    return labels


def choose_by_thresholds(
    case: Case, seeds: dict[int, Mask], decisions: dict[int, int]
) -> tuple[dict[int, int], dict[int, Mask]]:
    """Return the masks taken and the pixels kept by Algorithm 1 or by the released code."""
    paper = case.params.strategy is Strategy.PAPER
    selected = {
        index: k
        for index, mask in enumerate(case.masks)
        if mask.any() and (k := (paper_class if paper else released_class)(case, index))
    }
    for region, class_id in decisions.items():
        if region >= 0 and case.masks[region].any():
            selected.pop(region, None)
            if class_id != REJECT:
                selected[region] = class_id
    kept = {}
    for k, seed in seeds.items():
        if paper and k not in selected.values():
            kept[k] = seed
        if not paper:
            free = [m for i, m in enumerate(case.masks) if selected.get(i, 255) >= k]
            kept[k] = seed & ~np.any([np.zeros_like(seed), *free], axis=0)
    return selected, kept


def paper_class(case: Case, index: int) -> int:
    """Return the class that Algorithm 1 takes a mask for, 0 for none."""
    mask, pseudo = case.masks[index], case.pseudo
    met = {int(k): shared(mask, pseudo == k) for k in np.unique(pseudo) if k not in (0, 255)}
    most = max(met.values(), default=0)
    if not most:
        return 0
    k = min(k for k in met if met[k] == most)
    passes = most / area(mask) > case.params.t1 or most / area(pseudo == k) > case.params.t2
    return k if passes else 0


def released_class(case: Case, index: int) -> int:
    """Return the lowest class that the released code takes a mask for, 0 for none."""
    mask, pseudo = case.masks[index], case.pseudo
    for k in [int(k) for k in np.unique(pseudo) if k not in (0, 255)]:
        both = shared(mask, pseudo == k)
        if both / area(mask) > case.params.t1 or both / area(pseudo == k) >= case.params.t2:
            return k
    return 0


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
    overlap = measure_overlap(case.pseudo, MaskSet.from_dense(case.masks))
    labels = paint(overlap, assign(overlap, case.params, decisions), case.params)
    np.testing.assert_array_equal(labels, naive_decided(case, decisions))


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
