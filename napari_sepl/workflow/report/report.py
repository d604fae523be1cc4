"""The contents of a report on a dataset, counted sample by sample."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.provenance import Source, count_sources
from napari_sepl.core.analysis.sweep import SweepCounts, sweep_image, threshold_grid
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import count_labels
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.samples import read_truth
from napari_sepl.files.store import Status
from napari_sepl.workflow.measure.counting import CountingRun
from napari_sepl.workflow.measure.metrics import LabelMetrics
from napari_sepl.workflow.measure.sweep import DEFAULTS, STEPS, Sweep
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, Task, Work
from napari_sepl.workflow.review.current_labels import SelectedLabels
from napari_sepl.workflow.review.selection import Selection


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
        Mean IoU of pseudo-labels and of labels, 0..1; NaN without ground truth.
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
        """How much mean IoU rose, -1..1; NaN without ground truth."""
        return self.iou_after - self.iou_before


T1, T2 = (threshold_grid(STEPS, default) for default in (DEFAULTS.t1, DEFAULTS.t2))


@dataclass(frozen=True, eq=False)
class Counts:
    """Pixel counts of one image.

    Parameters
    ----------
    before, after : (256,) int64
        Pixels of each label in pseudo-labels and labels.
    sources : dict of Source to int
        Pixels by where their label came from.
    agreement_before, agreement_after : LabelMetrics, optional
        Pseudo-labels and labels against the ground truth.
    sweep : SweepCounts, optional
        What SEPL alone gives at each pair of thresholds.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    sources: dict[Source, int]
    agreement_before: LabelMetrics | None
    agreement_after: LabelMetrics | None
    sweep: SweepCounts | None


@dataclass(eq=False)
class Report:
    """The contents of the page, except its images; samples are added one by one.

    Parameters
    ----------
    index : SampleIndex
        What it tells of.
    params : Params
        The settings of samples that nobody chose any for.
    swept : SweepCounts
        What SEPL alone gives at each pair of thresholds, over `swept_samples` samples.
    failures : list of str
        Why samples could not be counted.
    without_masks : list of str
        Samples that were left out for having no masks and no review.
    images : list of ReportedImage
        In the dataset's order.
    before, after : (256,) int64
        Pixels of each label in pseudo-labels and labels.
    holding : (256,) int64
        Images whose labels hold each label.
    sources : Counter of Source
        Pixels by where their label came from.
    agreement_before, agreement_after : LabelMetrics, optional
        Pseudo-labels and labels against the ground truth, over the images that have one.
    """

    index: SampleIndex
    params: Params
    swept: SweepCounts
    failures: list[str]
    without_masks: list[str]
    images: list[ReportedImage] = field(default_factory=list)
    before: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    after: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    holding: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    sources: Counter[Source] = field(default_factory=Counter)
    agreement_before: LabelMetrics | None = None
    agreement_after: LabelMetrics | None = None
    swept_samples: int = 0

    def add(self, image: ReportedImage, counts: Counts) -> None:
        """Add a sample."""
        self.images.append(image)
        self.before += counts.before
        self.after += counts.after
        self.holding += counts.after > 0
        self.sources.update(counts.sources)
        nothing, before, after = (
            LabelMetrics.nothing(),
            counts.agreement_before,
            counts.agreement_after,
        )
        if before is not None and after is not None:
            self.agreement_before = (self.agreement_before or nothing) + before
            self.agreement_after = (self.agreement_after or nothing) + after
        if counts.sweep is not None:
            self.swept.add(counts.sweep)
            self.swept_samples += 1

    @property
    def sweep(self) -> Sweep | None:
        """What SEPL alone gives at each pair of thresholds; None where that was not counted."""
        if not self.swept_samples:
            return None
        return Sweep(T1, T2, self.params, self.index.classes, self.swept, self.swept_samples)

    @property
    def against_truth(self) -> bool:
        """Whether any image has a ground truth."""
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
        """Return the images that gained most IoU; without ground truth, the least suspicious."""
        return self.worst(len(self.images))[::-1][:count]


_Counted = tuple[ReportedImage, Counts]


class ReportRun(CountingRun[SelectedLabels, _Counted]):
    """A report on its way: go through its results, then ask for it.

    Parameters
    ----------
    selection : Selection
        The samples and their labels. Each of its problems counts as failed.
    sweep : bool
        Whether to count every pair of thresholds too.
    executor : Executor
        Where samples are counted; in this process if left out.
    page : Path, optional
        The file that the report goes into, which no second run shall write meanwhile.

    Attributes
    ----------
    selection : Selection
        The samples and their labels.
    report : Report
        What is counted so far.

    Raises
    ------
    InputError
        If the record cannot be read.
    """

    command = "report"

    def __init__(
        self,
        selection: Selection,
        *,
        sweep: bool = True,
        executor: Executor = HERE,
        page: Path | None = None,
    ) -> None:
        index = selection.index
        super().__init__(index, executor)
        self._target, self._sweep, self.selection = page, sweep, selection
        bare = set(selection.without_masks)
        self.ids = [sample_id for sample_id in selection.ids if sample_id not in bare]
        self.problems, self._has_truth = selection.problems, bool(index.names.get(Role.TRUTH))
        shape = (len(T1), len(T2))
        swept = SweepCounts.nothing(index.classes.size, shape, truth=self._has_truth)
        self.report = Report(index, selection.start, swept, self.failures, selection.without_masks)

    def _task(self, sample_id: str) -> Task[SelectedLabels]:
        labels = self.selection.labels(sample_id)
        return Task(sample_id, labels.reviewable.sample.image, labels)

    def _work(self) -> Work[SelectedLabels, _Counted]:
        swept = self.selection.start if self._sweep else None
        classes, image_labels = self.index.classes, dict(self.index.image_labels)
        return partial(_count, classes, image_labels, swept, self._has_truth)

    def _add(self, _: str, counted: _Counted) -> None:
        self.report.add(*counted)


def _count(
    classes: ClassList,
    image_labels: dict[str, tuple[int, ...]],
    swept: Params | None,
    has_truth: bool,
    labels: SelectedLabels,
) -> tuple[Outcome, _Counted]:
    """Count a sample; only samples with truth are swept, if any sample has one."""
    item = labels.reviewable
    given, resolved = labels.resolve()
    truth = read_truth(item.sample, classes, given.pseudo.shape)
    diagnosis = resolved.diagnose(image_labels.get(item.sample.sample_id, ()))
    before = after = sweep = None
    if truth is not None:
        before, after = (LabelMetrics.of(a, truth) for a in (given.pseudo, resolved.labels))
    if swept is not None and (truth is not None or not has_truth):
        sweep = sweep_image(given.overlap, truth, T1, T2, swept)
    image = ReportedImage(
        item.sample.sample_id,
        item.status,
        resolved.annotations.edited,
        float(np.mean(resolved.labels != given.pseudo)),
        before.mean.iou if before is not None else float("nan"),
        after.mean.iou if after is not None else float("nan"),
        diagnosis.suspicion,
        diagnosis.main.cause.label if diagnosis.main is not None else "",
        tuple(finding.describe(classes) for finding in diagnosis.findings),
    )
    pixels = count_labels(given.pseudo), count_labels(resolved.labels)
    sources = count_sources(resolved.find_sources())
    return Outcome.COUNTED, (image, Counts(*pixels, sources, before, after, sweep))
