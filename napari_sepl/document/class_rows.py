"""What became of each class: the lines of the class panel and of reports."""

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
    """A share of the pseudo-labels and of the final labels.

    Parameters
    ----------
    before, after : float or None
        The shares, 0..1; None where there is none.
    """

    before: float | None = None
    after: float | None = None

    @property
    def gain(self) -> float | None:
        """How much more it is after than before; None where one is missing."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


_NONE = Change()

_Shares = tuple[NDArray[np.float64], ...]
"""IoU, precision and recall by class id."""


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
    iou, precision, recall : Change
        Agreement with the truth, void left out: intersection over union, the share of the label's
        pixels that are right, the share of the class's true pixels that are found. None where
        there is no truth, or no pixel to tell it of.
    locked : bool
        Whether its pixels are kept from the algorithm and from strokes of other classes.
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
    """Return a row for each class that the pseudo-labels, the labels or the truth hold.

    The current class and protected ones have a row in any case.
    """
    final, locked = resolved.labels, resolved.annotations.locked
    before, after = count_labels(inputs.pseudo), count_labels(final)
    present = (before + after) > 0
    shares_before = shares_after = _shares(None)
    if inputs.truth is not None:
        shares_before = _shares(inputs.agreement)
        shares_after = _shares(Confusion.of(final, inputs.truth))
        present |= count_labels(inputs.truth) > 0
        present[IGNORE] = bool(before[IGNORE] + after[IGNORE])
    present[list(locked)] = True
    present[current] |= current != 0
    return [
        ClassRow(
            class_id,
            inputs.classes.name(class_id),
            int(before[class_id]),
            int(after[class_id]),
            *_changes(shares_before, shares_after, class_id),
            class_id in locked,
        )
        for class_id in map(int, np.flatnonzero(present))
    ]


def _shares(confusion: Confusion | None) -> _Shares:
    """Return IoU, precision and recall by class; of no class without a truth."""
    if confusion is None:
        return (np.zeros(0),) * 3
    return confusion.iou, confusion.precision, confusion.recall


def _changes(before: _Shares, after: _Shares, class_id: int) -> tuple[Change, Change, Change]:
    """Return IoU, precision and recall of a class."""
    iou, precision, recall = (
        Change(_at(shares, class_id), _at(others, class_id))
        for shares, others in zip(before, after, strict=True)
    )
    return iou, precision, recall


def _at(shares: NDArray[np.float64], class_id: int) -> float | None:
    """Return a class's share; None for NaN, and for ignore, which has none."""
    if class_id >= len(shares) or np.isnan(shares[class_id]):
        return None
    return float(shares[class_id])


def mean_iou(rows: Iterable[ClassRow]) -> Change:
    """Return the mean IoU over the classes of the truth; None without truth."""
    # Only a class that the truth holds has a recall, and each of those has an IoU.
    ious = [row.iou for row in rows if row.recall.after is not None]
    if not ious:
        return _NONE
    return Change(
        float(np.mean([iou.before for iou in ious])), float(np.mean([iou.after for iou in ious]))
    )
