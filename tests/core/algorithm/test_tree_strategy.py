"""The strategy `tree`, rule by rule, and against every choice there is."""

from functools import partial
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl import MaskSet, Params, enhance
from napari_sepl.core.algorithm.assignment import REJECT, assign
from napari_sepl.core.algorithm.levels import MASK_PRICE, OUTSIDE_PRICE
from napari_sepl.core.algorithm.nests import BARE
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.algorithm.strategies import Strategy
from tests.core.cases import (
    Case,
    cases,
    label_maps,
    mask_stacks,
    measure,
    quick,
    shares,
    thorough,
)
from tests.core.drawing import decide, enhance_row, labels, mask, text

TREE = Params(strategy=Strategy.TREE)


tree = partial(enhance_row, strategy="tree")


def rules_of(pseudo: str, *masks: str, t1: float = 0.5) -> list[Rule]:
    params = Params(t1=t1, strategy=Strategy.TREE)
    return [Rule(rule) for rule in decide(pseudo, list(masks), params).rules]


def enhance_decided(pseudo: str, masks: list[str], decisions: dict[int, int]) -> str:
    overlap = measure_overlap(labels(pseudo), MaskSet.from_dense([mask(row) for row in masks]))
    return text(paint(overlap, assign(overlap, TREE, decisions), TREE))


# Which level is selected. A pixel outside costs 0.18 at t1 = 0.5, a mask 0.1 of its piece.


def test_a_whole_that_adds_little_beats_its_parts() -> None:
    """11 - 0.18 - 1.1 against (5 - 1.1) + (6 - 1.1)."""
    parts = ("#####.......", ".....######.")
    assert rules_of("11111111111.", *parts, "############") == [
        Rule.OTHER_LEVEL,
        Rule.OTHER_LEVEL,
        Rule.BY_LEVEL,
    ]


def test_parts_that_lie_on_the_class_beat_a_whole_that_does_not() -> None:
    masks = ("####................", "................####", "####################")
    assert rules_of("1111............1111", *masks)[:2] == [Rule.BY_LEVEL, Rule.BY_LEVEL]
    assert tree("1111............1111", *masks) == "1111............1111"


def test_of_three_levels_the_middle_one_may_be_best() -> None:
    masks = ("##................", "..##..............", "#####.............", "##################")
    assert rules_of("1111..............", *masks) == [
        Rule.OTHER_LEVEL,
        Rule.OTHER_LEVEL,
        Rule.BY_LEVEL,
        Rule.OTHER_LEVEL,
    ]


def test_paper_selects_all_of_them() -> None:
    """The mask that contains the others, which the paper names as its main failure."""
    masks = ["####......", "##########"]
    assert decide("1111......", masks, Params()).selected.all()
    assert decide("1111......", masks, TREE).selected.tolist() == [True, False]


def test_an_exact_part_beats_a_whole_of_the_same_gain_on_the_class() -> None:
    assert rules_of("11111...", "#####...", "######..") == [Rule.BY_LEVEL, Rule.OTHER_LEVEL]


def test_of_two_equal_masks_one_is_taken() -> None:
    assert sorted(rules_of("111.", "###.", "###.")) == [Rule.OTHER_LEVEL, Rule.BY_LEVEL]


def test_a_mask_mostly_outside_fits_poorly() -> None:
    """1 - 0.18 * 9 is less than nothing."""
    assert rules_of("1.........", "##########") == [Rule.POOR_FIT]
    assert tree("1.........", "##########") == "1........."


def test_a_mask_on_a_sliver_of_a_piece_fits_poorly() -> None:
    """One pixel of a piece of twelve does not pay for a mask; of a piece of nine it does."""
    assert rules_of("111111111111", "#...........") == [Rule.POOR_FIT]
    assert rules_of("111111111...", "#...........") == [Rule.BY_LEVEL]


def test_the_price_of_a_mask_is_of_its_piece_not_of_its_class() -> None:
    assert rules_of("1.1111111111111", "#..............") == [Rule.BY_LEVEL]


def test_each_class_chooses_its_own_level_of_one_nest() -> None:
    """The dog (2) on the sofa (1) is selected, and so is the sofa around it."""
    masks = ("...####...", "##########")
    assert tree("1112222111", *masks) == "1112222111"
    chosen = decide("1112222111", list(masks), TREE)
    assert chosen.class_ids.tolist() == [2, 1]
    assert chosen.rules.tolist() == [Rule.BY_LEVEL, Rule.BY_LEVEL]


