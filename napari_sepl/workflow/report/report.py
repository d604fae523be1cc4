"""What a report tells of a dataset and of each image, but the pictures."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.params import Params
from napari_sepl.core.provenance import Source
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.store import Status
from napari_sepl.workflow.measure.agreement import Agreement
from napari_sepl.workflow.measure.sweep import Sweep


@dataclass(frozen=True)
class ReportedImage:
    """One image of a report.

    Parameters
    ----------
    sample_id : str
        The sample.
    status : Status
        How far its review is.
    edited : bool
        Whether a person decided, painted or protected anything.
    change : float
        Share in 0..1 of its pixels whose label is not the pseudo-label.
    iou_before, iou_after : float
        Mean IoU of pseudo-labels and of labels with the truth, 0..1; NaN without truth.
    suspicion : float
        As `Diagnosis` has it, 0..1.
    cause : str
        The main cause in a word or two; empty for none.
    findings : tuple of str
        All that was found, in sentences, the gravest first.
    """

    sample_id: str
    status: Status
    edited: bool
    change: float
    iou_before: float
    iou_after: float
    suspicion: float
    cause: str
    findings: tuple[str, ...]

    @property
    def gain(self) -> float:
        """How much mean IoU rose, -1..1; NaN without truth."""
        return self.iou_after - self.iou_before


@dataclass(frozen=True, eq=False)
class Report:
    """All that the page tells, but the pictures.

    Parameters
    ----------
    index : SampleIndex
        What it tells of.
    params : Params
        The settings of samples that nobody chose any for.
    images : tuple of ReportedImage
        In the dataset's order.
    before, after : (256,) int64
        Pixels of each label in pseudo-labels and labels.
    holding : (256,) int64
        Images whose labels hold each label.
    sources : dict of Source to int
        Pixels by where their label came from.
    agreement_before, agreement_after : Agreement, optional
        Pseudo-labels and labels against the truth, over the images that have one.
    sweep : Sweep, optional
        What SEPL alone gives at each pair of thresholds.
    failures : tuple of str
        Why samples could not be counted.
    without_masks : tuple of str
        Samples that were left out for having no masks and no review.
    """

    index: SampleIndex
    params: Params
    images: tuple[ReportedImage, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    holding: NDArray[np.int64]
    sources: dict[Source, int]
    agreement_before: Agreement | None
    agreement_after: Agreement | None
    sweep: Sweep | None
    failures: tuple[str, ...]
    without_masks: tuple[str, ...]

    @property
    def against_truth(self) -> bool:
        """Whether any image has a truth."""
        return self.agreement_after is not None

    @property
    def statuses(self) -> dict[Status, int]:
        """How many images have each status."""
        found = Counter(image.status for image in self.images)
        return {status: found[status] for status in Status if found[status]}

    @property
    def causes(self) -> dict[str, int]:
        """Of how many images each cause is the main one, the most frequent first."""
        found = Counter(image.cause for image in self.images if image.cause)
        return dict(found.most_common())

    def worst(self, count: int) -> list[ReportedImage]:
        """Return the images to look at first: those that lost most IoU, or the most suspicious."""
        if self.against_truth:
            known = [image for image in self.images if not np.isnan(image.gain)]
            return sorted(known, key=lambda image: image.gain)[:count]
        return sorted(self.images, key=lambda image: -image.suspicion)[:count]

    def best(self, count: int) -> list[ReportedImage]:
        """Return the images that gained most IoU; without truth, the least suspicious."""
        return self.worst(len(self.images))[::-1][:count]
