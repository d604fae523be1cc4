"""The strategy `released`, rule by rule, on images of one row."""

from functools import partial

import numpy as np
import pytest

from napari_sepl import Params, enhance
from napari_sepl.core.algorithm.rules import Rule
from tests.core.drawing import decide, enhance_row

released = partial(enhance_row, strategy="released")


ROWS = [
    ("uncovered_pixels_stay", ("11.1", "##.."), {}, "11.1"),
    ("pseudo_pixels_under_a_rejected_mask_go", ("11......", ".#######"), {}, "1......."),
    ("o_s_equal_to_t1_is_not_enough", ("1111....", "..####.."), {"t1": 0.5}, "11......"),
    ("o_p_equal_to_t2_is_enough", ("1111....", ".#######"), {"t2": 0.75}, "11111111"),
    ("o_p_under_t2_is_not_enough", ("1111....", ".#######"), {"t2": 0.751}, "1......."),
    ("lower_class_leaves_higher_pixels", ("112.....", "###....."), {}, "112....."),
    (
        "higher_class_covers_lower_pixels",
        ("1122222.", ".######."),
        {"t1": 0.5, "t2": 0.99},
        "1222222.",
    ),
    ("higher_class_on_top", ("1122....", "###.....", ".###...."), {"t2": 0.99}, "1222...."),
    ("t2_of_zero", ("1......2", "..##....", "....####"), {"t2": 0}, "1.111112"),
    ("ignore_becomes_background", ("11??", "###."), {}, "111."),
    ("ignore_alone", ("????", "####", ".##."), {}, "...."),
]
"""Name, pseudo-labels and masks, thresholds, enhanced labels."""


@pytest.mark.parametrize(
    ("drawn", "thresholds", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_one_row(drawn: tuple[str, ...], thresholds: dict[str, float], expected: str) -> None:
    assert released(*drawn, **thresholds) == expected


def test_the_lowest_class_takes_first_even_a_mask_that_is_more_another_s() -> None:
    chosen = decide("1222....", ["####...."], Params(strategy="released"))
    assert chosen.class_ids.tolist() == [1]
    assert released("1222....", "####....") == "1222...."  # class 2 keeps what it lost


def test_a_mask_can_be_taken_for_another_class_than_the_one_it_shares_most_with() -> None:
    chosen = decide("22221...", ["#####..."], Params(t1=0.9, strategy="released"))
    assert chosen.class_ids.tolist() == [1]
    assert chosen.rules.tolist() == [Rule.BY_O_P]


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
