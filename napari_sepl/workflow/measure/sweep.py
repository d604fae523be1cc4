"""The surface over both thresholds for a whole dataset: which t1 and t2 fit it, and each class."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError, attempt
from napari_sepl.core.params import Params
from napari_sepl.core.sweep import Matches, SweepCounts, check_grid, sweep_image, threshold_grid
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import Guard
from napari_sepl.files.lock import sole_writer
from napari_sepl.files.samples import Sample, load_enhanceable, read_truth
from napari_sepl.workflow.measure.checkpoint import (
    RunCheckpoint,
    count_from,
    from_arrays,
    place,
    to_arrays,
)
from napari_sepl.workflow.measure.counted import CountStep, failed_counts
from napari_sepl.workflow.measure.tables import check_checkpoint, check_tables, sweep_files
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread

DEFAULTS = Params()
"""The thresholds of the paper, to which the best ones are compared."""

STEPS = 21
"""Thresholds of a grid: all multiples of 0.05, which the paper's are too."""

Surface = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A pair of thresholds and what comes of it.

    Parameters
    ----------
    t1, t2 : float
        The thresholds.
    iou : float
        Share in 0..1: mean IoU, or the IoU of one class; NaN where no label is compared.
    """

    t1: float
    t2: float
    iou: float


@dataclass(frozen=True)
class ClassBest:
    """Which thresholds fit one class best.

    Parameters
    ----------
    class_id : int
        The class.
    best : Point
        Where its IoU is highest.
    default : float
        Its IoU at the thresholds of the paper, NaN if those are not in the grid.
    """

    class_id: int
    best: Point
    default: float


@dataclass(frozen=True, eq=False)
class Sweep:
    """What SEPL gives over a dataset at each pair of thresholds.

    Parameters
    ----------
    t1 : (A,) float64
        The thresholds t1.
    t2 : (B,) float64
        The thresholds t2.
    params : Params
        Strategy and conflict rule; its own thresholds do not count.
    classes : ClassList
        Names of the C labels.
    counts : SweepCounts
        Summed over the samples, a row for each label of the class list.
    samples : int
        How many were counted.
    """

    t1: NDArray[np.float64]
    t2: NDArray[np.float64]
    params: Params
    classes: ClassList
    counts: SweepCounts
    samples: int

    @property
    def against_truth(self) -> bool:
        """Whether labels are compared with the truth; otherwise with the pseudo-labels."""
        return self.counts.truth is not None

    @property
    def matches(self) -> Matches:
        """The counts against the truth, or against the pseudo-labels where there is none."""
        return self.counts.truth or self.counts.pseudo

    @property
    def change(self) -> Surface:
        """(A, B) float64: share in 0..1 of the pixels whose label is not the pseudo-label."""
        return np.asarray(self.counts.changed / max(self.counts.pixels, 1))

    @property
    def best(self) -> Point | None:
        """Where mean IoU with the truth is highest; None without truth.

        Of equal pairs the one closest to the paper's, then the one of lower t1. Agreement with the
        pseudo-labels has no best: it is highest where nothing changes.
        """
        return self._best(self.matches.mean_iou)

    @property
    def best_of_classes(self) -> list[ClassBest]:
        """The best pair for each class that is in truth or labels anywhere; none without truth."""
        found = []
        for class_id, iou in enumerate(self.matches.iou):
            best = self._best(iou)
            if best is not None:
                found.append(ClassBest(class_id, best, self._at_defaults(iou)))
        return found

    @property
    def default(self) -> Point | None:
        """Mean IoU at the thresholds of the paper; None if those are not in the grid."""
        at = self.position(DEFAULTS.t1, DEFAULTS.t2)
        return None if at is None else self.point(*at)

    def point(self, row: int, col: int) -> Point:
        """Return the pair at a place of the grid, with its mean IoU."""
        iou = float(self.matches.mean_iou[row, col])
        return Point(float(self.t1[row]), float(self.t2[col]), iou)

    def position(self, t1: float, t2: float) -> tuple[int, int] | None:
        """Return the row and column of a pair; None if it is not in the grid."""
        rows, cols = np.flatnonzero(self.t1 == t1), np.flatnonzero(self.t2 == t2)
        return (int(rows[0]), int(cols[0])) if len(rows) and len(cols) else None

    def _best(self, surface: Surface) -> Point | None:
        if not self.against_truth or np.isnan(surface).all():
            return None
        far = np.hypot(*np.meshgrid(self.t1 - DEFAULTS.t1, self.t2 - DEFAULTS.t2, indexing="ij"))
        far = np.round(far, 9)  # equal distances, computed, differ by less
        far[~(surface == np.nanmax(surface))] = np.inf
        row, col = divmod(int(far.argmin()), len(self.t2))  # the first is the lowest
        return Point(float(self.t1[row]), float(self.t2[col]), float(surface[row, col]))

    def _at_defaults(self, surface: Surface) -> float:
        at = self.position(DEFAULTS.t1, DEFAULTS.t2)
        return float("nan") if at is None else float(surface[at])


class SweepRun:
    """A sweep on its way: go through its steps, and ask for what is counted so far.

    Parameters
    ----------
    index : SampleIndex
        The samples. Those without masks are left out and, where it has a folder of ground truth,
        those without ground truth; each of its problems counts as failed.
    params : Params
        Strategy and conflict rule.
    t1, t2 : (A,) and (B,) float64, optional
        Thresholds in 0..1, ascending; 21 from 0 to 1 each if left out.
    spread : Spread
        Where the samples are counted.

    Raises
    ------
    InputError
        If a grid is not ascending within 0..1, or no sample has masks and, if wanted, ground
        truth.
    """

    def __init__(
        self,
        index: SampleIndex,
        params: Params,
        t1: NDArray[np.float64] | None = None,
        t2: NDArray[np.float64] | None = None,
        *,
        spread: Spread = HERE,
    ) -> None:
        self.index, self.params, self._spread = index, params, spread
        self.t1 = threshold_grid(STEPS, DEFAULTS.t1) if t1 is None else t1
        self.t2 = threshold_grid(STEPS, DEFAULTS.t2) if t2 is None else t2
        check_grid("t1", self.t1)
        check_grid("t2", self.t2)
        has_truth = Role.TRUTH in index.folders
        self.without_truth = index.without(Role.TRUTH) if has_truth else []
        lacking = set(self.without_truth)
        ids = [sample_id for sample_id in index.ids if sample_id not in lacking]
        if not ids:
            expected = "a label file for a sample at least; or name no folder of ground truth"
            raise InputError(index.folders[Role.TRUTH], found="no ground truth", expected=expected)
        self.without_masks = index.without(Role.MASKS, ids)
        bare = set(self.without_masks)
        self.ids = [sample_id for sample_id in ids if sample_id not in bare]
        if not self.ids:
            raise InputError(index.spec.masks, found="no masks", expected="those of a sample")
        shape = (len(self.t1), len(self.t2))
        self._counts = SweepCounts.nothing(len(index.classes), shape, truth=has_truth)
        self.guard = Guard(index.spec.inputs)
        self._samples = 0
        self._checkpoint: RunCheckpoint | None = None

    def keep_beside(self, table: Path, *, overwrite: bool = False) -> RunCheckpoint:
        """Keep what is counted beside a table, after resuming from what was kept there.

        Parameters
        ----------
        table : Path
            The table to come.
        overwrite : bool
            Whether it, and those that go with it, may replace ours that exist.

        Raises
        ------
        InputError, SaveError
            If the table, or one that goes with it, may not be written.
        """
        self.guard = replace(self.guard, overwrite=overwrite)
        check_checkpoint(table, self.guard)
        check_tables(sweep_files(table), self.guard)
        checkpoint = RunCheckpoint(
            table, self._key(), self._files, lambda: to_arrays(self._counts, "counts")
        )
        arrays = checkpoint.resume(self.ids)
        if arrays is not None:
            self._counts = from_arrays(self._counts, arrays, "counts")
            self._samples = len(checkpoint.stamps)
        self._checkpoint = checkpoint
        return checkpoint

    def _key(self) -> dict[str, Any]:
        """Return all that the counts depend on but the samples' files."""
        roles = (Role.IMAGE, Role.PSEUDO, Role.MASKS, Role.TRUTH)
        return {
            "command": "sweep",
            **self.params.model_dump(mode="json", exclude={"t1", "t2"}),
            "t1": self.t1.tolist(),
            "t2": self.t2.tolist(),
            "classes": [self.index.classes.title, *self.index.classes.names],
            "pseudo_format": self.index.spec.pseudo_format,
            **{str(role): place(self.index.folders.get(role)) for role in roles},
        }

    def _files(self, sample_id: str) -> list[Path]:
        files = self.index.sample(sample_id).files
        return [file for path in files for file in files_of(path, sample_id)]

    def __len__(self) -> int:
        return len(self.ids) + len(self.index.problems)

    def __iter__(self) -> Iterator[CountStep]:
        """Count sample after sample, in the dataset's order, going on after failures.

        Raises
        ------
        SeplError
            If a process ends that should not.
        """
        count = partial(_attempt, self.index.classes, self.t1, self.t2, self.params)

        def answers(ids: Iterable[str]) -> Iterator[SweepCounts | str]:
            return self._spread.run(count, map(self.index.sample, ids), _lost)

        table = None if self._checkpoint is None else self._checkpoint.table
        with sole_writer(table, "sweep"):
            yield from failed_counts(self.index.problems)
            yield from count_from(self._checkpoint, self.ids, answers, self._add)

    def _add(self, _: str, counts: SweepCounts) -> None:
        self._counts.add(counts)
        self._samples += 1

    @property
    def sweep(self) -> Sweep:
        """What is counted so far, which further steps leave as it is."""
        counts = deepcopy(self._counts)
        return Sweep(self.t1, self.t2, self.params, self.index.classes, counts, self._samples)


def _attempt(
    classes: ClassList,
    t1: NDArray[np.float64],
    t2: NDArray[np.float64],
    params: Params,
    sample: Sample,
) -> SweepCounts | str:
    """Return the counts of a sample, or why there are none."""

    def work() -> SweepCounts | str:
        given = load_enhanceable(sample, classes).cut_at(params.background)
        truth = read_truth(sample, classes, given.overlap.shape)
        return sweep_image(given.overlap, truth, t1, t2, params)

    return attempt(work, str, sample.image)


def _lost(sample: Sample, why: str) -> SweepCounts | str:
    return f"{sample.image}: {why}"
