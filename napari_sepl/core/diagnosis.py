"""What may be wrong with the labels of one image, told without the truth.

Everything is measured on the overlap table, the mask tree and the runs; SAM's own scores, which
other masks lack, play no part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.assignment import Assignment
from napari_sepl.core.causes import Cause
from napari_sepl.core.metrics import count_labels
from napari_sepl.core.overlap import IGNORE, Overlap
from napari_sepl.core.symptoms import contested_shares, weakest_masks

LEAST = 0.01
"""The least share that counts as a cause; below it are rims a pixel wide."""


class Finding(NamedTuple):
    """One cause of failure, of one class.

    Parameters
    ----------
    cause : Cause
        What was found.
    strength : float
        How much of it, a share in 0..1; `Cause` tells of what.
    class_id : int
        The class that it harms.
    mask_index : int or None
        The mask at fault, if one is.
    """

    cause: Cause
    strength: float
    class_id: int
    mask_index: int | None = None

    @property
    def weighed(self) -> float:
        """Strength times what the cause weighs, 0..1."""
        return self.strength * self.cause.weight


@dataclass(frozen=True)
class Diagnosis:
    """What was found in one image, the gravest first.

    Parameters
    ----------
    findings : tuple of Finding
        Of each cause and class the strongest, if it is at least `LEAST`.
    """

    findings: tuple[Finding, ...]

    @property
    def main(self) -> Finding | None:
        """What weighs most; None if nothing was found."""
        return self.findings[0] if self.findings else None

    @property
    def suspicion(self) -> float:
        """How much an image deserves to be looked at, 0..1: what its main cause weighs."""
        return self.findings[0].weighed if self.findings else 0.0


def diagnose(
    overlap: Overlap,
    assignment: Assignment,
    enhanced: NDArray[np.uint8],
    image_labels: Iterable[int] = (),
) -> Diagnosis:
    """Find what may be wrong with the labels of an image.

    Parameters
    ----------
    overlap : Overlap
        The table of masks against pseudo-labels.
    assignment : Assignment
        The masks taken and the pseudo-labels kept.
    enhanced : (H, W) uint8
        The labels made of them, with what a person painted on top, if they did.
    image_labels : iterable of int
        The classes that the image is known to hold, if that is known.
    """
    strengths, masks = _measure(overlap, assignment, enhanced)
    found = [
        Finding(
            _MEASURED[row],
            float(strengths[row, column]),
            int(overlap.class_ids[column]),
            int(masks[row, column]) if masks[row, column] >= 0 else None,
        )
        for row, column in np.argwhere(strengths >= LEAST).tolist()
    ]
    found += [
        Finding(Cause.MISSING, 1.0, class_id)
        for class_id in sorted(
            set(image_labels).difference(overlap.class_ids.tolist(), (0, IGNORE))
        )
        if not (enhanced == class_id).any()
    ]
    return Diagnosis(tuple(sorted(found, key=lambda finding: -finding.weighed)))


_MEASURED = (
    Cause.SHRUNK,
    Cause.GROWN,
    Cause.UNCOVERED,
    Cause.UNMET,
    Cause.SWALLOWING,
    Cause.OUTSIDE,
    Cause.STRADDLING,
    Cause.CONTESTED,
    Cause.SCATTERED,
)
"""Of findings that weigh the same, the earlier cause comes first."""


def _measure(
    overlap: Overlap, assignment: Assignment, enhanced: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return strengths and masks, both (causes, K), -1 for no mask, in the order of `_MEASURED`."""
    before, grounds = overlap.seeds.areas, overlap.grounds
    after = _count(enhanced, overlap.class_ids)
    of_masks, found = weakest_masks(
        (overlap.intersections, overlap.masks.areas, before, overlap.class_ids),
        (assignment.class_ids, assignment.rules),
        overlap.tree.parents,
    )
    strengths = np.vstack([
        1 - after / before,
        1 - 2 * before / np.maximum(after, 1),
        grounds.uncovered,
        grounds.unmet,
        of_masks,
        contested_shares(overlap, assignment),
        grounds.scattered,
    ])  # fmt: skip
    masks = np.full(strengths.shape, -1, np.intp)
    masks[4:7] = found
    return strengths, masks


def _count(labels: NDArray[np.uint8], class_ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many pixels each class has; one comparison each is faster while they are few."""
    if len(class_ids) > _FEW:
        return count_labels(labels)[class_ids]
    counts = [np.count_nonzero(labels == class_id) for class_id in class_ids]
    return np.array(counts, np.int64)


_FEW = 6
