"""The strategy `released`, rule by rule, on pictures of one row."""

import numpy as np
import pytest

from napari_sepl import Params, enhance
from napari_sepl.core.algorithm.rules import Rule
from tests.core.drawing import decide, labels, mask, text


def released(pseudo: str, *masks: str, t1: float = 0.5, t2: float = 0.85) -> str:
    dense = np.array([mask(row) for row in masks]).reshape(len(masks), 1, len(pseudo))
    return text(enhance(labels(pseudo), dense, Params(t1=t1, t2=t2, strategy="released")))


def test_pseudo_pixels_no_mask_covers_are_kept_beside_the_taken_masks() -> None:
    assert released("11.1", "##..") == "11.1"


def test_pseudo_pixels_under_a_refused_mask_go() -> None:
    assert released("11......", ".#######") == "1......."


def test_o_s_equal_to_t1_is_not_enough() -> None:
    assert released("1111....", "..####..", t1=0.5) == "11......"


def test_o_p_equal_to_t2_is_enough() -> None:
    assert released("1111....", ".#######", t2=0.75) == "11111111"


def test_o_p_under_t2_is_not_enough() -> None:
    assert released("1111....", ".#######", t2=0.751) == "1......."


def test_the_lowest_class_takes_first_even_a_mask_that_is_more_another_s() -> None:
    chosen = decide("1222....", ["####...."], Params(strategy="released"))
    assert chosen.class_ids.tolist() == [1]
    assert released("1222....", "####....") == "1222...."  # class 2 keeps what it lost


def test_a_mask_taken_by_a_lower_class_covers_nothing_of_a_higher_one() -> None:
    assert released("112.....", "###.....") == "112....."


def test_a_mask_taken_by_a_higher_class_still_covers_a_lower_one() -> None:
    assert released("1122222.", ".######.", t1=0.5, t2=0.99) == "1222222."


def test_a_higher_class_paints_over_a_lower_one() -> None:
    assert released("1122....", "###.....", ".###....", t2=0.99) == "1222...."


def test_a_mask_can_be_taken_for_another_class_than_the_one_it_shares_most_with() -> None:
    chosen = decide("22221...", ["#####..."], Params(t1=0.9, strategy="released"))
    assert chosen.class_ids.tolist() == [1]
    assert chosen.rules.tolist() == [Rule.BY_O_P]


def test_t2_of_zero_takes_every_mask_for_the_lowest_class() -> None:
    assert released("1......2", "..##....", "....####", t2=0) == "1.111112"


def test_ignore_becomes_background() -> None:
    assert released("11??", "###.") == "111."


def test_a_map_of_ignore_alone_becomes_background() -> None:
    assert released("????", "####", ".##.") == "...."


def test_refused_masks_name_the_class_they_share_most_with() -> None:
    chosen = decide("11112222", ["..####..", "..#####."], Params(t1=0.9, strategy="released"))
    assert chosen.class_ids.tolist() == [1, 2]
    assert chosen.rules.tolist() == [Rule.BELOW, Rule.BELOW]


def test_an_empty_mask_is_never_taken() -> None:
    chosen = decide("11..", ["....", "##.."], Params(t1=0, t2=0, strategy="released"))
    assert chosen.rules.tolist() == [Rule.EMPTY, Rule.BY_BOTH]


@pytest.mark.parametrize(("pseudo", "expected"), [("11..", "11.."), ("1?2", "1.2"), ("?", ".")])
def test_no_mask_gives_back_the_pseudo_label_without_ignore(pseudo: str, expected: str) -> None:
    assert released(pseudo) == expected


def test_254_classes_each_with_its_mask() -> None:
    pseudo = np.arange(1, 255, dtype=np.uint8).reshape(2, 127)
    masks = pseudo == np.arange(1, 255).reshape(-1, 1, 1)
    assert np.array_equal(enhance(pseudo, masks, Params(strategy="released")), pseudo)
