"""From what was given and what a person said to the labels: one pure function."""

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
    """Everything that follows; never saved as truth, always computed anew.

    Parameters
    ----------
    overlap : Overlap
        The table it follows from.
    annotations : Said
        What a person said. Its maps are the document's own: they change with the next stroke.
    assignment : Assignment
        Which masks were taken, and why.
    enhanced : (H, W) uint8
        What SEPL and a person's decisions on masks say.
    final : (H, W) uint8
        What is shown and saved: `enhanced` with the pinned and the painted pixels on top.
    """

    overlap: Overlap
    annotations: Annotations
    assignment: Assignment
    enhanced: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def params(self) -> Params:
        """The settings it follows from."""
        return self.annotations.params

    def snapshot(self) -> "Resolved":
        """Return the same with maps of its own, which no later stroke reaches."""
        return replace(self, annotations=self.annotations.copy())

    def find_sources(self) -> NDArray[np.uint8]:
        """Return (H, W) uint8: a `Source` for each pixel, where its label came from."""
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
        """Find what may be wrong with the labels as they are now, strokes included.

        Parameters
        ----------
        image_labels : iterable of int
            The classes that the image is known to hold, if that is known.
        """
        return diagnose(self.overlap, self.assignment, self.labels, image_labels)


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
        The table of masks against pseudo-labels.
    annotations : Said
        What a person said.
    vanished : frozenset of int
        Classes whose pseudo-labels have no pixel for now: decisions on them wait.
    before : Resolved, optional
        What was resolved last: where it is of the same table, only what changed is painted anew.

    Raises
    ------
    InputError
        If a decision names a mask or pseudo-label that the image has not.
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
