"""What labels are worth: the figures of classes, of images, and of all of them together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.analysis.metrics import BoundaryCounts, Confusion, ReleasedMetrics
from napari_sepl.core.labels.classes import ClassList


@dataclass(frozen=True)
class Figures:
    """How well labels agree with the ground truth, in 0..1; NaN where a share is not defined.

    Parameters
    ----------
    iou : float
        Intersection over union of a class, or the mean over the classes of the ground truth.
    precision, recall : float
        Share of the labels that is right, share of the ground truth that is found; or the means.
    boundary_iou : float
        The same as `iou` in the bands along the outlines, as `BoundaryCounts` has them.
    """

    iou: float
    precision: float
    recall: float
    boundary_iou: float


@dataclass(frozen=True)
class ClassFigures:
    """One class over all images.

    Parameters
    ----------
    class_id : int
        The class; 0 is background.
    name : str
        What it is called.
    pixels : int
        Its pixels in the ground truth; 0 for a class that only labels hold.
    labels : Figures
        Of the labels.
    baseline : Figures, optional
        Of the baseline, if there is one.
    """

    class_id: int
    name: str
    pixels: int
    labels: Figures
    baseline: Figures | None

    @property
    def change(self) -> float:
        """IoU of the labels less that of the baseline; NaN without one."""
        return _change(self.labels, self.baseline)


@dataclass(frozen=True)
class ImageFigures:
    """One image.

    Parameters
    ----------
    sample_id : str
        The stem its files share.
    labels : Figures
        The labels' means over the classes that the image's truth holds.
    baseline : Figures, optional
        The baseline's, if there is one.
    iou : dict of int to float
        The labels' IoU of each of these classes.
    running, released_baseline : ReleasedMetrics
        What the authors' program reports of the image; the second only with a baseline.
    """

    sample_id: str
    labels: Figures
    baseline: Figures | None
    iou: dict[int, float]
    running: ReleasedMetrics
    released_baseline: ReleasedMetrics | None

    @property
    def change(self) -> float:
        """Mean IoU of the labels less that of the baseline; NaN without one."""
        return _change(self.labels, self.baseline)


def _change(labels: Figures, baseline: Figures | None) -> float:
    return float("nan") if baseline is None else labels.iou - baseline.iou


@dataclass(frozen=True, eq=False)
class LabelMetrics:
    """Pixel counts of labels against the ground truth: of one image, or of many."""

    regions: Confusion
    boundaries: BoundaryCounts

    @classmethod
    def nothing(cls) -> "LabelMetrics":
        """Return the counts of no image."""
        return cls(Confusion.nothing(), BoundaryCounts.nothing())

    @classmethod
    def of(cls, labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> "LabelMetrics":
        """Compare two (H, W) uint8 maps of one size; pixels of 255 in `truth` are ignored."""
        return cls(Confusion.of(labels, truth), BoundaryCounts.of(labels, truth))

    def __add__(self, other: "LabelMetrics") -> "LabelMetrics":
        return LabelMetrics(self.regions + other.regions, self.boundaries + other.boundaries)

    @cached_property
    def _columns(self) -> tuple[NDArray[np.float64], ...]:
        regions = self.regions
        return regions.iou, regions.precision, regions.recall, self.boundaries.iou

    def figures(self, class_id: int) -> Figures:
        """Return the figures of one class."""
        return Figures(*(float(column[class_id]) for column in self._columns))

    @property
    def mean(self) -> Figures:
        """The means over the classes that the ground truth holds, background among them.

        A class that no label has counts with an IoU and a recall of 0, and not for precision.
        """
        present = self.regions.wanted > 0
        return Figures(*(_mean(column[present]) for column in self._columns))


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What labels are worth: counts summed over images, and a row for each image and class.

    Parameters
    ----------
    classes : ClassList
        Names of the labels.
    labels : LabelMetrics
        The labels against the ground truth, over all images.
    baseline : LabelMetrics, optional
        The baseline against the ground truth.
    images : tuple of ImageFigures
        A row for each image, in the samples' order.
    """

    classes: ClassList
    labels: LabelMetrics
    baseline: LabelMetrics | None
    images: tuple[ImageFigures, ...]

    @cached_property
    def class_figures(self) -> list[ClassFigures]:
        """A row for each class that the ground truth, the labels or the baseline hold, by id."""
        wanted = self.labels.regions.wanted
        present = wanted + self.labels.regions.found
        if self.baseline is not None:
            present = present + self.baseline.regions.found
        return [
            ClassFigures(
                class_id,
                self.classes.name(class_id),
                int(wanted[class_id]),
                self.labels.figures(class_id),
                None if self.baseline is None else self.baseline.figures(class_id),
            )
            for class_id in map(int, np.flatnonzero(present))
        ]

    @property
    def running(self) -> ReleasedMetrics:
        """The means of what the authors' program reports of each image."""
        return _mean_running([row.running for row in self.images])

    @property
    def released_baseline(self) -> ReleasedMetrics | None:
        """The same of the baseline; None without one."""
        rows = [row.released_baseline for row in self.images]
        return _mean_running([row for row in rows if row is not None]) if self.baseline else None


def _mean_running(rows: list[ReleasedMetrics]) -> ReleasedMetrics:
    columns = np.array([(row.iou, row.precision, row.recall) for row in rows]).reshape(-1, 3).T
    return ReleasedMetrics(*(_mean(column) for column in columns))
