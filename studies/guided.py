"""Labels from masks that SAM finds near pseudo-labels, against those from its whole grid.

Run with ``python -m studies.guided [images]``; needs the extra "sam", for the grid. Which masks
SAM would miss depends on its weights, so two bounds stand for it on VOC's simulated masks: a mask
is found if any point of the grid in it is asked about, or if one of them is, drawn once for each.
The image of a truck has masks of SAM's own, each with the point that it was found by.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import VOC, read_voc
from benchmarks.timing import machine, print_table
from napari_sepl import MaskSet, enhance
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.masks.mask_set import MaskScores
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks
from napari_sepl.proposals.models import SamSettings
from napari_sepl.proposals.points import MARGIN, near_labels, plan_crops

TRUCK = VOC.parent / "truck"
CLASSES = 21
HEADER = (
    "masks", "margin", "points asked", "masks lost", "same labels", "same pixels", "worst",
    "mIoU, whole grid", "mIoU, guided",
)  # fmt: skip

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Case:
    """An image's pseudo-labels and masks; with the truth, and the points masks are found by."""

    pseudo: NDArray[np.uint8]
    masks: MaskSet
    truth: NDArray[np.uint8] | None
    points: list[Points]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pseudo.shape[0], self.pseudo.shape[1]


def voc_cases(count: int, points_of: Callable[[list[Points]], list[Points]]) -> list[Case]:
    """Return so many images, each mask with the points of the grid in it that `points_of` keeps."""
    cases = []
    ids = (VOC / "train120.txt").read_text().split()
    for image_id in ids[:: max(1, len(ids) // count)]:
        example = read_voc(image_id)
        truth = read_labels(VOC / "SegmentationClass" / f"{image_id}.png")
        grid = plan_crops((truth.shape[0], truth.shape[1]), SamSettings())[0].points
        dense = [example.masks.decode(index) for index in range(len(example.masks))]
        cols, rows = grid.astype(np.intp).T
        points = points_of([grid[mask[rows, cols]] for mask in dense])
        cases.append(Case(example.pseudo, example.masks, truth, points))
    return cases


def one_each(points: list[Points]) -> list[Points]:
    """Return one point of each mask, drawn by chance; none of a mask between the points."""
    rng = np.random.default_rng(0)
    return [each[rng.integers(len(each), size=1)] if len(each) else each for each in points]


def truck_case() -> Case:
    """Return the truck with SAM's own masks and points."""
    masks = read_masks(TRUCK / "masks_amg")
    points = list(masks.scores.point[:, None].astype(np.float64))
    return Case(read_labels(TRUCK / "pseudo" / "truck.png"), masks, None, points)


def labels_of(case: Case, found: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the enhanced labels for some of the masks."""
    chosen = np.flatnonzero(found)
    runs = case.masks.runs.choose(chosen)
    return enhance(case.pseudo, MaskSet(runs, MaskScores.unknown(len(chosen))))


def row(name: str, cases: list[Case], margin: float) -> tuple[str, ...]:
    """Return a table row for one margin."""
    asked, lost, same = [], [], []
    tables = [Confusion(np.zeros((256, 256), np.int64)) for _ in range(2)]
    for case in cases:
        near = near_labels(case.pseudo, margin)
        grid = plan_crops(case.shape, SamSettings())[0].points
        every = np.array([len(points) > 0 for points in case.points])
        some = np.array([_hits(near, points) for points in case.points])
        both = [labels_of(case, found) for found in (every, some)]
        guided = plan_crops(case.shape, SamSettings(), case.pseudo, margin)[0].points
        asked.append(len(guided) / len(grid))
        lost.append(1 - some.sum() / every.sum())
        same.append(float((both[0] == both[1]).mean()))
        if case.truth is not None:
            tables = [t + Confusion.of(b, case.truth) for t, b in zip(tables, both, strict=True)]
    scores = [f"{100 * np.nanmean(t.iou[:CLASSES]):.2f}" if t.counts.any() else "" for t in tables]
    return (
        name, f"{margin:.4f}", f"{np.mean(asked):.1%}", f"{np.mean(lost):.1%}",
        f"{same.count(1.0)} of {len(cases)}", f"{np.mean(same):.4%}", f"{min(same):.2%}", *scores,
    )  # fmt: skip


def _hits(near: NDArray[np.bool_], points: Points) -> bool:
    cols, rows = points.astype(np.intp).T
    return bool(near[rows, cols].any())


def rows(count: int) -> Iterator[tuple[str, ...]]:
    """Yield the table."""
    found_by = {
        "simulated, found by any point": voc_cases(count, list),
        "simulated, found by one point": voc_cases(count, one_each),
        "SAM's own, the truck": [truck_case()],
    }
    for name, cases in found_by.items():
        for margin in (0.0, MARGIN, 2 * MARGIN):
            yield row(name, cases, margin)


def main() -> None:
    """Print the table."""
    if not VOC.is_dir():
        print("There is no ../shared/data/voc: nothing to measure.")
        return
    print(machine())
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    title = f"SEPL with its default settings; {MARGIN:g} of the longer side is the margin shipped"
    print_table(title, HEADER, rows(count))


if __name__ == "__main__":
    main()
