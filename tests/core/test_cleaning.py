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

from napari_sepl.core.cleaning import cut_at_borders, drop_islands, fill_holes, grow_to_borders
from tests.core.cases import Labels, quick, shapes, thorough
from tests.core.drawing import labels

Atoms = NDArray[np.int32]
Pixel = tuple[int, int]
Protected = frozenset[int]

palette = st.sampled_from([[1, 2], [0, 1, 2, 255], [1, 1, 1, 0, 2], [0, 0, 0, 1, 254]])
class_ids = st.sampled_from([1, 1, 1, 0, 2, 255, 7])
protections = st.frozensets(st.sampled_from([0, 1, 2, 254, 255]), max_size=2)
sizes = st.integers(-1, 12) | st.just(400)
atom_shares = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.75, 1.0]) | st.floats(0, 1)


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
def with_atoms(draw: st.DrawFn) -> tuple[Labels, Atoms]:
    """Atoms as stripes and blocks, their numbers in any order, 0 among them."""
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


def commonest(found: list[int], protected: Protected) -> int | None:
    takeable = sorted(label for label in set(found) if label not in protected)
    return max(takeable, key=found.count) if takeable else None


def redrawn(drawn: Labels, changes: dict[Pixel, int], protected: Protected) -> Labels:
    after = drawn.copy()
    for pixel, label in changes.items():
        if drawn[pixel] not in protected and label not in protected:
            after[pixel] = label
    return after


def naive_fill(drawn: Labels, class_id: int, largest: int, protected: Protected) -> Labels:
    every, changes = pixels_of(drawn), {}
    for hole in flood({at for at in every if every[at] != class_id}, diagonal=False):
        beside = {near for pixel in hole for near in around(pixel, diagonal=False)} - hole
        if len(hole) <= largest and beside <= set(every):
            changes.update(dict.fromkeys(hole, class_id))
    return redrawn(drawn, changes, protected)


def naive_drop(drawn: Labels, class_id: int, smallest: int, protected: Protected) -> Labels:
    every, changes = pixels_of(drawn), {}
    for island in flood({at for at in every if every[at] == class_id}, diagonal=True):
        ring = {near for pixel in island for near in around(pixel, diagonal=True)} - island
        winner = commonest([every[at] for at in ring & set(every)], protected)
        if len(island) < smallest and winner is not None:
            changes.update(dict.fromkeys(island, winner))
    return redrawn(drawn, changes, protected)


def naive_grow(
    drawn: Labels, class_id: int, atoms: Atoms, share: float, protected: Protected
) -> Labels:
    after = drawn.copy()
    for number in set(atoms.ravel().tolist()) - {0}:
        atom = atoms == number
        if (drawn[atom] == class_id).sum() > share * atom.sum() and class_id not in protected:
            after[atom & ~np.isin(drawn, list(protected))] = class_id
    return after


def naive_cut(
    drawn: Labels, class_id: int, atoms: Atoms, share: float, protected: Protected
) -> Labels:
    every, changes = pixels_of(drawn), {}
    for number in set(atoms.ravel().tolist()):
        members = [at for at in every if atoms[at] == number]
        held = [at for at in members if every[at] == class_id]
        winner = commonest([every[at] for at in members if every[at] != class_id], protected)
        if len(held) <= share * len(members) and winner is not None:
            changes.update(dict.fromkeys(held, winner))
    for region in flood({at for at in every if every[at] == class_id}, diagonal=True):
        if region <= set(changes):
            for pixel in region:
                del changes[pixel]
    return redrawn(drawn, changes, protected)


@thorough
@given(few_labels, class_ids, sizes, protections)
@example(labels("1"), 1, 5, frozenset())
def test_holes_are_filled_as_by_hand(
    drawn: Labels, class_id: int, largest: int, protected: Protected
) -> None:
    filled = fill_holes(drawn, class_id, largest, protected=protected)
    np.testing.assert_array_equal(filled, naive_fill(drawn, class_id, largest, protected))
    again = fill_holes(filled, class_id, largest, protected=protected)
    np.testing.assert_array_equal(again, filled)


