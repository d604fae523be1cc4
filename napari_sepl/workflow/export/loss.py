"""What labels lose by polygons."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.overlap import IGNORE
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.classes import ClassList

Pair = tuple[int, int]
"""Pixels of a class in both of two maps, and in either."""


@dataclass(eq=False)
class Loss:
    """Loss by polygons: pixels of each class in both the labels and what is drawn, and in either.

    Ignore pixels are left out.
    """

    pixels: dict[int, Pair] = field(default_factory=dict)

    def add(self, pixels: Mapping[int, Pair]) -> None:
        """Add the counts of one sample."""
        for class_id, (both, either) in pixels.items():
            before = self.pixels.get(class_id, (0, 0))
            self.pixels[class_id] = before[0] + both, before[1] + either

    @property
    def iou(self) -> dict[int, float]:
        """IoU, 0..1, of what is drawn with the labels, by class."""
        return {class_id: both / either for class_id, (both, either) in self.pixels.items()}

    @property
    def mean(self) -> float:
        """The mean of `iou` over classes; 1 if there are none."""
        found = self.iou.values()
        return sum(found) / len(found) if found else 1.0


def measure_loss(
    drawn: NDArray[np.uint8] | None, labels: NDArray[np.uint8]
) -> dict[int, Pair] | None:
    """Count what is drawn of each class against its labels; None where nothing had to be drawn."""
    if drawn is None:
        return None
    counts = Confusion.of(drawn, labels).counts
    both = np.diag(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    return {
        class_id: (int(both[class_id]), int(either[class_id]))
        for class_id in np.flatnonzero(either).tolist()
        if class_id not in (0, IGNORE)
    }


def tell_loss(loss: Loss, classes: ClassList) -> str:
    """Return a sentence on the loss by polygons."""
    told = f"IoU of the polygons, as they are read, with the labels: {loss.mean:.4f}"
    lowest = min(loss.iou.items(), key=lambda one: one[1], default=None)
    if lowest is None or lowest[1] == 1:
        return f"{told}."
    return f"{told} (mean of classes; lowest {classes.name(lowest[0])}, {lowest[1]:.4f})."
