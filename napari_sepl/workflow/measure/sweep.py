"""The surface over both thresholds for a whole dataset: which t1 and t2 fit it, and each class."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.sweep import (
    Matches,
    SweepCounts,
    check_grid,
    sweep_image,
    threshold_grid,
)
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import NO_INPUTS, Guard, IsOurs
from napari_sepl.files.samples import Sample, load_enhanceable, read_truth
from napari_sepl.workflow.measure.checkpoint import Arrays, from_arrays, place, to_arrays
from napari_sepl.workflow.measure.counting import ResumableRun
from napari_sepl.workflow.measure.tables import class_table, encode_csv, sweep_files, write_tables
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, Task, Work

DEFAULTS = Params()
"""The thresholds of the paper, to which the best ones are compared."""

STEPS = 21
"""Thresholds of a grid: all multiples of 0.05, which the paper's are too."""

Surface = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A pair of thresholds and its result.

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
        """Whether labels are compared with the ground truth; otherwise with the pseudo-labels."""
        return self.counts.truth is not None

    @property
    def matches(self) -> Matches:
        """The counts against the ground truth, or against the pseudo-labels where there is none."""
        return self.counts.truth or self.counts.pseudo

    @property
    def change(self) -> Surface:
        """(A, B) float64: share in 0..1 of the pixels whose label is not the pseudo-label."""
        return np.asarray(self.counts.changed / max(self.counts.pixels, 1))

    @property
    def best(self) -> Point | None:
        """Where mean IoU with the ground truth is highest; None without ground truth.

        Of equal pairs the one closest to the paper's, then the one of lower t1. Agreement with the
        pseudo-labels has no best: it is highest where nothing changes.
        """
        return self._best(self.matches.mean_iou)

    @property
    def best_of_classes(self) -> list[ClassBest]:
        """The best pair of each class in ground truth or labels; none without ground truth."""
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


class SweepRun(ResumableRun[Sample, SweepCounts]):
    """A sweep in progress: iterate over its results, and read the counts so far.

    Parameters
    ----------
    index : SampleIndex
        The samples. Those without masks are left out and, where it has a folder of ground truth,
        those without ground truth; each of its problems counts as failed.
    params : Params
        Strategy and conflict rule.
    t1, t2 : (A,) and (B,) float64, optional
        Thresholds in 0..1, ascending; 21 from 0 to 1 each if left out.
    executor : Executor
        Where the samples are counted.

    Raises
    ------
    InputError
        If a grid is not ascending within 0..1, or no sample has masks and, if wanted, ground
        truth.
    """

    command = "sweep"

    def __init__(
        self,
        index: SampleIndex,
        params: Params,
        t1: NDArray[np.float64] | None = None,
        t2: NDArray[np.float64] | None = None,
        *,
        executor: Executor = HERE,
    ) -> None:
        super().__init__(index, executor)
        self.params = params
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
        self._counts = SweepCounts.nothing(index.classes.size, shape, truth=has_truth)
        self._samples = 0

    def _tables(self, table: Path) -> dict[Path, IsOurs]:
        return sweep_files(table)

    def _key(self) -> dict[str, Any]:
        roles = (Role.IMAGE, Role.PSEUDO, Role.MASKS, Role.TRUTH)
        return {
            **self.params.model_dump(mode="json", exclude={"t1", "t2"}),
            "t1": self.t1.tolist(),
            "t2": self.t2.tolist(),
            **{str(role): place(self.index.folders.get(role)) for role in roles},
        }

    def _paths(self, sample_id: str) -> list[Path]:
        return list(self.index.sample(sample_id).files)

    def _sums(self) -> Arrays:
        return to_arrays(self._counts, "counts")

    def _restore(self, arrays: Arrays) -> None:
        self._counts = from_arrays(self._counts, arrays, "counts")
        self._samples = 0 if self.checkpoint is None else len(self.checkpoint.stamps)

    def _task(self, sample_id: str) -> Task[Sample]:
        sample = self.index.sample(sample_id)
        return Task(sample_id, sample.image, sample)

    def _work(self) -> Work[Sample, SweepCounts]:
        return partial(_count, self.index.classes, self.t1, self.t2, self.params)

    def _add(self, _: str, counts: SweepCounts) -> None:
        self._counts.add(counts)
        self._samples += 1

    @property
    def sweep(self) -> Sweep:
        """What is counted so far, which further results leave as it is."""
        counts = deepcopy(self._counts)
        return Sweep(self.t1, self.t2, self.params, self.index.classes, counts, self._samples)


def _count(
    classes: ClassList,
    t1: NDArray[np.float64],
    t2: NDArray[np.float64],
    params: Params,
    sample: Sample,
) -> tuple[Outcome, SweepCounts]:
    given = load_enhanceable(sample, classes).cut_at(params.background)
    truth = read_truth(sample, classes, given.overlap.shape)
    return Outcome.COUNTED, sweep_image(given.overlap, truth, t1, t2, params)


def write_sweep(path: Path, sweep: Sweep, guard: Guard = NO_INPUTS) -> list[Path]:
    """Write a sweep as a table, and the best pair of each class as a second one beside it.

    The first has a row for each pair: t1, t2, mean_iou (without ground truth: agreement, the mean
    IoU with the pseudo-labels), change, then the IoU of each class in any of them. The second has
    a row for each class, and is written only with ground truth. Shares are in 0..1 with all
    digits; undefined ones are empty.

    Parameters
    ----------
    path : Path
        The first file; its folder is made if need be.
    sweep : Sweep
        What to write.
    guard : Guard
        Tells what is not to be written over; earlier tables of sweeps are.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError, SaveError
        As `write_tables`.
    """
    contents = {path: encode_csv(_surface_rows(sweep))}
    if sweep.against_truth:
        contents[class_table(path)] = encode_csv(_class_rows(sweep))
    return write_tables(contents, sweep_files(path), guard)


def _surface_rows(sweep: Sweep) -> Iterable[list[object]]:
    iou, mean, change = sweep.matches.iou, sweep.matches.mean_iou, sweep.change
    present = np.flatnonzero(~np.isnan(iou).all(axis=(1, 2))).tolist()
    names = [f"iou {sweep.classes.name(class_id)}" for class_id in present]
    yield ["t1", "t2", "mean_iou" if sweep.against_truth else "agreement", "change", *names]
    for i, j in np.ndindex(mean.shape):
        yield [sweep.t1[i], sweep.t2[j], mean[i, j], change[i, j], *iou[present, i, j]]


def _class_rows(sweep: Sweep) -> Iterable[list[object]]:
    yield ["class_id", "class", "t1", "t2", "iou", "iou_at_default"]
    for row in sweep.best_of_classes:
        best, name = row.best, sweep.classes.name(row.class_id)
        yield [row.class_id, name, best.t1, best.t2, best.iou, row.default]
