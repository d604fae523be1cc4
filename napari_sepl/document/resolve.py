"""Compute the labels from inputs and annotations."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.assignment import Assignment, assign
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.paint import Painted, paint, repaint
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.diagnosis.masks import diagnose
from napari_sepl.core.analysis.diagnosis.types import Diagnosis
from napari_sepl.core.analysis.provenance import find_sources
from napari_sepl.core.labels.pixels import lay_over
from napari_sepl.document.annotations import Annotations


@dataclass(frozen=True, eq=False)
class Resolved:
    """The labels of one image, and what they follow from; never saved, always recomputed.

    Parameters
    ----------
    overlap : Overlap
        The overlap table.
    annotations : Annotations
        The annotations. Their maps belong to the document: they change with the next stroke.
    assignment : Assignment
        The class and rule of each mask.
    enhanced : (H, W) uint8
        The enhanced labels, with decisions.
    labels : (H, W) uint8
        What is shown and saved: `enhanced` under locked and painted pixels.
    """

    overlap: Overlap
    annotations: Annotations
    assignment: Assignment
    enhanced: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def params(self) -> Params:
        """The parameters."""
        return self.annotations.params

    def snapshot(self) -> "Resolved":
        """Return a copy whose maps no later stroke changes."""
        return replace(self, annotations=self.annotations.copy())

    def find_sources(self) -> NDArray[np.uint8]:
        """Return (H, W) uint8: the `Source` of each pixel."""
        annotations = self.annotations
        return find_sources(
            self.overlap,
            self.assignment,
            self.enhanced,
            annotations.locked_pixels,
            annotations.overlay,
            annotations.prompted,
        )

    def diagnose(self, image_labels: Iterable[int] = ()) -> Diagnosis:
        """Find what may be wrong with the labels, strokes included.

        Parameters
        ----------
        image_labels : iterable of int
            The classes known to be in the image, if any; without, those of masks that are
            selected for the class they bring.
        """
        known = tuple(image_labels) or np.unique(self.overlap.masks.brought_labels).tolist()
        return diagnose(self.overlap, self.assignment, self.labels, known)


def resolve(
    overlap: Overlap,
    annotations: Annotations,
    vanished: frozenset[int] = frozenset(),
    before: Resolved | None = None,
) -> Resolved:
    """Compute the labels of one image.

    Parameters
    ----------
    overlap : Overlap
        The overlap table.
    annotations : Annotations
        The annotations.
    vanished : frozenset of int
        Classes whose pseudo-labels have no pixel now: decisions on them wait.
    before : Resolved, optional
        The last result: for the same table, only changes are repainted.

    Raises
    ------
    InputError
        If a decision is on a mask or pseudo-label that the image does not have.
    """
    assignment = assign(overlap, annotations.params, annotations.decisions, vanished)
    if before is None or before.overlap is not overlap:
        enhanced = paint(overlap, assignment, annotations.params)
    else:
        painted = Painted(before.assignment, before.params, before.enhanced)
        enhanced = repaint(overlap, assignment, annotations.params, painted)
    labels = enhanced
    for opinions in (annotations.locked_pixels, annotations.overlay):
        if opinions is not None:
            labels = lay_over(labels, opinions)
    return Resolved(overlap, annotations, assignment, enhanced, labels)