def test_at_t1_of_zero_pixels_outside_cost_nothing() -> None:
    pseudo, masks = "11..........1.", ("###...........", "#############.")
    assert tree(pseudo, *masks, t1=0) == "1111111111111."
    assert rules_of(pseudo, *masks) == [Rule.BY_LEVEL, Rule.OTHER_LEVEL]


def test_at_t1_of_one_no_mask_may_leave_its_class() -> None:
    assert rules_of("1111....", "###.....", "#####...", t1=1) == [Rule.BY_LEVEL, Rule.POOR_FIT]


# What stays of the pseudo-labels.


def test_without_a_mask_the_class_keeps_its_pseudo_labels() -> None:
    assert tree("11.1", "....") == "11.1"
    assert tree("1.........", "##########") == "1........."


def test_what_lies_in_a_rejected_mask_goes_if_that_lies_elsewhere() -> None:
    """A quarter of the second mask lies on the class."""
    assert tree("11111111111...", "##########....", "..........####") == "1111111111...."


def test_what_lies_in_a_rejected_mask_on_the_class_stays() -> None:
    """It pays too little, for its piece is large."""
    masks = ("############.", "............#")
    assert tree("1111111111111", *masks) == "1111111111111"
    assert rules_of("1111111111111", *masks) == [Rule.BY_LEVEL, Rule.POOR_FIT]


@pytest.mark.parametrize(("t2", "left"), [(0.89, "."), (0.9, "1")])
def test_what_lies_in_no_mask_goes_once_the_rest_is_covered(t2: float, left: str) -> None:
    """Nine tenths are covered: not more than 0.9, but more than 0.89."""
    assert tree("1111111111", "#########.", t2=t2) == "111111111" + left


def test_pieces_stand_for_themselves() -> None:
    assert tree("11111111111.111", "##########.....") == "1111111111..111"


def test_nested_masks_cover_a_piece_once() -> None:
    """A person selected both, of which the inner one covers nothing more."""
    pseudo, masks = "1111111111", ["######....", "####......"]
    assert enhance_decided(pseudo, masks, {0: 1, 1: 1}) == "1111111111"


def test_ignored_pixels_stay_where_no_class_claims_them() -> None:
    assert tree("1111??..", "#####...") == "11111?.."


# A person's decisions.


def test_a_rejected_level_leaves_the_nest_to_the_next() -> None:
    masks = ["######......", "#########..."]
    assert enhance_decided("1111111.....", masks, {}) == "111111111..."
    assert enhance_decided("1111111.....", masks, {1: REJECT}) == "1111111....."
    overlap = measure_overlap(
        labels("1111111....."), MaskSet.from_dense([mask(row) for row in masks])
    )
    rules = assign(overlap, TREE, {1: REJECT}).rules
    assert rules.tolist() == [Rule.BY_LEVEL, Rule.REJECTED]


def test_all_rejected_the_pseudo_labels_come_back() -> None:
    masks = ["##....", "####..", "..####"]
    assert enhance_decided("1111..", masks, {0: REJECT, 1: REJECT, 2: REJECT}) == "1111.."


def test_a_mask_that_a_person_selected_counts_as_selected() -> None:
    """What it leaves is little and lies in no mask, so it goes."""
    assert enhance_decided("1111111111.", ["#########.."], {0: REJECT}) == "1111111111."
    assert enhance_decided("1111111111.", ["#########.."], {0: 1}) == "111111111.."


def test_a_mask_for_another_class_leaves_its_own_without() -> None:
    assert enhance_decided("1111..", ["#####."], {0: 2}) == "22222."
    assert enhance_decided("1111..", ["..###."], {0: 2}) == "11222."


def test_a_class_that_only_a_person_named() -> None:
    assert enhance_decided("11....", ["##....", "...###"], {1: 9}) == "11.999"


@quick
@given(cases())
def test_all_rejected_the_pseudo_labels_come_back_in_any_image(case: Case) -> None:
    overlap = measure(case)
    rejected = dict.fromkeys(range(len(case.masks)), REJECT)
    for conflict in Conflict:
        params = case.params.model_copy(update={"strategy": Strategy.TREE, "conflict": conflict})
        labels = paint(overlap, assign(overlap, params, rejected), params)
        np.testing.assert_array_equal(labels, case.pseudo)


# Against plainer versions; `tests.core.naive` is compared in `test_against_naive`.


