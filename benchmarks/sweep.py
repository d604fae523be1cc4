"""All 21 × 21 pairs of thresholds with truth: from tables, against painting and counting at each.

Run with ``python -m benchmarks.sweep``. The first table is in memory, image by image; the second
reads the files of a dataset, as ``napari-sepl sweep`` does. Both use PASCAL VOC if present.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, islice, product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.examples import VOC, Example, voc_size_examples
from benchmarks.timing import PAIR_HEADER, Pairs, machine, print_table, seconds
from napari_sepl import Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.analysis.sweep import sweep_image, threshold_grid
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from napari_sepl.workflow.measure.sweep import DEFAULTS, STEPS, SweepRun
from napari_sepl.workflow.parallel.processes import Processes

IMAGES = 12  # repainting takes a fifth of a second for each
ROUNDS = 3
COUNT = 1000
TARGET = 60.0  # seconds for so many, in two processes
T1, T2 = (threshold_grid(STEPS, default) for default in (DEFAULTS.t1, DEFAULTS.t2))

Truth = NDArray[np.uint8]


def truth_of(example: Example) -> Truth:
    """Return the truth of a VOC image; of a generated one the pseudo-labels, which are as large."""
    path = VOC / "SegmentationClass" / f"{example.name}.png"
    return np.array(Image.open(path)) if path.exists() else example.pseudo


def repaint(overlap: Overlap, truth: Truth, params: Params) -> NDArray[np.float64]:
    """Return mean IoU at all pairs, by painting each."""
    surface = np.zeros((STEPS, STEPS))
    for i, j in np.ndindex(surface.shape):
        at = params.model_copy(update={"t1": float(T1[i]), "t2": float(T2[j])})
        enhanced = paint(overlap, assign(overlap, at), at)
        confusion = Confusion.of(enhanced, truth)
        surface[i, j] = confusion.iou[confusion.wanted > 0].mean()
    return surface


def from_tables(overlap: Overlap, truth: Truth, params: Params) -> NDArray[np.float64]:
    """Return the same from a sweep."""
    matches = sweep_image(overlap, truth, T1, T2, params).truth
    assert matches is not None
    return matches.mean_iou


def compare(example: Example, params: Params) -> Pairs:
    """Time both ways on one image, after a check that they agree."""
    overlap, truth = measure_overlap(example.pseudo, example.masks), truth_of(example)
    theirs, ours = (way(overlap, truth, params) for way in (repaint, from_tables))
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-12)
    first, second = (partial(way, overlap, truth, params) for way in (repaint, from_tables))
    return Pairs.alternate(first, second, ROUNDS, warm=False)


def compare_all(examples: list[Example]) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each strategy and conflict rule."""
    for strategy, conflict in product(Strategy, Conflict):
        params = Params(strategy=strategy, conflict=conflict)
        pairs = Pairs.together(compare(example, params) for example in examples)
        yield pairs.row(f"{strategy}, {conflict}")


def open_dataset(root: Path) -> SampleIndex:
    """Open the VOC images; without them write generated ones."""
    roles = {
        "images": "JPEGImages", "pseudo": "pseudo_transcam", "masks": "masks_simulated",
        "ground_truth": "SegmentationClass",
    }  # fmt: skip
    place = VOC if VOC.is_dir() else root
    if place is root:
        for folder in roles.values():
            (root / folder).mkdir()
        for example in voc_size_examples(40)[1]:
            write_masks(root / roles["masks"] / f"{example.name}.json", example.masks)
            for role in ("images", "pseudo", "ground_truth"):
                Image.fromarray(example.pseudo).save(root / roles[role] / f"{example.name}.png")
    folders = {role: place / folder for role, folder in roles.items()}
    return SampleIndex.open(DatasetSpec(**folders, out=root / "out"))


def sweep_dataset(dataset: SampleIndex, params: Params, workers: int) -> None:
    """Count all samples, from their files."""
    run = SweepRun(dataset, params, T1, T2, executor=Processes(workers))
    for step in run:
        assert not step.message, step.message


def repeated(dataset: SampleIndex, count: int) -> SampleIndex:
    """Return a dataset of `count` samples: the same ones over and over."""
    ids = tuple(islice(cycle(dataset.ids), count))
    return replace(dataset, ids=ids)


def time_dataset(dataset: SampleIndex) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each strategy, in one process and in two, starting those included."""
    sweep_dataset(repeated(dataset, 2), DEFAULTS, 1)
    for strategy, workers in product(Strategy, (1, 2)):
        taken = seconds(partial(sweep_dataset, dataset, Params(strategy=strategy), workers))
        cells = (strategy, str(workers), f"{taken:.1f} s", f"{len(dataset) / taken:.0f}")
        met = "met" if taken < TARGET else "MISSED"
        yield (*cells, f"< {TARGET:g} s", met) if workers == 2 else (*cells, "", "")


def main() -> None:
    """Print both tables."""
    print(machine())
    description, examples = voc_size_examples(IMAGES)
    title = (
        f"{STEPS} × {STEPS} pairs with truth on {description}; the baseline paints and counts each."
    )
    print_table(title, PAIR_HEADER, compare_all(examples))
    with TemporaryDirectory() as folder:
        dataset = open_dataset(Path(folder))
        title = (
            f"{COUNT:,} samples with reading: {len(dataset)} images over and over, whose files the "
            "system keeps in memory; a slow disk would add to it."
        )
        header = ("", "processes", "time", "images/s", "target", "")
        print_table(title, header, time_dataset(repeated(dataset, COUNT)))


if __name__ == "__main__":
    main()
