"""What became of each class: the lines of the class panel and of reports."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.metrics import Confusion, count_labels
from napari_sepl.core.overlap import IGNORE
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved


@dataclass(frozen=True)
class ClassRow:
    """One class of one image.

    Parameters
    ----------
    class_id : int
        The label, 0 for background and 255 for ignore.
    name : str
        What the label is called.
    before, after : int
        Pixels in the pseudo-labels and in the final labels.
    iou_before, iou_after : float or None
        Intersection over union with the truth, 0..1; None where there is no truth or no such
        class in either.
    protected : bool
        Whether its pixels are kept from the algorithm and from strokes of other classes.
    """

    class_id: int
    name: str
    before: int
    after: int
    iou_before: float | None = None
    iou_after: float | None = None
    protected: bool = False


def count_classes(inputs: Inputs, resolved: Resolved, current: int = 0) -> list[ClassRow]:
    """Return a row for each class that the pseudo-labels, the labels or the truth hold.

    The current class and protected ones have a row in any case.
    """
    final, protected = resolved.final, resolved.said.protected
    before, after = count_labels(inputs.pseudo), count_labels(final)
    present = (before + after) > 0
    iou_before, iou_after = _ious(inputs, inputs.pseudo), _ious(inputs, final)
    if inputs.truth is not None:
        present |= count_labels(inputs.truth) > 0
        present[IGNORE] = bool(before[IGNORE] + after[IGNORE])
    present[list(protected)] = True
    present[current] |= current != 0
    return [
        ClassRow(
            class_id,
            inputs.classes.name(class_id),
            int(before[class_id]),
            int(after[class_id]),
            iou_before.get(class_id),
            iou_after.get(class_id),
            class_id in protected,
        )
        for class_id in map(int, np.flatnonzero(present))
    ]


def _ious(inputs: Inputs, labels: NDArray[np.uint8]) -> dict[int, float]:
    if inputs.truth is None:
        return {}
    iou = Confusion.of(labels, inputs.truth).iou
    return {int(class_id): float(iou[class_id]) for class_id in np.flatnonzero(~np.isnan(iou))}