@quick
@given(st.data(), shares())
def test_no_other_choice_gains_more(chosen: st.DataObject, t1: float) -> None:
    """Of all sets of masks without two of one nest, tried one by one."""
    pseudo = chosen.draw(label_maps((3, 6)))
    masks = chosen.draw(mask_stacks(pseudo))
    overlap = measure_overlap(pseudo, MaskSet.from_dense(masks, shape=(3, 6)))
    selected = assign(overlap, Params(t1=t1, strategy=Strategy.TREE)).selected
    gains = gains_of(overlap, t1)
    around = [ancestors(overlap, index) for index in range(len(masks))]
    for column in range(len(overlap.class_ids)):
        own = np.flatnonzero(overlap.best == column).tolist()
        sets = chain.from_iterable(combinations(own, size) for size in range(len(own) + 1))
        free = [some for some in sets if not any(set(some) & around[index] for index in some)]
        most = max(sum(gains[index] for index in some) for some in free)
        ours = [index for index in own if selected[index]]
        assert tuple(ours) in free
        assert sum(gains[index] for index in ours) == pytest.approx(most)


def gains_of(overlap: Overlap, t1: float) -> list[float]:
    price = OUTSIDE_PRICE * t1 / max(1 - t1, 1e-9)
    outside = overlap.masks.areas - overlap.best_shared
    gains = overlap.best_shared - price * outside - MASK_PRICE * overlap.nests.piece_sizes
    return [float(gain) for gain in gains]


def ancestors(overlap: Overlap, index: int) -> set[int]:
    around = set()
    while (index := int(overlap.nests.parents[index])) >= 0:
        around.add(index)
    return around


@thorough
@given(cases())
def test_fragments_are_the_pseudo_labels(case: Case) -> None:
    """Each pixel of a class lies in one fragment, with the weakest of the masks around it."""
    overlap = measure(case)
    parts = overlap.nests.fragments
    height = case.pseudo.shape[0]
    found = np.zeros(case.pseudo.shape, np.uint8)
    for column, class_id in enumerate(overlap.class_ids.tolist()):
        for at in range(parts.offsets[column], parts.offsets[column + 1]):
            assert parts.starts[at] // height == (parts.stops[at] - 1) // height
            for position in range(parts.starts[at], parts.stops[at]):
                row, col = position % height, position // height
                assert found[row, col] == 0
                found[row, col] = class_id
                covering = overlap.o_s[case.masks[:, row, col], column]
                assert parts.weakest[at] == (covering.min() if len(covering) else BARE)
    np.testing.assert_array_equal(found, np.where(case.pseudo == 255, 0, case.pseudo))
    sizes = np.bincount(parts.pieces, parts.stops - parts.starts, len(parts.piece_areas))
    np.testing.assert_array_equal(sizes, parts.piece_areas)


@quick
@given(cases())
def test_reasons_agree_with_the_gains(case: Case) -> None:
    overlap = measure(case)
    rules = assign(overlap, case.params.model_copy(update={"strategy": Strategy.TREE})).rules
    gains = gains_of(overlap, case.params.t1)
    areas = overlap.masks.areas.tolist()
    best_columns = overlap.best.tolist()
    for rule, gain, best, area in zip(rules.tolist(), gains, best_columns, areas, strict=True):
        if area == 0:
            assert rule == Rule.EMPTY
        elif best < 0:
            assert rule == Rule.NO_CLASS
        elif gain > 0:
            assert rule in (Rule.BY_LEVEL, Rule.OTHER_LEVEL)
        else:
            assert rule == Rule.POOR_FIT


@quick
@given(cases(), shares(), shares())
def test_raising_t2_never_drops_a_pixel(case: Case, one: float, other: float) -> None:
    overlap = measure(case)
    low, high = (
        paint(overlap, assign(overlap, params), params) > 0
        for t2 in sorted((one, other))
        for params in [case.params.model_copy(update={"strategy": Strategy.TREE, "t2": t2})]
    )
    assert not (low & ~high).any()


@quick
@given(cases())
def test_no_mask_changes_nothing(case: Case) -> None:
    none = np.zeros((0, *case.pseudo.shape), np.bool_)
    np.testing.assert_array_equal(enhance(case.pseudo, none, TREE), case.pseudo)


def test_an_empty_map_and_one_of_ignore_alone() -> None:
    assert tree("....", "##..") == "...."
    assert tree("????", "##..") == "????"
