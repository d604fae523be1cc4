"""What `tree` and a diagnosis cost, measured against slider moves.

Run with ``python -m benchmarks.moves``.
"""

from functools import partial

import numpy as np

from benchmarks.core import LARGE, LARGE_MASKS, drag, slider
from benchmarks.examples import Example, generate, voc_size_examples
from benchmarks.timing import PAIR_HEADER, Pairs, machine, print_table
from napari_sepl import Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.masks import diagnose

MOVES = 40
ROUNDS = 5
COST_LIMIT = 3.0


def tree_pairs(example: Example) -> Pairs:
    """Time a drag of the slider under `tree` and under `paper`, in turns."""
    overlap = measure_overlap(example.pseudo, example.masks)
    ours, paper = (slider(overlap, strategy) for strategy in (Strategy.TREE, Strategy.PAPER))
    return Pairs.alternate(lambda: drag(ours), lambda: drag(paper), ROUNDS)


def nest_pairs(example: Example) -> Pairs:
    """Time the table with its nests, once for an image, against the table alone."""
    pseudo, masks = example.pseudo, example.masks
    return Pairs.alternate(
        lambda: measure_overlap(pseudo, masks).nests, lambda: measure_overlap(pseudo, masks), ROUNDS
    )


def print_tree(description: str, examples: list[Example]) -> None:
    """Print what `tree` costs over `paper`, at VOC size and at 4096²."""
    large = generate((LARGE, LARGE), LARGE_MASKS, classes=20)
    rows = []
    for name, size in (
        (description, examples),
        (f"{LARGE}², {LARGE_MASKS} generated masks", [large]),
    ):
        moves = Pairs.together(tree_pairs(example) for example in size)
        ratio = float(np.median(moves.ratios))
        met = "met" if ratio <= COST_LIMIT else "MISSED"
        rows.append((*moves.row(f"40 slider moves: {name}")[:-2], f"≤ {COST_LIMIT:g}×", met))
        rows.append(Pairs.together(nest_pairs(example) for example in size).row("nests, once"))
    title = "How many times longer `tree` (or the table with nests) takes than `paper` (or alone)"
    header = ("", "tree", "paper", *PAIR_HEADER[3:])
    print_table(title, header, rows)


def diagnosis_pairs(example: Example, strategy: Strategy) -> Pairs:
    """Time diagnoses against as many slider moves, in turns."""
    overlap, params = measure_overlap(example.pseudo, example.masks), Params(strategy=strategy)
    assignment = assign(overlap, params)
    enhanced = paint(overlap, assignment, params)

    def many() -> None:
        for _ in range(MOVES):
            diagnose(overlap, assignment, enhanced)

    return Pairs.alternate(many, partial(drag, slider(overlap, strategy)), ROUNDS)


def ground_pairs(example: Example) -> Pairs:
    """Time what a diagnosis needs once for an image, with the table, against the table alone."""

    def table() -> Overlap:
        return measure_overlap(example.pseudo, example.masks)

    def all_of_it() -> None:
        overlap = table()
        _ = overlap.input_shares, overlap.tree

    return Pairs.alternate(all_of_it, table, ROUNDS)


def print_diagnosis(description: str, examples: list[Example]) -> None:
    """Print what a diagnosis costs over a slider move."""
    rows = [
        Pairs.together(diagnosis_pairs(example, strategy) for example in examples).row(
            f"{MOVES} diagnoses, {MOVES} moves of `{strategy}`"
        )[:-2]
        for strategy in Strategy
    ]
    rows.append(
        Pairs.together(map(ground_pairs, examples)).row("once: table, tree and input shares")[:-2]
    )
    header = ("", "diagnosis", "slider move, or the table", *PAIR_HEADER[3:5])
    print_table(f"How many times longer a diagnosis takes: {description}", header, rows)


def main() -> None:
    """Print both tables."""
    print(machine())
    description, examples = voc_size_examples(40)
    print_tree(description, examples)
    print_diagnosis(description, examples)


if __name__ == "__main__":
    main()