@thorough
@given(few_labels, class_ids, sizes, protections)
@example(labels("1"), 1, 5, frozenset())
def test_islands_are_dropped_as_by_hand(
    drawn: Labels, class_id: int, smallest: int, protected: Protected
) -> None:
    kept = drop_islands(drawn, class_id, smallest, protected=protected)
    np.testing.assert_array_equal(kept, naive_drop(drawn, class_id, smallest, protected))
    again = drop_islands(kept, class_id, smallest, protected=protected)
    np.testing.assert_array_equal(again, kept)


@thorough
@given(with_atoms(), class_ids, atom_shares, protections)
def test_classes_grow_as_by_hand(
    maps: tuple[Labels, Atoms], class_id: int, share: float, protected: Protected
) -> None:
    drawn, atoms = maps
    grown = grow_to_borders(drawn, class_id, atoms, share=share, protected=protected)
    np.testing.assert_array_equal(grown, naive_grow(drawn, class_id, atoms, share, protected))
    again = grow_to_borders(grown, class_id, atoms, share=share, protected=protected)
    np.testing.assert_array_equal(again, grown)


@thorough
@given(with_atoms(), class_ids, atom_shares, protections)
def test_classes_are_cut_as_by_hand(
    maps: tuple[Labels, Atoms], class_id: int, share: float, protected: Protected
) -> None:
    drawn, atoms = maps
    cut = cut_at_borders(drawn, class_id, atoms, share=share, protected=protected)
    np.testing.assert_array_equal(cut, naive_cut(drawn, class_id, atoms, share, protected))
    again = cut_at_borders(cut, class_id, atoms, share=share, protected=protected)
    np.testing.assert_array_equal(again, cut)


CLEANINGS: list[Callable[[Labels, Atoms, Protected], Labels]] = [
    lambda drawn, _, protected: fill_holes(drawn, 1, 9, protected=protected),
    lambda drawn, _, protected: drop_islands(drawn, 1, 9, protected=protected),
    lambda drawn, atoms, protected: grow_to_borders(drawn, 1, atoms, protected=protected),
    lambda drawn, atoms, protected: cut_at_borders(drawn, 1, atoms, protected=protected),
]


@quick
@given(with_atoms(), protections, st.sampled_from(CLEANINGS))
def test_protected_labels_stay_where_they_are(
    maps: tuple[Labels, Atoms], protected: Protected, clean: Callable[..., Labels]
) -> None:
    drawn, atoms = maps
    before = drawn.copy()
    cleaned = clean(drawn, atoms, protected)
    np.testing.assert_array_equal(drawn, before)
    assert not np.shares_memory(cleaned, drawn)
    for label in protected:
        np.testing.assert_array_equal(cleaned == label, drawn == label)


@quick
@given(with_atoms(), st.sampled_from(CLEANINGS))
def test_how_an_array_lies_in_memory_does_not_matter(
    maps: tuple[Labels, Atoms], clean: Callable[..., Labels]
) -> None:
    drawn, atoms = maps
    expected = clean(drawn, atoms, frozenset())
    turned = clean(np.asfortranarray(drawn), np.asfortranarray(atoms), frozenset())
    np.testing.assert_array_equal(turned, expected)
    drawn.flags.writeable = False
    np.testing.assert_array_equal(clean(drawn, atoms, frozenset()), expected)


def drawn_again(map_of_labels: Labels) -> list[str]:
    names: dict[Any, str] = {0: ".", 255: "?"}
    return ["".join(names.get(label, str(label)) for label in row) for row in map_of_labels]


