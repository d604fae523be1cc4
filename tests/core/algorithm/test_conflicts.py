"""Who wins a pixel that several classes claim."""

import numpy as np
import pytest

from napari_sepl import Params, enhance
from tests.core.drawing import labels, mask, text

STRATEGIES = ["paper", "released"]


def settle(conflict: str, pseudo: str, *masks: str, strategy: str = "paper") -> str:
    dense = np.array([mask(row) for row in masks])
    params = Params.model_validate({"conflict": conflict, "strategy": strategy})
    return text(enhance(labels(pseudo), dense, params))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ascending_the_highest_class_wins(strategy: str) -> None:
    masks = ("###.....", ".#######")
    assert settle("highest-id", "1122....", *masks, strategy=strategy) == "12222222"


def test_ascending_knows_ids_not_positions() -> None:
    assert settle("highest-id", "2211", "###.", ".###") == "2221"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_seed_the_claimant_that_the_pseudo_label_has_there_wins(strategy: str) -> None:
    masks = ("###.....", ".#######")
    assert settle("pseudo", "1122....", *masks, strategy=strategy) == "11222222"


def test_seed_among_strangers_the_highest_class_wins() -> None:
    assert settle("pseudo", "11.22", "###..", "..###") == "11222"


def test_seed_of_a_class_that_does_not_claim_the_pixel_has_no_say() -> None:
    """Class 3 claims only its mask; its other pixel is contested by 1 and 2 alone."""
    masks = ("###......", "..###....", "......###")
    assert settle("pseudo", "113223333", *masks) == "11222.333"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_smallest_the_smallest_mask_wins(strategy: str) -> None:
    masks = ("###.....", ".#######")
    assert settle("smallest", "1122....", *masks, strategy=strategy) == "11122222"


def test_smallest_of_equal_ones_the_highest_class_wins() -> None:
    assert settle("smallest", "1122", "###.", ".###") == "1222"


def test_smallest_counts_each_mask_not_their_union() -> None:
    """Class 1's masks are larger together than class 2's, but the one that meets it is smaller."""
    masks = ("####......", "....###...", "......####")
    assert settle("smallest", "111111222.", *masks) == "1111111222"


def test_smallest_a_kept_pseudo_label_claims_as_one_region() -> None:
    """Class 3 has four pixels, class 1's mask five."""
    assert settle("smallest", "11133.33", "#####...") == "11133.33"


def test_smallest_a_lower_class_s_small_mask_beats_a_kept_pseudo_label() -> None:
    assert settle("smallest", "112.2222", "###.....") == "111.2222"
