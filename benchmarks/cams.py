"""CAM files: reading pickles without running them, and a move of the background's slider.

Run with ``python -m benchmarks.cams``.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks.examples import Example, voc_size_examples
from benchmarks.timing import PAIR_HEADER, Pairs, machine, print_table
from napari_sepl import Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.scores import Scores
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.pickles import read_pickled

ROUNDS = 7
EXAMPLES = 12
BLUR = 12  # pixels: how far simulated scores reach beyond their labels


def soft(example: Example) -> Scores:
    """Return scores that look like a CAM: blurred labels, the largest 1."""
    ids = [label for label in np.unique(example.pseudo).tolist() if 0 < label < 255]
    maps = np.array([ndimage.gaussian_filter((example.pseudo == k) * 1.0, BLUR) for k in ids])
    maps /= maps.max(axis=(1, 2), keepdims=True) + 1e-5
    return Scores(np.array(ids, np.uint8), maps.astype(np.float32), 0.2)


def reading_pairs(scores: Scores, folder: Path) -> Pairs:
    """Time numpy's own unpickling of a CAM dictionary against ours, both to arrays in memory."""
    path = folder / "cam.npy"
    value: Any = {int(k) - 1: one for k, one in zip(scores.class_ids, scores.maps, strict=True)}
    np.save(path, value, allow_pickle=True)
    return Pairs.alternate(
        lambda: np.load(path, allow_pickle=True).item(), lambda: read_pickled(path), ROUNDS
    )


def moving_pairs(example: Example, scores: Scores) -> Pairs:
    """Time a move of t1, labels and all, against one of the background's value."""
    image = np.zeros(example.pseudo.shape, np.uint8)
    inputs = Inputs("", image, example.pseudo, example.masks, VOC, scores=scores)
    document = Document(inputs)
    values = iter(np.linspace(0.1, 0.9, ROUNDS + 1).tolist())
    overlap = measure_overlap(document.inputs.pseudo, example.masks)

    def move_t1() -> None:
        params = Params(t1=0.4)
        paint(overlap, assign(overlap, params), params)

    return Pairs.alternate(
        move_t1, lambda: document.set_params(Params(background=next(values))), ROUNDS
    )


def main() -> None:
    """Print both tables."""
    print(machine())
    description, examples = voc_size_examples(EXAMPLES)
    maps = [soft(example) for example in examples]
    with tempfile.TemporaryDirectory() as folder:
        reading = Pairs.together(reading_pairs(one, Path(folder)) for one in maps)
    moving = Pairs.together(map(moving_pairs, examples, maps))
    rows = [
        reading.row("CAM dictionary, against numpy.load with allow_pickle"),
        moving.row("move of the background, against one of t1"),
    ]
    print_table(f"{description}; {ROUNDS} pairs each; scores are blurred labels", PAIR_HEADER, rows)


if __name__ == "__main__":
    main()
