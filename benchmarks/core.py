"""The algorithm: a slider move and the overlap table, at VOC size and at 4096².

Run with ``python -m benchmarks.core``.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import Example, generate, voc_size_examples
from benchmarks.timing import PAIR_HEADER, Pairs, Timings, duration, machine, print_table
from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.masks.rle import read_runs

ROUNDS = 5
MOVES = 40  # a drag of the slider from one end to the other
LARGE = 4096
LARGE_MASKS = 1000
SLIDER_TARGET = 0.016
MEMORY_TARGET = 50e6

Count = Callable[[NDArray[Any]], Any]


def plain_paper(
    pseudo: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    t1: float,
    t2: float,
    count: Count = np.sum,
) -> NDArray[np.uint8]:
    """Enhance (H, W) labels with decoded masks (N, H, W).

    `count` counts the pixels of a bool array: ``np.sum``, as most people write it, or
    ``np.count_nonzero``, which is several times faster.
    """
    seeds = {int(k): pseudo == k for k in np.unique(pseudo) if k not in (0, 255)}
    sizes = {k: count(seed) for k, seed in seeds.items()}
    selected: dict[int, list[NDArray[np.bool_]]] = {k: [] for k in seeds}
    for mask in masks:
        shared = {k: count(mask & seed) for k, seed in seeds.items()}
        best = max(shared, key=lambda k: (shared[k], -k), default=0)
        if best and shared[best] > 0:
            o_s, o_p = shared[best] / count(mask), shared[best] / sizes[best]
            if o_s > t1 or o_p > t2:
                selected[best].append(mask)
    enhanced = np.where(pseudo == 255, 255, 0).astype(np.uint8)
    for k, seed in seeds.items():
        for region in selected[k] or [seed]:
            enhanced[region] = k
    return enhanced


def plain_table(pseudo: NDArray[np.uint8], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the (N, K) pixels that each decoded mask shares with each class."""
    seeds = [pseudo == k for k in np.unique(pseudo) if k not in (0, 255)]
    return np.array([[np.sum(mask & seed) for seed in seeds] for mask in masks], np.int64)


def slider(
    overlap: Overlap, strategy: Strategy = Strategy.PAPER, conflict: Conflict = Conflict.HIGHEST_ID
) -> Callable[[float], NDArray[np.uint8]]:
    """Return what a slider calls with each new t1: new settings, a decision, a repaint."""
    buffer = np.empty(overlap.shape, np.uint8)

    def move(t1: float) -> NDArray[np.uint8]:
        params = Params(t1=t1, t2=0.85, strategy=strategy, conflict=conflict)
        return paint(overlap, assign(overlap, params), params, buffer)

    return move


def drag(move: Callable[[float], object]) -> None:
    """Move the slider from one end to the other."""
    for t1 in np.linspace(0, 1, MOVES).tolist():
        move(t1)


def slider_pairs(example: Example, count: Count) -> Pairs:
    """Time plain Algorithm 1 against a slider move, each over the same range of t1."""
    dense = decode(example)
    move = slider(measure_overlap(example.pseudo, example.masks))
    thresholds = np.linspace(0, 1, ROUNDS).tolist()
    for t1 in thresholds:
        expected = plain_paper(example.pseudo, dense, t1, 0.85, count)
        assert np.array_equal(move(t1), expected), example.name
    left = iter(thresholds)
    pairs = Pairs.alternate(
        lambda: plain_paper(example.pseudo, dense, next(left), 0.85, count),
        lambda: drag(move),
        ROUNDS,
        warm=False,
    )
    return Pairs(pairs.baseline, pairs.ours.per(MOVES))


def table_pairs(example: Example) -> Pairs:
    """Time a table from decoded masks, and all of Algorithm 1, against one from run lengths."""
    dense = decode(example)
    expected = plain_table(example.pseudo, dense)
    ours = measure_overlap(example.pseudo, example.masks).intersections
    assert np.array_equal(ours, expected.reshape(ours.shape)), example.name
    return Pairs.alternate(
        lambda: plain_paper(example.pseudo, dense, 0.5, 0.85),
        lambda: measure_overlap(example.pseudo, example.masks),
        ROUNDS,
        repeats=10,
    )


def decode(example: Example) -> NDArray[np.bool_]:
    """Return the masks as (N, H, W); not counted in any timing."""
    return np.stack([example.masks.decode(index) for index in range(len(example.masks))])