def test_a_hole_of_any_label_is_filled() -> None:
    holes = labels("11111", "1.1?1", "11?21", "11111")
    assert drawn_again(fill_holes(holes, 1, 1)) == ["11111", "111?1", "11?21", "11111"]
    assert drawn_again(fill_holes(holes, 1, 3)) == ["11111"] * 4
    protected = fill_holes(holes, 1, 3, protected=[255])
    assert drawn_again(protected) == ["11111", "111?1", "11?11", "11111"]


def test_a_corner_closes_a_hole_but_the_image_s_border_does_not() -> None:
    assert drawn_again(fill_holes(labels("111.", "1.1.", "11.."), 1, 1)) == ["111.", "111.", "11.."]
    assert drawn_again(fill_holes(labels("1.1", "111"), 1, 9)) == ["1.1", "111"]


def test_an_island_takes_what_touches_it_most() -> None:
    island = labels("222.", "21..", "2...")
    assert drawn_again(drop_islands(island, 1, 2)) == ["222.", "22..", "2..."]
    assert drawn_again(drop_islands(island, 1, 2, protected=[2])) == ["222.", "2...", "2..."]
    assert drawn_again(drop_islands(island, 1, 2, protected={0, 2})) == drawn_again(island)
    assert drawn_again(drop_islands(island, 1, 1)) == drawn_again(island)


def test_a_pixel_beside_an_island_counts_once() -> None:
    """The five 2s touch all of the island, the six 3s no more than an end of it."""
    around_it = labels("32223", "31113", "3?223")
    assert drawn_again(drop_islands(around_it, 1, 4))[1] == "33333"


def test_equally_common_labels_give_way_to_the_lowest() -> None:
    assert drawn_again(drop_islands(labels("?12"), 1, 2)) == ["?22"]
    atoms = np.array([[1, 1, 1], [2, 2, 2]], np.int32)
    assert drawn_again(cut_at_borders(labels("?12", "111"), 1, atoms)) == ["?22", "111"]


def test_a_region_that_fills_the_image_stays() -> None:
    assert drawn_again(drop_islands(labels("11", "11"), 1, 99)) == ["11", "11"]


def test_exactly_the_share_grows_not_and_is_cut() -> None:
    atoms = np.array([[1, 1, 1, 1, 2, 2]], np.int32)
    half = labels("11..11")
    assert drawn_again(grow_to_borders(half, 1, atoms)) == ["11..11"]
    assert drawn_again(grow_to_borders(half, 1, atoms, share=0.49)) == ["111111"]
    joined = labels("..1111")
    assert drawn_again(cut_at_borders(joined, 1, atoms, share=0.49)) == ["..1111"]
    assert drawn_again(cut_at_borders(joined, 1, atoms)) == ["....11"]


def test_pixels_in_no_mask_are_cut_but_never_grown_into() -> None:
    atoms = np.array([[0, 0, 0, 1, 1]], np.int32)
    assert drawn_again(grow_to_borders(labels("11.11"), 1, atoms)) == ["11.11"]
    assert drawn_again(cut_at_borders(labels("2211."), 1, atoms, share=0.4)) == ["2221."]


def test_a_region_of_which_nothing_is_left_is_not_cut() -> None:
    atoms = np.array([[1, 1, 1, 1, 2]], np.int32)
    assert drawn_again(cut_at_borders(labels("1..11"), 1, atoms)) == ["1...1"]


def test_a_region_that_hangs_on_by_a_corner_is_cut() -> None:
    atoms = np.array([[1, 1, 1], [2, 2, 2]], np.int32)
    assert drawn_again(cut_at_borders(labels("1..", ".11"), 1, atoms)) == ["...", ".11"]


@pytest.mark.parametrize("clean", [grow_to_borders, cut_at_borders])
def test_atoms_of_another_size_are_refused(clean: Callable[..., Labels]) -> None:
    with pytest.raises(ValueError, match=r"atoms have shape \(1, 2\), not \(1, 3\)"):
        clean(labels("123"), 1, np.ones((1, 2), np.int32))
