"""The window: the cost of the swipe and of the per-pixel layers in a slider move.

Run with ``python -m benchmarks.comparing`` (on a machine without a display: under ``xvfb-run -a``).
The same move is made without and with each of them, in turns; nothing else differs in a pair.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import Example, generate, voc_size_examples
from benchmarks.screen import Screen
from benchmarks.timing import Pairs, duration, machine, print_table
from napari_sepl.core.labels.classes import VOC
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.class_rows import count_classes
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import resolve

ROUNDS = 20
WAYS = ("swipe", "difference", "errors", "label_source")
_FROM, _TO = 0.3, 0.7
"""The thresholds that a move of the slider goes between."""


def with_truth(example: Example) -> Inputs:
    """Return an example whose truth is its pseudo-labels, moved a little."""
    rng = np.random.default_rng(0)
    image: NDArray[np.uint8] = rng.integers(0, 256, example.pseudo.shape, dtype=np.uint8)
    truth = np.roll(example.pseudo, 5, axis=(0, 1))
    return Inputs(example.name, image, example.pseudo, example.masks, VOC, truth)


def pairs(screen: Screen, toggle: Callable[[], None]) -> NDArray[np.float64]:
    """Return (ROUNDS, 2) milliseconds of a move to its frame, without and with what is toggled."""
    taken = []
    for _ in range(ROUNDS + 1):
        both = []
        for _ in range(2):
            screen.move(_FROM)
            screen.rest()
            both.append(screen.move(_TO))
            screen.rest()
            toggle()
            screen.rest()
        taken.append(both)
    return np.array(taken[1:])


def drawn_rows(screen: Screen, example: Example) -> list[tuple[str, ...]]:
    """Return a line for each way to compare: from a move to the painted frame."""
    inputs = with_truth(example)
    screen.show(inputs)
    rows: list[tuple[str, ...]] = []
    for name in WAYS:
        toggle = getattr(screen.widget.controller.comparing, name)
        timed = pairs(screen, toggle)
        over = timed[:, 1] - timed[:, 0]
        low, median, high = np.percentile(over, [10, 50, 90])
        size = " × ".join(map(str, inputs.shape))
        without, with_it = np.median(timed, axis=0)
        cells = (f"{without:.1f} ms", f"{with_it:.1f} ms", f"{median:+.1f} ms")
        rows.append((f"{size}, {name}", *cells, f"{low:+.1f} to {high:+.1f}"))
    return rows


def metrics_row(example: Example) -> tuple[str, ...]:
    """Return a line: the legend's counts with a truth against those without."""
    inputs = with_truth(example)
    plain = Inputs(example.name, inputs.image, inputs.pseudo, inputs.masks, VOC)
    resolved = resolve(inputs.overlap, Annotations())
    timed = Pairs.alternate(
        partial(count_classes, plain, resolved), partial(count_classes, inputs, resolved), ROUNDS
    )
    size = " × ".join(map(str, inputs.shape))
    extra = np.median(timed.ours.seconds - timed.baseline.seconds)
    return size, duration(timed.baseline.median), duration(timed.ours.median), duration(extra)


def main() -> None:
    """Print the tables."""
    print(machine())
    description, examples = voc_size_examples(1)
    large = generate((4096, 4096), 1000, classes=20)
    chosen = (examples[0], large)
    counts = ("counts of the legend", "without truth", "with truth", "the truth adds")
    print_table("Counting", counts, [metrics_row(example) for example in chosen])
    screen = Screen()
    rows = [row for example in chosen for row in drawn_rows(screen, example)]
    header = (
        "slider move to its frame",
        "without",
        "with",
        "difference",
        "10th to 90th percentile",
    )
    print_table(f"On screen ({description}; 4096² generated), {ROUNDS} pairs each", header, rows)
    screen.close()


if __name__ == "__main__":
    main()
