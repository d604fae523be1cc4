"""The marks on the sliders: where one threshold alone selects or rejects a mask."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import assign, find_critical_thresholds
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.strategies import Strategy
from tests.core.cases import Case, cases, measure, quick

PLAIN = [Strategy.PAPER, Strategy.RELEASED]


@pytest.mark.parametrize("strategy", PLAIN)
@pytest.mark.parametrize("name", ["t1", "t2"])
@quick
@given(cases())
def test_between_two_marks_the_same_masks_are_selected(
    name: str, strategy: Strategy, case: Case
) -> None:
    overlap = measure(case)
    params = case.params.model_copy(update={"strategy": strategy})
    marks = find_critical_thresholds(overlap, params)[name == "t2"]

    def selected(value: float) -> list[bool]:
        one = params.model_copy(update={name: value})
        return [bool(each) for each in assign(overlap, one).selected]

    edges = [0.0, *marks.tolist(), 1.0]
    for low, high in pairwise(edges):
        if high - low > 1e-6:
            inside = np.linspace(low, high, 5)[1:-1]
            assert len({tuple(selected(float(value))) for value in inside}) == 1
    for mark in marks.tolist():
        if mark + 1e-9 < 1 and all(abs(mark - other) > 1e-6 for other in marks if other != mark):
            assert selected(mark - 1e-9) != selected(min(1.0, mark + 1e-9))


def test_a_tree_has_no_marks() -> None:
    masks = MaskSet.from_dense(np.ones((1, 4, 4), np.bool_))
    overlap = measure_overlap(np.ones((4, 4), np.uint8), masks)
    assert not any(
        len(each) for each in find_critical_thresholds(overlap, Params(strategy=Strategy.TREE))
    )
