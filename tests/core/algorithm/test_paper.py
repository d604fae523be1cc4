"""The strategy `paper`, rule by rule, on pictures of one row."""

import numpy as np
import pytest

from napari_sepl import Params, enhance
from napari_sepl.core.algorithm.rules import Rule
from tests.core.drawing import decide, labels, mask, text


def paper(pseudo: str, *masks: str, t1: float = 0.5, t2: float = 0.85) -> str:
    dense = np.array([mask(row) for row in masks]).reshape(len(masks), 1, len(pseudo))
    return text(enhance(labels(pseudo), dense, Params(t1=t1, t2=t2)))


def test_a_mask_that_lies_on_the_class_replaces_its_pseudo_label() -> None:
    assert paper("11......", "###.....") == "111....."


def test_a_mask_that_covers_the_class_replaces_its_pseudo_label() -> None:
    assert paper("..11....", ".######.") == ".111111."


def test_pseudo_pixels_outside_the_taken_masks_go() -> None:
    assert paper("11.1", "##..") == "11.."


def test_several_masks_are_merged() -> None:
    assert paper("11.11.", "##....", "...###") == "11.111"


def test_o_s_equal_to_t1_is_not_enough() -> None:
    assert paper("1111....", "..####..", t1=0.5) == "1111...."


def test_o_s_above_t1_is_enough() -> None:
    assert paper("1111....", "..####..", t1=0.499) == "..1111.."


def test_o_p_equal_to_t2_is_not_enough() -> None:
    assert paper("1111....", ".#######", t2=0.75) == "1111...."


def test_o_p_above_t2_is_enough() -> None:
    assert paper("1111....", ".#######", t2=0.749) == ".1111111"


def test_a_mask_that_is_the_class_does_not_pass_thresholds_of_one() -> None:
    assert decide("11..", ["##.."], Params(t1=1, t2=1)).rules.tolist() == [Rule.BELOW]


def test_thresholds_of_zero_take_every_mask_that_meets_a_class() -> None:
    assert paper("1.......", "####....", "....####", t1=0, t2=0) == "1111...."


def test_a_class_without_a_mask_keeps_its_pseudo_label() -> None:
    assert paper("11..2222", "....####", "........") == "11..2222"


def test_a_class_whose_masks_are_refused_keeps_its_pseudo_label() -> None:
    assert paper("11......", ".#######") == "11......"


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


def test_ignore_stays_where_no_class_claims_it() -> None:
    assert paper("11??", "###.") == "111?"


def test_ignore_is_never_matched() -> None:
    assert paper("1.????", "..####") == "1.????"


def test_ignore_under_a_mask_counts_in_its_area() -> None:
    assert decide("11??", ["####"], Params(t2=1)).rules.tolist() == [Rule.BELOW]


def test_an_empty_mask_keeps_its_index() -> None:
    chosen = decide("11..", ["....", "##..", "...."], Params())
    assert chosen.rules.tolist() == [Rule.EMPTY, Rule.BY_BOTH, Rule.EMPTY]


@pytest.mark.parametrize("pseudo", ["11..", "1?2.", "....", "????", "1", "?"])
def test_no_mask_gives_back_the_pseudo_label(pseudo: str) -> None:
    assert paper(pseudo) == pseudo


@pytest.mark.parametrize("pseudo", ["....", "????", ".??."])
def test_a_map_without_a_class_stays_as_it_is(pseudo: str) -> None:
    assert paper(pseudo, "####", ".##.", "....") == pseudo


def test_a_one_pixel_mask_on_a_one_pixel_class() -> None:
    assert paper("..1.", "..#.") == "..1."


def test_254_classes_each_with_its_mask() -> None:
    pseudo = np.arange(1, 255, dtype=np.uint8).reshape(2, 127)
    masks = pseudo == np.arange(1, 255).reshape(-1, 1, 1)
    assert np.array_equal(enhance(pseudo, masks), pseudo)


def test_254_classes_under_one_mask_go_to_the_first() -> None:
    pseudo = np.arange(1, 255, dtype=np.uint8).reshape(2, 127)
    enhanced = enhance(pseudo, np.ones((1, 2, 127), bool), Params(t1=0, t2=0))
    assert np.array_equal(enhanced, pseudo)  # class 1 takes the mask, the others paint over it
