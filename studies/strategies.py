"""How well the strategies do on PASCAL VOC and on an image of a truck.

Run with ``python -m studies.strategies``. The masks of ../shared/data/voc are simulated from the
truth: the figures compare one strategy with another, and do not apply to SAM. Those of
../shared/data/truck are SAM's own, without a truth.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import VOC, read_voc
from benchmarks.timing import machine, print_table
from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.runs import paint_runs
from napari_sepl.core.masks.transpose import to_rows
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks

TRUCK = VOC.parent / "truck"
CLASSES = 21
COMMON = 10  # images that must hold a class for it to count
DRAWS = 2000  # of the bootstrap
SPLITS = 20
GRID = [*product((0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7), (0.7, 0.8, 0.85, 0.9, 0.95))]
THINNED = 0.5  # share of the masks that is left, for SAM finds fewer than were simulated

Labels = NDArray[np.uint8]
Labeller = Callable[[Overlap], Labels]
Counts = NDArray[np.int64]  # (images, 3, classes): pixels that are right, that are true, as painted


def labels_of(overlap: Overlap, params: Params) -> Labels:
    """Return the labels of one image by a strategy."""
    return paint(overlap, assign(overlap, params), params)


def pseudo_of(overlap: Overlap) -> Labels:
    """Return the pseudo-labels."""
    return to_rows(overlap.pseudo_columns, overlap.shape)


def half_on_class(overlap: Overlap, *, keep_all: bool) -> Labels:
    """Take masks with o_s > 0.5, the higher class on top, over the pseudo-labels or their rest."""
    runs = overlap.masks.runs
    flat = overlap.pseudo_columns.copy()
    if not keep_all:
        erased = np.zeros(len(runs), np.uint8)
        paint_runs(flat, runs.starts, runs.stops, runs.offsets, np.arange(len(runs)), erased)
    selected = np.flatnonzero(overlap.best_o_s > 0.5)
    selected = selected[np.argsort(overlap.best_class[selected], kind="stable")]
    values = overlap.best_class[selected]
    paint_runs(flat, runs.starts, runs.stops, runs.offsets, selected, values)
    return to_rows(flat, overlap.shape)


LABELLERS: dict[str, Labeller] = {
    "pseudo-labels": pseudo_of,
    **{str(name): partial(labels_of, params=Params(strategy=name)) for name in Strategy},
    "o_s > 0.5, and keep what no mask covers": partial(half_on_class, keep_all=False),
    "o_s > 0.5 over all pseudo-labels": partial(half_on_class, keep_all=True),
}


def count(labeller: Labeller, images: list[tuple[Overlap, Labels]]) -> Counts:
    """Count the pixels of each class in each image; 255 in labels counts as background."""
    counts = []
    for overlap, truth in images:
        labels = labeller(overlap)
        table = Confusion.of(np.where(labels == IGNORE, 0, labels).astype(np.uint8), truth).counts
        painted = table.sum(axis=0)
        counts.append([np.diag(table), table.sum(axis=1), painted])
    return np.array(counts, np.int64)[:, :, :CLASSES]


def mean_iou(counts: Counts, classes: NDArray[np.intp]) -> float:
    """Return 100 times the mean IoU over some classes, pixels summed over the images."""
    return float(100 * class_ious(counts)[classes].mean())


def class_ious(counts: Counts) -> NDArray[np.float64]:
    """Return the IoU of each class, pixels summed over the images."""
    right, true, painted = counts.sum(axis=0)
    return np.asarray(right / np.maximum(true + painted - right, 1))


def interval(ours: Counts, other: Counts, classes: NDArray[np.intp]) -> str:
    """Return the 95 % interval of the difference of two mean IoUs, images drawn with return."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(ours), size=(DRAWS, len(ours)))
    gains = [mean_iou(ours[draw], classes) - mean_iou(other[draw], classes) for draw in draws]
    low, high = np.percentile(gains, [2.5, 97.5])
    return f"{low:+.1f} to {high:+.1f}"


def read_images(ids: list[str]) -> list[tuple[Overlap, Labels]]:
    """Return the overlap table and the truth of each image."""
    examples = [read_voc(image_id) for image_id in ids]
    truths = [read_labels(VOC / "SegmentationClass" / f"{image_id}.png") for image_id in ids]
    tables = [measure_overlap(example.pseudo, example.masks) for example in examples]
    return list(zip(tables, truths, strict=True))


def thin_out(images: list[tuple[Overlap, Labels]]) -> list[tuple[Overlap, Labels]]:
    """Leave out masks at random."""
    rng = np.random.default_rng(0)
    thinned = []
    for overlap, truth in images:
        left = np.flatnonzero(rng.random(len(overlap.masks)) < THINNED)
        masks = MaskSet(overlap.masks.runs.choose(left), overlap.masks.scores.unknown(len(left)))
        thinned.append((measure_overlap(pseudo_of(overlap), masks), truth))
    return thinned


