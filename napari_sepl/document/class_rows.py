"""Pixels and agreement of each class, before and after, for the class panel and reports."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved


@dataclass(frozen=True)
class Change:
    """A share for the pseudo-labels and for the labels.

    Parameters
    ----------
    before, after : float or None
        The shares, 0..1; None if undefined.
    """

    before: float | None = None
    after: float | None = None

    @property
    def gain(self) -> float | None:
        """The share after minus the share before; None if one is missing."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


_NONE = Change()


@dataclass(frozen=True)
class ClassRow:
    """One class of one image.

    Parameters
    ----------
    class_id : int
        The label, 0 for background and 255 for ignore.
    name : str
        The name of the label.
    before, after : int
        Pixels in the pseudo-labels and in the labels.
    iou, precision, recall : Change
        Agreement with the ground truth, without ignore: intersection over union, the share of the
        label's pixels that are right, the share of the class's pixels that are found. None without
        ground truth or pixels.
    locked : bool
        Whether the class is locked.
    """

    class_id: int
    name: str
    before: int
    after: int
    iou: Change = _NONE
    precision: Change = _NONE
    recall: Change = _NONE
    locked: bool = False


def count_classes(inputs: Inputs, resolved: Resolved, current: int = 0) -> list[ClassRow]:
    """Return a row for each class in the pseudo-labels, the labels or the ground truth.

    The current class and locked ones always have a row.
    """
    labels, locked = resolved.labels, resolved.annotations.locked
    before, after = count_labels(inputs.pseudo), count_labels(labels)
    present = (before + after) > 0
    measures = [(np.zeros(0), np.zeros(0))] * 3  # IoU, precision, recall
    if inputs.truth is not None and inputs.agreement is not None:
        old, new = inputs.agreement, Confusion.of(labels, inputs.truth)
        measures = [(old.iou, new.iou), (old.precision, new.precision), (old.recall, new.recall)]
        present |= count_labels(inputs.truth) > 0
        present[IGNORE] = bool(before[IGNORE] + after[IGNORE])
    present[list(locked)] = True
    present[current] |= current != 0
    rows = []
    for class_id in map(int, np.flatnonzero(present)):
        iou, precision, recall = (
            Change(_at(then, class_id), _at(now, class_id)) for then, now in measures
        )
        name, held = inputs.classes.name(class_id), class_id in locked
        counts = int(before[class_id]), int(after[class_id])
        rows.append(ClassRow(class_id, name, *counts, iou, precision, recall, held))
    return rows


def _at(shares: NDArray[np.float64], class_id: int) -> float | None:
    """Return a class's share; None for NaN and for ignore."""
    if class_id >= len(shares) or np.isnan(shares[class_id]):
        return None
    return float(shares[class_id])


def mean_iou(rows: Iterable[ClassRow]) -> Change:
    """Return the mean IoU over the classes of the ground truth; None without ground truth."""
    # A class has a recall if it is in the ground truth, and then it has an IoU.
    ious = [row.iou for row in rows if row.recall.after is not None]
    if not ious:
        return _NONE
    return Change(
        float(np.mean([iou.before for iou in ious])), float(np.mean([iou.after for iou in ious]))
    )