def compare_at_voc_size() -> None:
    """Print how a slider move and the table compare with plain numpy."""
    description, examples = voc_size_examples(40)
    slider_plain = Pairs.together(slider_pairs(example, np.sum) for example in examples)
    slider_careful = Pairs.together(slider_pairs(example, np.count_nonzero) for example in examples)
    table = Pairs.together(table_pairs(example) for example in examples)
    rows = [
        slider_plain.row("slider move, against plain Algorithm 1", 300),
        slider_careful.row("slider move, against the same with count_nonzero"),
        table.row("overlap table, against plain Algorithm 1", 40),
    ]
    title = f"VOC size: {description}; {ROUNDS} pairs each. Decoding is not counted."
    print_table(title, PAIR_HEADER, rows)


def compare_reading() -> None:
    """Print what decoding COCO's compressed run lengths costs, all at once and one by one."""
    _, examples = voc_size_examples(40)
    rows = []
    for name, bare in (("in records", False), ("bare dicts", True)):
        pairs = Pairs.together(reading_pairs(example, bare=bare) for example in examples)
        rows.append(pairs.row(f"all masks of an image, {name}, against one by one"))
    print_table(f"COCO's compressed text to masks; {ROUNDS} pairs each", PAIR_HEADER, rows)


def reading_pairs(example: Example, *, bare: bool) -> Pairs:
    """Time one call for each mask against one call for all."""
    masks = example.masks.to_rle()
    records = masks if bare else [{"segmentation": one, "predicted_iou": 0.9} for one in masks]
    assert MaskSet.from_rle(records, shape=example.masks.shape).digest == example.masks.digest
    return Pairs.alternate(
        lambda: [read_runs(one) for one in masks],
        lambda: MaskSet.from_rle(records, shape=example.masks.shape),
        ROUNDS,
        repeats=10,
    )


def measure_large() -> None:
    """Print what a slider move costs on a large example, by strategy and conflict rule."""
    example = generate((LARGE, LARGE), LARGE_MASKS, classes=20)
    rimmed = generate((LARGE, LARGE), LARGE_MASKS, classes=20, ignore=True)
    areas = example.masks.areas.sum() / LARGE**2
    print_table(
        f"{LARGE}² with {LARGE_MASKS} generated masks, which cover it {areas:.1f} times; "
        f"{MOVES} slider moves each",
        ("", "median", "95th percentile", "target", ""),
        [*large_rows(example, ""), *large_rows(rimmed, ", with ignore pixels")],
    )
    print_memory(example)


def large_rows(example: Example, description: str) -> Iterator[tuple[str, ...]]:
    """Yield a table row for the overlap table and for each strategy and conflict rule."""
    tables = Timings.of([lambda: measure_overlap(example.pseudo, example.masks)] * 5)
    yield (
        f"overlap table{description}", duration(tables.median), duration(tables.slowest), "", "",
    )  # fmt: skip
    overlap = measure_overlap(example.pseudo, example.masks)
    for strategy, conflict in product(Strategy, Conflict):
        moves = time_moves(slider(overlap, strategy, conflict))
        met = "met" if moves.median < SLIDER_TARGET else "MISSED"
        name = f"slider move, {strategy}, {conflict}{description}"
        target = f"< {duration(SLIDER_TARGET)}"
        yield name, duration(moves.median), duration(moves.slowest), target, met


def time_moves(move: Callable[[float], object]) -> Timings:
    """Time each step of a drag, after one that does not count."""
    drag(move)
    return Timings.of([partial(move, t1) for t1 in np.linspace(0, 1, MOVES).tolist()])


def print_memory(example: Example) -> None:
    """Print what the masks take as runs, and what they would take decoded."""
    encoded, dense = example.masks.nbytes, len(example.masks) * example.pseudo.size
    met = "met" if encoded < MEMORY_TARGET else "MISSED"
    print(
        f"\nMemory of the masks: {encoded / 1e6:.1f} MB as runs ({dense / 1e9:.1f} GB decoded); "
        f"target < {MEMORY_TARGET / 1e6:.0f} MB, {met}"
    )


def main() -> None:
    """Print all tables."""
    print(machine())
    compare_at_voc_size()
    compare_reading()
    measure_large()


if __name__ == "__main__":
    main()
