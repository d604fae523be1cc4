"""The strategy `paper`, rule by rule, on images of one row."""

import numpy as np
import pytest

from napari_sepl import Params, enhance
from napari_sepl.core.algorithm.rules import Rule
from tests.core.drawing import decide, enhance_row

ROWS = [
    ("mask_inside_the_class", ("11......", "###....."), {}, "111....."),
    ("mask_covers_the_class", ("..11....", ".######."), {}, ".111111."),
    ("pseudo_pixels_outside_the_selected_masks_go", ("11.1", "##.."), {}, "11.."),
    ("several_masks_are_merged", ("11.11.", "##....", "...###"), {}, "11.111"),
    ("o_s_equal_to_t1_is_not_enough", ("1111....", "..####.."), {"t1": 0.5}, "1111...."),
    ("o_s_above_t1_is_enough", ("1111....", "..####.."), {"t1": 0.499}, "..1111.."),
    ("o_p_equal_to_t2_is_not_enough", ("1111....", ".#######"), {"t2": 0.75}, "1111...."),
    ("o_p_above_t2_is_enough", ("1111....", ".#######"), {"t2": 0.749}, ".1111111"),
    ("thresholds_of_zero", ("1.......", "####....", "....####"), {"t1": 0, "t2": 0}, "1111...."),
    ("no_mask", ("11..2222", "....####", "........"), {}, "11..2222"),
    ("rejected_mask", ("11......", ".#######"), {}, "11......"),
    ("ignore_stays_where_no_class_claims_it", ("11??", "###."), {}, "111?"),
    ("ignore_is_never_matched", ("1.????", "..####"), {}, "1.????"),
    ("a_one_pixel_mask_on_a_one_pixel_class", ("..1.", "..#."), {}, "..1."),
]
"""Name, pseudo-labels and masks, thresholds, enhanced labels."""


@pytest.mark.parametrize(
    ("drawn", "thresholds", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_one_row(drawn: tuple[str, ...], thresholds: dict[str, float], expected: str) -> None:
    assert enhance_row(*drawn, **thresholds) == expected


def test_a_mask_that_is_the_class_does_not_pass_thresholds_of_one() -> None:
    assert decide("11..", ["##.."], Params(t1=1, t2=1)).rules.tolist() == [Rule.BELOW]


def test_a_mask_belongs_to_the_class_it_shares_most_pixels_with() -> None:
    assert decide("12223...", ["#####..."], Params()).class_ids.tolist() == [2]


@pytest.mark.parametrize("pseudo", ["1122", "2211", "1212"])
def test_of_equal_classes_a_mask_belongs_to_the_lowest(pseudo: str) -> None:
    assert decide(pseudo, ["####"], Params(t1=0.4)).class_ids.tolist() == [1]


def test_a_mask_is_never_taken_for_another_class_than_its_own() -> None:
    """It would pass for class 2, which it covers whole, but it belongs to class 1."""
    chosen = decide("11111112........", [".#######........"], Params(t1=0.9))
    assert chosen.class_ids.tolist() == [1]
    assert chosen.kept.class_ids.tolist() == [2]


def test_rules_name_the_reason() -> None:
    masks = ["......", "....#.", "...##.", "##....", "####..", ".##..."]
    chosen = decide("111...", masks, Params(t1=0.8, t2=0.7))
    assert chosen.rules.tolist() == [
        Rule.EMPTY, Rule.NO_CLASS, Rule.NO_CLASS, Rule.BY_O_S, Rule.BY_O_P, Rule.BY_O_S,
    ]  # fmt: skip
    assert chosen.selected.tolist() == [False, False, False, True, True, True]
    assert chosen.class_ids.tolist() == [0, 0, 0, 1, 1, 1]


def test_rules_tell_refused_from_taken_by_both() -> None:
    chosen = decide("111...", ["..##..", "###..."], Params())
    assert chosen.rules.tolist() == [Rule.BELOW, Rule.BY_BOTH]


def test_ignore_under_a_mask_counts_in_its_area() -> None:
    assert decide("11??", ["####"], Params(t2=1)).rules.tolist() == [Rule.BELOW]


def test_an_empty_mask_keeps_its_index() -> None:
    chosen = decide("11..", ["....", "##..", "...."], Params())
    assert chosen.rules.tolist() == [Rule.EMPTY, Rule.BY_BOTH, Rule.EMPTY]


@pytest.mark.parametrize("pseudo", ["11..", "1?2.", "....", "????", "1", "?"])
def test_no_mask_gives_back_the_pseudo_label(pseudo: str) -> None:
    assert enhance_row(pseudo) == pseudo


@pytest.mark.parametrize("pseudo", ["....", "????", ".??."])
def test_a_map_without_a_class_stays_as_it_is(pseudo: str) -> None:
    assert enhance_row(pseudo, "####", ".##.", "....") == pseudo


def test_254_classes_each_with_its_mask() -> None:
    pseudo = np.arange(1, 255, dtype=np.uint8).reshape(2, 127)
    masks = pseudo == np.arange(1, 255).reshape(-1, 1, 1)
    assert np.array_equal(enhance(pseudo, masks), pseudo)


def test_254_classes_under_one_mask_go_to_the_first() -> None:
    pseudo = np.arange(1, 255, dtype=np.uint8).reshape(2, 127)
    enhanced = enhance(pseudo, np.ones((1, 2, 127), bool), Params(t1=0, t2=0))
    assert np.array_equal(enhanced, pseudo)  # class 1 takes the mask, the others paint over it
