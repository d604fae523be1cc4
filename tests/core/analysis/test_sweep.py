"""Counts at all pairs of thresholds against painting and counting at each."""

from itertools import product
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.analysis.sweep import MOST, Matches, SweepCounts, sweep_image, threshold_grid
from napari_sepl.core.errors import InputError
from tests.core.cases import (
    Case,
    Labels,
    cases,
    crowded_cases,
    label_maps,
    measure,
    quick,
    shares,
)
from tests.core.drawing import labels, mask
from tests.messages import raises_input_error

Grid = NDArray[np.float64]
RULES = [Params(strategy=s, conflict=c) for s, c in product(Strategy, Conflict)]


def grids() -> st.SearchStrategy[Grid]:
    return st.lists(shares(), min_size=1, max_size=5, unique=True).map(np.array).map(np.sort)


def truths(pseudo: Labels) -> st.SearchStrategy[Labels]:
    """Unlike the pseudo-labels, or much like them, as a truth is."""
    shape: Any = pseudo.shape
    like = hnp.arrays(np.bool_, shape).map(lambda void: np.where(void, np.uint8(255), pseudo))
    return label_maps(shape) | like


def check(case: Case, truth: Labels | None, t1: Grid, t2: Grid) -> None:
    """Count at each pair as the rest of the package does, and compare."""
    overlap = measure(case)
    counts = sweep_image(overlap, truth, t1, t2, case.params)
    for i, j in np.ndindex(len(t1), len(t2)):
        params = case.params.model_copy(update={"t1": float(t1[i]), "t2": float(t2[j])})
        enhanced = paint(overlap, assign(overlap, params), params)
        check_matches(counts.pseudo, enhanced, case.pseudo, counts.labels, (i, j))
        assert counts.changed[i, j] == np.count_nonzero(enhanced != case.pseudo)
        if truth is not None and counts.truth is not None:
            check_matches(counts.truth, enhanced, truth, counts.labels, (i, j))
    assert (counts.truth is None) == (truth is None)
    assert counts.pixels == case.pseudo.size


def check_matches(
    matches: Matches, enhanced: Labels, others: Labels, known: Labels, at: tuple[int, int]
) -> None:
    confusion = Confusion.of(enhanced, others)
    right, painted, wanted = np.zeros((3, 255), np.int64)
    right[known] = matches.right[:, *at]
    painted[known] = matches.painted[:, *at]
    wanted[known] = matches.wanted
    np.testing.assert_array_equal(right, np.diag(confusion.counts)[:255])
    np.testing.assert_array_equal(painted, confusion.counts.sum(axis=0)[:255])
    np.testing.assert_array_equal(wanted, confusion.counts.sum(axis=1)[:255])
    iou = np.full(255, np.nan)
    iou[known] = matches.iou[:, *at]
    np.testing.assert_array_equal(iou, confusion.iou)
    if wanted.any():
        assert matches.mean_iou[at] == pytest.approx(iou[wanted > 0].mean(), abs=1e-12)


@settings(quick, max_examples=100)
@given(st.data())
def test_as_painting_each_pair(data: st.DataObject) -> None:
    case = data.draw(cases())
    check(case, data.draw(truths(case.pseudo)), data.draw(grids()), data.draw(grids()))


@pytest.mark.long
@settings(quick, max_examples=1000)
@given(st.data())
def test_as_painting_each_pair_of_many(data: st.DataObject) -> None:
    case = data.draw(cases())
    check(case, data.draw(truths(case.pseudo)), data.draw(grids()), data.draw(grids()))


@quick
@given(cases(), grids(), grids())
def test_without_truth(case: Case, t1: Grid, t2: Grid) -> None:
    check(case, None, t1, t2)


@quick
@given(st.data())
def test_with_all_classes_at_once(data: st.DataObject) -> None:
    case = data.draw(crowded_cases())
    check(case, data.draw(truths(case.pseudo)), data.draw(grids()), data.draw(grids()))


@quick
@given(cases(), st.sampled_from(RULES), grids(), grids())
def test_at_the_shares_themselves(case: Case, params: Params, t1: Grid, t2: Grid) -> None:
    """Where a threshold equals a share, `paper` refuses and `released` takes by o_p."""
    overlap = measure(case)
    t1, t2 = np.union1d(t1, overlap.o_s)[:6], np.union1d(t2, overlap.o_p)[-6:]
    check(Case(case.pseudo, case.masks, params), case.pseudo, t1, t2)


