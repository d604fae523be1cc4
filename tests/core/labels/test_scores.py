"""Scores to pseudo-labels: equal to numpy's argmax with the background in front."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.scores import BackgroundRule, Scores, cut_scores, enlarge, find_factor

SHAPE = (3, 4)
FEW = st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 1.0])  # few values, so that there are ties


@st.composite
def scores(draw: st.DrawFn, *, own: bool | None = None) -> Scores:
    ids = sorted(draw(st.sets(st.integers(1, 254), max_size=4)))
    count = len(ids) * SHAPE[0] * SHAPE[1]
    flat = draw(st.lists(FEW, min_size=count, max_size=count))
    maps = np.array(flat, np.float32).reshape(len(ids), *SHAPE)
    behind = None
    if draw(st.booleans()) if own is None else own:
        flat = draw(st.lists(FEW, min_size=12, max_size=12))
        behind = np.array(flat, np.float32).reshape(SHAPE)
    return Scores(np.array(ids, np.uint8), maps, draw(st.sampled_from([0.2, 0.5, 2.0])), behind)


def by_argmax(one: Scores, background: NDArray[Any]) -> NDArray[Any]:
    """Return the labels as the methods' own code makes them."""
    keys = np.concatenate([[0], one.class_ids]).astype(np.uint8)
    return np.asarray(keys[np.argmax(np.concatenate([background[np.newaxis], one.maps]), 0)])


@settings(deadline=None)
@given(scores(own=False), st.floats(0, 0.984375, width=32))
def test_a_plane_competes_as_one_more_class(one: Scores, value: float) -> None:
    plane = np.full(SHAPE, value, np.float32)
    assert np.array_equal(cut_scores(one, value), by_argmax(one, plane))


@settings(deadline=None)
@given(scores(own=False), st.sampled_from([1.0, 2.0, 4.0, 16.0, 32.0]))
def test_an_exponent_makes_the_background_of_what_is_missing_to_1(
    one: Scores, value: float
) -> None:
    highest = one.maps.max(0, initial=0)
    background = np.power(1 - highest, value).astype(np.float32)
    assert np.array_equal(cut_scores(one, value), by_argmax(one, background))


@settings(deadline=None)
@given(scores(own=True), st.sampled_from([None, 0.5, 1.0, 3.0]))
def test_a_background_of_its_own_competes_with_its_factor(one: Scores, value: float | None) -> None:
    assert one.own is not None
    factor = np.float32(one.default if value is None else value)
    assert np.array_equal(cut_scores(one, value), by_argmax(one, one.own * factor))


@settings(deadline=None)
@given(scores())
def test_without_a_value_the_methods_own_counts(one: Scores) -> None:
    assert np.array_equal(cut_scores(one), cut_scores(one, one.default))


def test_the_rule_follows_from_value_and_scores() -> None:
    ids, maps = np.array([1], np.uint8), np.ones((1, 2, 2), np.float32)
    assert Scores(ids, maps, 0.2).rule() is BackgroundRule.PLANE
    assert Scores(ids, maps, 0.2).rule(0.999) is BackgroundRule.PLANE
    assert Scores(ids, maps, 0.2).rule(1) is BackgroundRule.EXPONENT
    assert Scores(ids, maps, 2).rule() is BackgroundRule.EXPONENT
    assert Scores(ids, maps, 1, maps[0]).rule() is BackgroundRule.OWN


def test_scores_above_1_leave_the_background_nothing() -> None:
    one = Scores(np.array([7], np.uint8), np.full((1, 1, 2), 1.5, np.float32), 2.5)
    assert cut_scores(one).tolist() == [[7, 7]]


def test_the_digest_tells_scores_classes_and_default_apart() -> None:
    ids, maps = np.array([1, 2], np.uint8), np.zeros((2, 2, 3), np.float32)
    other = maps.copy()
    other[1, 1, 2] = 1e-7
    digests = {
        Scores(ids, maps, 0.2).digest,
        Scores(ids, other, 0.2).digest,
        Scores(ids + np.uint8(1), maps, 0.2).digest,
        Scores(ids, maps, 0.25).digest,
        Scores(ids, maps, 0.2, maps[0]).digest,
        Scores(ids, maps.reshape(2, 3, 2), 0.2).digest,
    }
    assert len(digests) == 6
    assert Scores(ids, maps, 0.2, origin="elsewhere").digest in digests


@pytest.mark.parametrize(
    ("ids", "maps", "own", "found"),
    [
        ([1], np.zeros((2, 2, 2)), None, "2, 2, 2"),
        ([1], np.zeros((1, 0, 2)), None, "0, 2"),
        ([2, 1], np.zeros((2, 2, 2)), None, "class ids"),
        ([0], np.zeros((1, 2, 2)), None, "class ids"),
        ([255], np.zeros((1, 2, 2)), None, "class ids"),
        ([1], np.full((1, 2, 2), np.nan), None, "no numbers"),
        ([1], np.zeros((1, 2, 2)), np.zeros((3, 2)), "background"),
        ([1], np.zeros((1, 2, 2)), np.full((2, 2), np.inf), "no numbers"),
    ],
)
def test_what_does_not_fit_is_refused(
    ids: list[int], maps: NDArray[Any], own: NDArray[Any] | None, found: str
) -> None:
    behind = None if own is None else own.astype(np.float32)
    with pytest.raises(InputError, match=found):
        Scores(np.array(ids, np.uint8), maps.astype(np.float32), 0.2, behind)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 9))
def test_coarse_maps_are_enlarged_as_each_pixel_lies_between_four(
    height: int, width: int, factor: int
) -> None:
    shape = -(-height // factor), -(-width // factor)
    coarse = np.random.default_rng(height).random((1, *shape)).astype(np.float32)
    fine = enlarge(coarse, factor, (height, width))
    assert fine.shape == (1, height, width)
    assert fine.dtype == np.float32
    for row, col in {(0, 0), (height - 1, width - 1), (height // 2, width // 3)}:
        y, x = (max((place + 0.5) / factor - 0.5, 0) for place in (row, col))
        total = 0.0
        for near_y in (int(y), int(y) + 1):
            for near_x in (int(x), int(x) + 1):
                share = (1 - abs(y - near_y)) * (1 - abs(x - near_x))
                inside = min(near_y, shape[0] - 1), min(near_x, shape[1] - 1)
                total += share * coarse[0, *inside]
        assert fine[0, row, col] == pytest.approx(total, abs=1e-5)


def test_the_factor_of_coarse_maps_is_found_or_there_is_none() -> None:
    assert find_factor((94, 125), (375, 500)) == 4
    assert find_factor((24, 32), (375, 500)) == 16
    assert find_factor((22, 22), (682, 682)) == 32  # and not 31, which fits as well
    assert find_factor((10, 10), (300, 300)) == 32
    assert find_factor((125, 167), (375, 500)) == 3
    assert find_factor((375, 500), (375, 500)) is None
    assert find_factor((125, 94), (375, 500)) is None
    assert find_factor((94, 126), (375, 500)) is None
    assert find_factor((1, 1), (375, 500)) is None
