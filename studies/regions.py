"""Labels from regions, which replace SAM's masks without SAM.

Run with ``python -m studies.regions [every]``; with 4, say, it takes every fourth image.
"""

import sys
import time
from collections.abc import Iterator
from multiprocessing import Pool

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import VOC
from benchmarks.timing import duration, machine, print_table
from napari_sepl import enhance
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.files.images import read_image
from napari_sepl.files.labels import read_labels
from napari_sepl.proposals.regions import RegionMasks, RegionSettings

SHIPPED = RegionSettings()
SCALES = (
    (10.0,), (25.0,), (50.0,), (100.0,), (200.0,), (400.0,), (25.0, 100.0), (25.0, 75.0, 150.0),
)  # fmt: skip
CLASSES = 21
HEADER = ("scales", "mIoU", "mean precision", "mean recall", "masks an image", "time an image", "")

Counts = dict[tuple[float, ...], NDArray[np.int64]]


def measure(image_id: str) -> tuple[Counts, dict[tuple[float, ...], tuple[float, int]]]:
    """Return the confusion for each set of scales, () being none, and seconds and masks."""
    image = read_image(VOC / "JPEGImages" / f"{image_id}.jpg")
    pseudo = read_labels(VOC / "pseudo_transcam" / f"{image_id}.png")
    truth = read_labels(VOC / "SegmentationClass" / f"{image_id}.png")
    counts: Counts = {(): Confusion.of(pseudo, truth).counts}
    costs: dict[tuple[float, ...], tuple[float, int]] = {(): (0.0, 0)}
    for scales in dict.fromkeys((SHIPPED.scales, *SCALES)):
        start = time.perf_counter()
        masks = RegionMasks(SHIPPED.model_copy(update={"scales": scales})).make(image)
        costs[scales] = time.perf_counter() - start, len(masks)
        counts[scales] = Confusion.of(enhance(pseudo, masks), truth).counts
    return counts, costs


def rows(
    counts: Counts, costs: dict[tuple[float, ...], list[tuple[float, int]]]
) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each set of scales."""
    for scales, found in counts.items():
        right = np.diag(found)[:CLASSES]
        present = found[:CLASSES].sum(axis=1) > 0
        painted = found.sum(axis=0)[:CLASSES]
        seconds, masks = np.median(costs[scales], axis=0)
        shares = (
            Confusion(found).iou[:CLASSES],
            right / np.maximum(painted, 1),
            right / np.maximum(found[:CLASSES].sum(axis=1), 1),
        )
        name = ", ".join(f"{scale:g}" for scale in scales) or "pseudo-labels"
        cost = (f"{masks:.0f}", duration(seconds)) if scales else ("", "")
        note = "shipped" if scales == SHIPPED.scales else ""
        yield name, *(f"{100 * share[present].mean():.2f}" for share in shares), *cost, note


def main() -> None:
    """Print a table over the images."""
    if not VOC.is_dir():
        print("There is no ../shared/data/voc: nothing to measure.")
        return
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    image_ids = (VOC / "train120.txt").read_text().split()[::every]
    counts: Counts = {}
    costs: dict[tuple[float, ...], list[tuple[float, int]]] = {}
    print(machine())
    with Pool(2) as pool:
        for found, cost in pool.imap(measure, image_ids):
            for scales, table in found.items():
                counts[scales] = counts.get(scales, 0) + table
                costs.setdefault(scales, []).append(cost[scales])
    title = (
        f"SEPL with its default settings on regions of at least {SHIPPED.smallest} pixels, "
        f"{len(image_ids)} PASCAL VOC images, the pseudo-labels of TransCAM; means over the "
        "classes in the truth, without ignore"
    )
    print_table(title, HEADER, rows(counts, costs))


if __name__ == "__main__":
    main()
