"""What follows from mask borders: their tree, superpixels, and the cleaning of a class.

Run with ``python -m benchmarks.tree``.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import Example, generate
from benchmarks.timing import Timings, duration, machine, print_table
from napari_sepl import MaskSet
from napari_sepl.core.labels.cleaning import (
    cut_at_borders,
    drop_islands,
    fill_holes,
    grow_to_borders,
)
from napari_sepl.core.masks.superpixels import find_superpixels
from napari_sepl.core.masks.tree import build_tree

ROUNDS = 7
CASES = (((375, 500), 120), ((4096, 4096), 1000))
CLASSES = 3
SPECKS = 0.01  # share of pixels with a label of their own
SPECK_SIZE = 50  # pixels of the largest hole filled and of the smallest island kept
LARGE_TARGETS = {"tree": 0.5, "superpixels": 0.7}
CLICK_TARGET = 0.5
HEADER = ("", "median", "95th percentile", "target", "")


def fresh(masks: MaskSet) -> MaskSet:
    """Return the same masks with areas and boxes still to be counted."""
    return MaskSet(replace(masks.runs), masks.scores)


def speckled(example: Example) -> NDArray[np.uint8]:
    """Return the pseudo-labels with holes and islands all over."""
    rng = np.random.default_rng(0)
    labels = example.pseudo.copy()
    chosen = rng.random(labels.shape) < SPECKS
    labels[chosen] = rng.integers(CLASSES + 1, size=np.count_nonzero(chosen), dtype=np.uint8)
    return labels


def cleanings(example: Example) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the name of each way to clean a class, and a call that does so."""
    labels, superpixels = speckled(example), find_superpixels(example.masks)
    class_id = int(np.bincount(labels.ravel())[1:].argmax()) + 1
    yield "fill holes", partial(fill_holes, labels, class_id, SPECK_SIZE)
    yield "drop islands", partial(drop_islands, labels, class_id, SPECK_SIZE)
    yield "grow to borders", partial(grow_to_borders, labels, class_id, superpixels)
    yield "cut at borders", partial(cut_at_borders, labels, class_id, superpixels)


def timed(name: str, action: Callable[[], object], target: float | None) -> tuple[str, ...]:
    """Return a table row of an action's times, after one that does not count."""
    action()
    timings = Timings.of([action] * ROUNDS)
    cells = name, duration(timings.median), duration(timings.slowest)
    if target is None:
        return *cells, "", ""
    met = "met" if timings.median < target else "MISSED"
    return *cells, f"< {duration(target)}", met


def rows(example: Example, large: bool) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each thing that is made from the masks of an example."""
    masks = example.masks
    targets = LARGE_TARGETS if large else {}
    yield timed("tree", lambda: build_tree(fresh(masks)), targets.get("tree"))
    yield timed("superpixels", lambda: find_superpixels(fresh(masks)), targets.get("superpixels"))
    for name, clean in cleanings(example):
        yield timed(name, clean, CLICK_TARGET if large else None)


def measure(shape: tuple[int, int], count: int) -> None:
    """Print the table of one size of example."""
    example = generate(shape, count, CLASSES)
    depth = int(build_tree(example.masks).depths.max()) + 1
    title = (
        f"{shape[0]} × {shape[1]} with {count} generated masks, up to {depth} in each other, which "
        f"cut it into {find_superpixels(example.masks).max()} superpixels; {ROUNDS} rounds"
    )
    print_table(title, HEADER, rows(example, large=shape[0] > 1000))


def main() -> None:
    """Print a table for each size."""
    print(machine())
    for shape, count in CASES:
        measure(shape, count)


if __name__ == "__main__":
    main()