@pytest.mark.parametrize("params", RULES, ids=lambda p: f"{p.strategy}-{p.conflict}")
def test_a_whole_grid(params: Params) -> None:
    rng = np.random.default_rng(3)
    pseudo, truth = np.zeros((2, 40, 50), np.uint8)
    masks = np.zeros((25, 40, 50), np.bool_)
    targets = [(pseudo, 3), (truth, 3), (pseudo, 7), (truth, 7), (pseudo, 255), (truth, 255)]
    for target, value in targets + [(one, 1) for one in masks]:
        row, col, height, width = rng.integers([0, 0, 4, 4], [30, 40, 20, 25])
        target[row : row + height, col : col + width] = value
    grid = threshold_grid(21, 0.5)
    check(Case(pseudo, masks, params), truth, grid, grid)


@pytest.mark.parametrize("params", RULES, ids=lambda p: f"{p.strategy}-{p.conflict}")
def test_no_mask_and_nothing_but_ignore(params: Params) -> None:
    none = np.zeros((0, 1, 6), np.bool_)
    grid = np.array([0.0, 1.0])
    for pseudo in (labels("......"), labels("??????"), labels("1?.2..")):
        check(Case(pseudo, none, params), labels("??????"), grid, grid)


@pytest.mark.parametrize("params", RULES, ids=lambda p: f"{p.strategy}-{p.conflict}")
def test_equal_masks_and_seeds_meet(params: Params) -> None:
    """Of regions of equal size the rule `smallest` asks for the class."""
    masks = np.array([mask("###."), mask(".###"), mask("##..")])
    grid = np.array([0.0, 0.3, 0.6, 0.9])
    for pseudo in (labels("1122"), labels("2211"), labels("3312")):
        check(Case(pseudo, masks, params), labels("1122"), grid, grid)


def test_precision_and_recall() -> None:
    """The mask is taken below t1 = 0.5; P_1 is kept elsewhere."""
    overlap = measure_overlap(labels("11......"), MaskSet.from_dense(mask("####....")[None]))
    grid = np.array([0.4, 0.5, 1.0])
    counts = sweep_image(overlap, labels("1111??.."), grid, grid[2:], Params())
    assert counts.truth is not None
    assert counts.truth.precision[:, :, 0].tolist() == [[1.0, 0.5, 0.5], [1.0, 1.0, 1.0]]
    assert counts.truth.recall[:, :, 0].tolist() == [[1.0, 1.0, 1.0], [1.0, 0.5, 0.5]]
    assert counts.changed[:, 0].tolist() == [2, 0, 0]


def test_a_label_that_is_nowhere_has_no_share() -> None:
    counts = SweepCounts.nothing(3, (2, 2), truth=True)
    assert counts.truth is not None
    for share in ("iou", "precision", "recall", "mean_iou"):
        assert np.isnan(getattr(counts.truth, share)).all()


@quick
@given(cases(), cases(), grids())
def test_images_add_up(first: Case, second: Case, grid: Grid) -> None:
    total = SweepCounts.nothing(255, (len(grid), len(grid)), truth=True)
    expected = np.zeros((255, len(grid), len(grid)))
    for case in (first, second):
        counts = sweep_image(measure(case), case.pseudo, grid, grid, case.params)
        assert counts.truth is not None
        total.add(counts)
        expected[counts.labels] += counts.truth.right
    assert total.truth is not None
    np.testing.assert_array_equal(total.truth.right, expected)
    assert total.pixels == first.pseudo.size + second.pseudo.size


def test_the_grid_holds_the_default() -> None:
    assert threshold_grid(21, 0.85)[17] == 0.85
    assert len(threshold_grid(21, 0.85)) == 21
    assert threshold_grid(3, 0.85).tolist() == [0.0, 0.5, 0.85, 1.0]


@pytest.mark.parametrize(
    "grid",
    [[], [0.5, 0.4], [0.5, 0.5], [-0.1, 0.5], [0.5, 1.1], [np.nan], [0.1, np.nan], [[0.5]],
     np.linspace(0, 1, MOST + 1)],
)  # fmt: skip
def test_a_grid_that_does_not_ascend_is_refused(grid: Any) -> None:
    overlap = measure_overlap(labels("11"), MaskSet.from_dense(mask("##")[None]))
    good, bad = np.array([0.5]), np.array(grid, np.float64)
    with pytest.raises(InputError, match="grid of t1"):
        sweep_image(overlap, None, bad, good, Params())
    with pytest.raises(InputError, match="grid of t2"):
        sweep_image(overlap, None, good, bad, Params())


def test_truth_of_another_size_is_refused() -> None:
    overlap = measure_overlap(labels("11"), MaskSet.from_dense(mask("##")[None]))
    with raises_input_error("ground truth", found="1 × 3 pixels", expected="1 × 2 as the image"):
        sweep_image(overlap, labels("111"), np.array([0.5]), np.array([0.5]), Params())