def accuracy_rows(
    images: list[tuple[Overlap, Labels]], classes: NDArray[np.intp]
) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each way to make labels: mean IoU, `tree` over it, IoU by class."""
    counts = {name: count(labeller, images) for name, labeller in LABELLERS.items()}
    ours = counts[str(Strategy.TREE)]
    for name, other in counts.items():
        gain = mean_iou(ours, classes) - mean_iou(other, classes)
        gain_text = "" if other is ours else f"{gain:+.2f}"
        interval_text = "" if other is ours else interval(ours, other, classes)
        by_class = " ".join(f"{100 * share:.1f}" for share in class_ious(other)[classes])
        yield name, f"{mean_iou(other, classes):.2f}", gain_text, interval_text, by_class


def cross_validate(
    images: list[tuple[Overlap, Labels]], classes: NDArray[np.intp]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each strategy: thresholds chosen on one half of the images, measured on both.

    Each half is labelled by the thresholds that were best on the other one.
    """
    rng = np.random.default_rng(0)
    splits = [np.array_split(rng.permutation(len(images)), 2) for _ in range(SPLITS)]
    found = {strategy: held_out(strategy, images, classes, splits) for strategy in Strategy}
    for strategy, scores in found.items():
        low, high = np.percentile(scores, [10, 90])
        gains = found[Strategy.TREE] - scores
        gain_text = "" if strategy is Strategy.TREE else f"{gains.mean():+.2f} ± {gains.std():.2f}"
        yield str(strategy), f"{scores.mean():.2f}", f"{low:.2f} to {high:.2f}", gain_text


def held_out(
    strategy: Strategy,
    images: list[tuple[Overlap, Labels]],
    classes: NDArray[np.intp],
    splits: list[list[NDArray[np.intp]]],
) -> NDArray[np.float64]:
    """Return the mean IoU of each split, with thresholds that its own images did not choose."""
    settings = [Params(t1=t1, t2=t2, strategy=strategy) for t1, t2 in GRID]
    tried = [count(partial(labels_of, params=params), images) for params in settings]
    scores = []
    for halves in splits:
        unseen = np.empty_like(tried[0])
        for seen, other in (halves, halves[::-1]):
            best = max(tried, key=lambda counts: mean_iou(counts[seen], classes))
            unseen[other] = best[other]
        scores.append(mean_iou(unseen, classes))
    return np.array(scores)


def compare_on_voc() -> None:
    """Print how well each strategy does, with all masks, with half of them, and held out."""
    images = read_images((VOC / "train120.txt").read_text().split())
    held = np.array([np.bincount(truth.ravel(), minlength=256) > 0 for _, truth in images])
    classes = np.flatnonzero(held[:, :CLASSES].sum(axis=0) >= COMMON)
    header = ("", "mIoU", "tree over it", "95 %", "IoU of " + " ".join(map(str, classes)))
    description = f"{len(images)} PASCAL VOC images, TransCAM's pseudo-labels"
    print_table(f"{description}, simulated masks", header, accuracy_rows(images, classes))
    title = f"The same with {THINNED:.0%} of the masks, chosen at random"
    print_table(title, header, accuracy_rows(thin_out(images), classes))
    print_table(
        f"t1 and t2 chosen on one half, measured on the other and swapped; {SPLITS} splits",
        ("", "mIoU, mean", "10th to 90th percentile", "tree over it, mean ± sd"),
        cross_validate(images, classes),
    )


def compare_on_truck() -> None:
    """Print how the strategies' labels of the truck differ from those of `paper`."""
    pseudo = read_labels(TRUCK / "pseudo" / "truck.png")
    overlap = measure_overlap(pseudo, read_masks(TRUCK / "masks_amg"))
    paper = labels_of(overlap, Params()) > 0
    rows = []
    for name, labeller in LABELLERS.items():
        labels = labeller(overlap) > 0
        both, either = np.count_nonzero(labels & paper), np.count_nonzero(labels | paper)
        rows.append((name, f"{np.count_nonzero(labels):,}", f"{both / either:.3f}"))
    print_table("The truck, SAM's masks", ("", "pixels of the car", "IoU with paper"), rows)


def main() -> None:
    """Print all tables."""
    print(machine())
    if VOC.is_dir():
        compare_on_voc()
    else:
        print("There is no ../shared/data/voc: no accuracy to measure.")
    if TRUCK.is_dir():
        compare_on_truck()


if __name__ == "__main__":
    main()
