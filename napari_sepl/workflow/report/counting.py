"""What a report tells, counted sample by sample."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.causes import Cause
from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import attempt
from napari_sepl.core.metrics import count_labels
from napari_sepl.core.params import Params
from napari_sepl.core.provenance import Source, count_sources
from napari_sepl.core.sweep import SweepCounts, sweep_image, threshold_grid
from napari_sepl.document.findings import NAMES, diagnose_resolved, tell_finding
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.lock import sole_writer
from napari_sepl.files.samples import read_truth
from napari_sepl.files.store import Store
from napari_sepl.workflow.measure.agreement import Agreement
from napari_sepl.workflow.measure.counted import CountStep, count_each, failed_counts
from napari_sepl.workflow.measure.sweep import DEFAULTS, STEPS, Sweep
from napari_sepl.workflow.report.report import Report, ReportedImage
from napari_sepl.workflow.review.reviewed import Reviewable, ReviewedSamples, resolve_sample
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread

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
    agreement_before, agreement_after : Agreement, optional
        Pseudo-labels and labels against the truth.
    sweep : SweepCounts, optional
        What SEPL alone gives at each pair of thresholds.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    sources: dict[Source, int]
    agreement_before: Agreement | None
    agreement_after: Agreement | None
    sweep: SweepCounts | None


class ReportRun:
    """A report on its way: go through its steps, then ask for it.

    Labels are those of the review, where there is one, and else those that SEPL makes.

    Parameters
    ----------
    index : SampleIndex
        The samples. Each of its problems counts as failed.
    store : Store or None
        The record of their review, if there is one.
    start : Params, optional
        The settings of samples that nobody chose any for; those of the review's session, or the
        paper's, if left out.
    sweep : bool
        Whether to count every pair of thresholds too.
    spread : Spread
        Where samples are counted; in this process if left out.
    page : Path, optional
        The file that the report goes into, which no second run shall write meanwhile.

    Raises
    ------
    InputError
        If the record cannot be read.
    """

    def __init__(
        self,
        index: SampleIndex,
        store: Store | None,
        start: Params | None = None,
        *,
        sweep: bool = True,
        spread: Spread = HERE,
        page: Path | None = None,
    ) -> None:
        self._page = page
        self.index, self._sweep, self._spread = index, sweep, spread
        self.samples = ReviewedSamples(index, store, start)
        self.params = self.samples.start
        self._images: list[ReportedImage] = []
        self._before, self._after, self._holding = np.zeros((3, 256), np.int64)
        self._sources: Counter[Source] = Counter()
        self._agreements: list[Agreement] = []
        shape = (len(T1), len(T2))
        self._has_truth = bool(index.names.get(Role.TRUTH))
        self._swept = SweepCounts.nothing(len(index.classes), shape, truth=self._has_truth)
        self._swept_samples = 0
        self._failures: list[str] = []

    def __len__(self) -> int:
        return len(self.samples) + len(self.index.problems)

    def __iter__(self) -> Iterator[CountStep]:
        """Count sample after sample, in the dataset's order, going on after failures."""
        swept = self.params if self._sweep else None
        classes, image_labels = self.index.classes, dict(self.index.image_labels)
        count = partial(_attempt, classes, image_labels, swept, self._has_truth)
        answers = self._spread.run(count, self.samples, _lost)
        steps = count_each(self.samples.ids, answers, self._add)
        with sole_writer(self._page, "report"):
            for step in chain(failed_counts(self.index.problems), steps):
                self._failures += [step.message] * bool(step.message)
                yield step

    def _add(self, _: str, counted: tuple[ReportedImage, Counts]) -> None:
        image, counts = counted
        self._images.append(image)
        self._before += counts.before
        self._after += counts.after
        self._holding += counts.after > 0
        self._sources.update(counts.sources)
        before, after = counts.agreement_before, counts.agreement_after
        if before is not None and after is not None:
            summed = self._agreements or [Agreement.nothing(), Agreement.nothing()]
            self._agreements = [summed[0] + before, summed[1] + after]
        if counts.sweep is not None:
            self._swept.add(counts.sweep)
            self._swept_samples += 1

    @property
    def report(self) -> Report:
        """What is counted so far."""
        before, after = self._agreements or (None, None)
        return Report(
            self.index, self.params, tuple(self._images), self._before, self._after,
            self._holding, dict(self._sources), before, after, self._surface,
            tuple(self._failures), tuple(self.samples.without_masks),
        )  # fmt: skip

    @property
    def _surface(self) -> Sweep | None:
        if not self._swept_samples:
            return None
        classes = self.index.classes
        return Sweep(T1, T2, self.params, classes, self._swept, self._swept_samples)


_Counted = tuple[ReportedImage, Counts] | str
"""What a sample comes to, or why it cannot be counted."""


def _lost(item: Reviewable, why: str) -> _Counted:
    return f"{item.sample.image}: {why}"


def _attempt(
    classes: ClassList,
    image_labels: dict[str, tuple[int, ...]],
    swept: Params | None,
    truth: bool,
    item: Reviewable,
) -> _Counted:
    """Count a sample, or return why it cannot be.

    Only samples with truth are swept, if any sample has one.
    """
    at = swept if item.sample.truth is not None or not truth else None
    told = image_labels.get(item.sample.sample_id, ())
    return attempt(lambda: _count(classes, told, at, item), str, item.sample.image)


def _count(
    classes: ClassList, image_labels: tuple[int, ...], swept: Params | None, item: Reviewable
) -> tuple[ReportedImage, Counts]:
    given, resolved = resolve_sample(item, classes)
    truth = read_truth(item.sample, classes, given.pseudo.shape)
    diagnosis = diagnose_resolved(resolved, image_labels)
    before = after = sweep = None
    if truth is not None:
        before, after = (Agreement.of(a, truth) for a in (given.pseudo, resolved.final))
    if swept is not None:
        sweep = sweep_image(given.overlap, truth, T1, T2, swept)
    image = ReportedImage(
        item.sample.sample_id,
        item.status,
        resolved.said.edited,
        float(np.mean(resolved.final != given.pseudo)),
        before.mean.iou if before is not None else float("nan"),
        after.mean.iou if after is not None else float("nan"),
        diagnosis.suspicion,
        NAMES[Cause(diagnosis.main.cause)] if diagnosis.main is not None else "",
        tuple(tell_finding(finding, classes) for finding in diagnosis.findings),
    )
    pixels = count_labels(given.pseudo), count_labels(resolved.final)
    sources = count_sources(resolved.find_sources())
    return image, Counts(*pixels, sources, before, after, sweep)
