"""Holes, islands and borders, against a plain flood fill."""

from collections.abc import Callable
from itertools import product
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl.core.labels.cleaning import (
    cut_at_borders,
    drop_islands,
    fill_holes,
    grow_to_borders,
)
from tests.core.cases import Labels, quick, shapes, thorough
from tests.core.drawing import labels

SuperpixelMap = NDArray[np.int32]
Pixel = tuple[int, int]
Locked = frozenset[int]

palette = st.sampled_from([[1, 2], [0, 1, 2, 255], [1, 1, 1, 0, 2], [0, 0, 0, 1, 254]])
class_ids = st.sampled_from([1, 1, 1, 0, 2, 255, 7])
locks = st.frozensets(st.sampled_from([0, 1, 2, 254, 255]), max_size=2)
sizes = st.integers(-1, 12) | st.just(400)
superpixel_shares = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.75, 1.0]) | st.floats(0, 1)


@st.composite
def label_noise(draw: st.DrawFn) -> Labels:
    """Many small regions, which hypothesis' own arrays, mostly of one value, have not."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.choice(np.array(draw(palette), np.uint8), draw(shapes))


few_labels = label_noise() | palette.flatmap(
    lambda values: shapes.flatmap(
        lambda shape: hnp.arrays(np.uint8, shape, elements=st.sampled_from(values))
    )
)


@st.composite
def with_superpixels(draw: st.DrawFn) -> tuple[Labels, SuperpixelMap]:
    """Superpixels as stripes and blocks, their numbers in any order, 0 among them."""
    drawn = draw(few_labels)
    rows, cols = np.indices(drawn.shape)
    blocks = rows // draw(st.integers(1, 5)) * 3 + cols // draw(st.integers(1, 5))
    return drawn, np.asarray((blocks + draw(st.integers(0, 6))) % 7, np.int32)


def around(pixel: Pixel, diagonal: bool) -> list[Pixel]:
    steps = [step for step in product((-1, 0, 1), repeat=2) if step != (0, 0)]
    return [
        (pixel[0] + down, pixel[1] + right)
        for down, right in steps
        if diagonal or down == 0 or right == 0
    ]


def flood(pixels: set[Pixel], diagonal: bool) -> list[set[Pixel]]:
    """Split pixels into connected regions."""
    left, regions = set(pixels), []
    while left:
        region, border = set(), {left.pop()}
        while border:
            region |= border
            border = {near for pixel in border for near in around(pixel, diagonal)} & left
            left -= border
        regions.append(region)
    return regions


def pixels_of(drawn: Labels) -> dict[Pixel, int]:
    return {(row, col): int(label) for (row, col), label in np.ndenumerate(drawn)}


def commonest(found: list[int], locked: Locked) -> int | None:
    takeable = sorted(label for label in set(found) if label not in locked)
    return max(takeable, key=found.count) if takeable else None


def redrawn(drawn: Labels, changes: dict[Pixel, int], locked: Locked) -> Labels:
    after = drawn.copy()
    for pixel, label in changes.items():
        if drawn[pixel] not in locked and label not in locked:
            after[pixel] = label
    return after


def naive_fill(drawn: Labels, class_id: int, largest: int, locked: Locked) -> Labels:
    every, changes = pixels_of(drawn), {}
    for hole in flood({at for at in every if every[at] != class_id}, diagonal=False):
        beside = {near for pixel in hole for near in around(pixel, diagonal=False)} - hole
        if len(hole) <= largest and beside <= set(every):
            changes.update(dict.fromkeys(hole, class_id))
    return redrawn(drawn, changes, locked)


def naive_drop(drawn: Labels, class_id: int, smallest: int, locked: Locked) -> Labels:
    every, changes = pixels_of(drawn), {}
    for island in flood({at for at in every if every[at] == class_id}, diagonal=True):
        ring = {near for pixel in island for near in around(pixel, diagonal=True)} - island
        winner = commonest([every[at] for at in ring & set(every)], locked)
        if len(island) < smallest and winner is not None:
            changes.update(dict.fromkeys(island, winner))
    return redrawn(drawn, changes, locked)


def naive_grow(
    drawn: Labels, class_id: int, superpixels: SuperpixelMap, share: float, locked: Locked
) -> Labels:
    after = drawn.copy()
    for number in set(superpixels.ravel().tolist()) - {0}:
        superpixel = superpixels == number
        if (
            drawn[superpixel] == class_id
        ).sum() > share * superpixel.sum() and class_id not in locked:
            after[superpixel & ~np.isin(drawn, list(locked))] = class_id
    return after


def naive_cut(
    drawn: Labels, class_id: int, superpixels: SuperpixelMap, share: float, locked: Locked
) -> Labels:
    every, changes = pixels_of(drawn), {}
    for number in set(superpixels.ravel().tolist()):
        members = [at for at in every if superpixels[at] == number]
        held = [at for at in members if every[at] == class_id]
        winner = commonest([every[at] for at in members if every[at] != class_id], locked)
        if len(held) <= share * len(members) and winner is not None:
            changes.update(dict.fromkeys(held, winner))
    for region in flood({at for at in every if every[at] == class_id}, diagonal=True):
        if region <= set(changes):
            for pixel in region:
                del changes[pixel]
    return redrawn(drawn, changes, locked)


@thorough
@given(few_labels, class_ids, sizes, locks)
@example(labels("1"), 1, 5, frozenset())
def test_holes_are_filled_as_by_hand(
    drawn: Labels, class_id: int, largest: int, locked: Locked
) -> None:
    filled = fill_holes(drawn, class_id, largest, locked=locked)
    np.testing.assert_array_equal(filled, naive_fill(drawn, class_id, largest, locked))
    again = fill_holes(filled, class_id, largest, locked=locked)
    np.testing.assert_array_equal(again, filled)


@thorough
@given(few_labels, class_ids, sizes, locks)
@example(labels("1"), 1, 5, frozenset())
def test_islands_are_dropped_as_by_hand(
    drawn: Labels, class_id: int, smallest: int, locked: Locked
) -> None:
    kept = drop_islands(drawn, class_id, smallest, locked=locked)
    np.testing.assert_array_equal(kept, naive_drop(drawn, class_id, smallest, locked))
    again = drop_islands(kept, class_id, smallest, locked=locked)
    np.testing.assert_array_equal(again, kept)


@thorough
@given(with_superpixels(), class_ids, superpixel_shares, locks)
def test_classes_grow_as_by_hand(
    maps: tuple[Labels, SuperpixelMap], class_id: int, share: float, locked: Locked
) -> None:
    drawn, superpixels = maps
    grown = grow_to_borders(drawn, class_id, superpixels, share=share, locked=locked)
    np.testing.assert_array_equal(grown, naive_grow(drawn, class_id, superpixels, share, locked))
    again = grow_to_borders(grown, class_id, superpixels, share=share, locked=locked)
    np.testing.assert_array_equal(again, grown)


@thorough
@given(with_superpixels(), class_ids, superpixel_shares, locks)
def test_classes_are_cut_as_by_hand(
    maps: tuple[Labels, SuperpixelMap], class_id: int, share: float, locked: Locked
) -> None:
    drawn, superpixels = maps
    cut = cut_at_borders(drawn, class_id, superpixels, share=share, locked=locked)
    np.testing.assert_array_equal(cut, naive_cut(drawn, class_id, superpixels, share, locked))
    again = cut_at_borders(cut, class_id, superpixels, share=share, locked=locked)
    np.testing.assert_array_equal(again, cut)


CLEANINGS: list[Callable[[Labels, SuperpixelMap, Locked], Labels]] = [
    lambda drawn, _, locked: fill_holes(drawn, 1, 9, locked=locked),
    lambda drawn, _, locked: drop_islands(drawn, 1, 9, locked=locked),
    lambda drawn, superpixels, locked: grow_to_borders(drawn, 1, superpixels, locked=locked),
    lambda drawn, superpixels, locked: cut_at_borders(drawn, 1, superpixels, locked=locked),
]


@quick
@given(with_superpixels(), locks, st.sampled_from(CLEANINGS))
def test_locked_labels_stay_where_they_are(
    maps: tuple[Labels, SuperpixelMap], locked: Locked, clean: Callable[..., Labels]
) -> None:
    drawn, superpixels = maps
    before = drawn.copy()
    cleaned = clean(drawn, superpixels, locked)
    np.testing.assert_array_equal(drawn, before)
    assert not np.shares_memory(cleaned, drawn)
    for label in locked:
        np.testing.assert_array_equal(cleaned == label, drawn == label)


@quick
@given(with_superpixels(), st.sampled_from(CLEANINGS))
def test_how_an_array_lies_in_memory_does_not_matter(
    maps: tuple[Labels, SuperpixelMap], clean: Callable[..., Labels]
) -> None:
    drawn, superpixels = maps
    expected = clean(drawn, superpixels, frozenset())
    turned = clean(np.asfortranarray(drawn), np.asfortranarray(superpixels), frozenset())
    np.testing.assert_array_equal(turned, expected)
    drawn.flags.writeable = False
    np.testing.assert_array_equal(clean(drawn, superpixels, frozenset()), expected)


def drawn_again(map_of_labels: Labels) -> list[str]:
    names: dict[Any, str] = {0: ".", 255: "?"}
    return ["".join(names.get(label, str(label)) for label in row) for row in map_of_labels]


def test_a_hole_of_any_label_is_filled() -> None:
    holes = labels("11111", "1.1?1", "11?21", "11111")
    assert drawn_again(fill_holes(holes, 1, 1)) == ["11111", "111?1", "11?21", "11111"]
    assert drawn_again(fill_holes(holes, 1, 3)) == ["11111"] * 4
    locked = fill_holes(holes, 1, 3, locked=[255])
    assert drawn_again(locked) == ["11111", "111?1", "11?11", "11111"]


def test_a_corner_closes_a_hole_but_the_image_s_border_does_not() -> None:
    assert drawn_again(fill_holes(labels("111.", "1.1.", "11.."), 1, 1)) == ["111.", "111.", "11.."]
    assert drawn_again(fill_holes(labels("1.1", "111"), 1, 9)) == ["1.1", "111"]


def test_an_island_takes_what_touches_it_most() -> None:
    island = labels("222.", "21..", "2...")
    assert drawn_again(drop_islands(island, 1, 2)) == ["222.", "22..", "2..."]
    assert drawn_again(drop_islands(island, 1, 2, locked=[2])) == ["222.", "2...", "2..."]
    assert drawn_again(drop_islands(island, 1, 2, locked={0, 2})) == drawn_again(island)
    assert drawn_again(drop_islands(island, 1, 1)) == drawn_again(island)


def test_a_pixel_beside_an_island_counts_once() -> None:
    """The five 2s touch all of the island, the six 3s no more than an end of it."""
    around_it = labels("32223", "31113", "3?223")
    assert drawn_again(drop_islands(around_it, 1, 4))[1] == "33333"


def test_equally_common_labels_give_way_to_the_lowest() -> None:
    assert drawn_again(drop_islands(labels("?12"), 1, 2)) == ["?22"]
    superpixels = np.array([[1, 1, 1], [2, 2, 2]], np.int32)
    assert drawn_again(cut_at_borders(labels("?12", "111"), 1, superpixels)) == ["?22", "111"]


def test_a_region_that_fills_the_image_stays() -> None:
    assert drawn_again(drop_islands(labels("11", "11"), 1, 99)) == ["11", "11"]


def test_exactly_the_share_grows_not_and_is_cut() -> None:
    superpixels = np.array([[1, 1, 1, 1, 2, 2]], np.int32)
    half = labels("11..11")
    assert drawn_again(grow_to_borders(half, 1, superpixels)) == ["11..11"]
    assert drawn_again(grow_to_borders(half, 1, superpixels, share=0.49)) == ["111111"]
    joined = labels("..1111")
    assert drawn_again(cut_at_borders(joined, 1, superpixels, share=0.49)) == ["..1111"]
    assert drawn_again(cut_at_borders(joined, 1, superpixels)) == ["....11"]


def test_pixels_in_no_mask_are_cut_but_never_grown_into() -> None:
    superpixels = np.array([[0, 0, 0, 1, 1]], np.int32)
    assert drawn_again(grow_to_borders(labels("11.11"), 1, superpixels)) == ["11.11"]
    assert drawn_again(cut_at_borders(labels("2211."), 1, superpixels, share=0.4)) == ["2221."]


def test_a_region_of_which_nothing_is_left_is_not_cut() -> None:
    superpixels = np.array([[1, 1, 1, 1, 2]], np.int32)
    assert drawn_again(cut_at_borders(labels("1..11"), 1, superpixels)) == ["1...1"]


def test_a_region_that_hangs_on_by_a_corner_is_cut() -> None:
    superpixels = np.array([[1, 1, 1], [2, 2, 2]], np.int32)
    assert drawn_again(cut_at_borders(labels("1..", ".11"), 1, superpixels)) == ["...", ".11"]


@pytest.mark.parametrize("clean", [grow_to_borders, cut_at_borders])
def test_superpixels_of_another_size_are_refused(clean: Callable[..., Labels]) -> None:
    with pytest.raises(ValueError, match=r"superpixels have shape \(1, 2\), not \(1, 3\)"):
        clean(labels("123"), 1, np.ones((1, 2), np.int32))
