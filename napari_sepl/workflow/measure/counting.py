"""Runs that count all samples of a dataset, and continue after failures."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from napari_sepl.core.errors import InputError
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.files.guard import IsOurs
from napari_sepl.files.lock import sole_writer
from napari_sepl.workflow.measure.checkpoint import Arrays, RunCheckpoint, checkpoint_file
from napari_sepl.workflow.measure.tables import check_tables
from napari_sepl.workflow.parallel.processes import Executor
from napari_sepl.workflow.results import Given, SampleResult, Task, Work, run_samples

Counts = TypeVar("Counts")


class CountingRun(ABC, Generic[Given, Counts]):
    """A run that counts samples: iterate over its results, and read the counts so far.

    Parameters
    ----------
    index : SampleIndex
        The samples. Each of its problems counts as failed.
    executor : Executor
        Where samples are counted.

    Attributes
    ----------
    ids : list of str
        The samples to count.
    problems : list of SampleProblem
        Those that cannot be counted.
    failures : list of str
        Why samples failed so far.
    guard : Guard
        What no result of the run is to be written over.
    checkpoint : RunCheckpoint or None
        Saves the counts, if wanted.
    """

    command: ClassVar[str]
    """The command that the run is of."""
    noun: ClassVar[str] = "sample"
    """What it counts, for its summary."""

    def __init__(self, index: SampleIndex, executor: Executor) -> None:
        self.index, self._executor = index, executor
        self.ids, self.problems = list(index.ids), list(index.problems)
        self.failures: list[str] = []
        self.guard = index.guard()
        self.checkpoint: RunCheckpoint | None = None
        self._target: Path | None = None  # the file that no second run shall write meanwhile

    def __len__(self) -> int:
        return len(self.ids) + len(self.problems)

    def __iter__(self) -> Iterator[SampleResult[None]]:
        """Count all samples in the dataset's order, and continue after failures.

        Raises
        ------
        SeplError
            If a process ends that should not, or another run is to write the same file.
        """
        kept = self.checkpoint
        tasks = map(self._task, self.ids if kept is None else kept.left(self.ids))
        with sole_writer(self._target, self.command):
            for result in run_samples(self._work(), tasks, self.problems, self._executor):
                if result.value is not None:
                    with nullcontext() if kept is None else kept.adding(result.sample_id):
                        self._add(result.sample_id, result.value)
                self.failures += [result.message] * bool(result.message)
                yield SampleResult(result.sample_id, result.outcome, result.message)

    def require_counted(self, mean_iou: float, role: Role = Role.TRUTH) -> None:
        """Raise InputError where a role's files hold only ignore, so that `mean_iou` is NaN."""
        if not math.isnan(mean_iou):
            return
        if self.checkpoint is not None:
            self.checkpoint.end()
        expected = f"{NAMED[role]} with pixels of classes, {self.index.classes.told_ids}"
        raise InputError(
            self.index.folders[role], found="only pixels of 255 (ignore)", expected=expected
        )

    @abstractmethod
    def _task(self, sample_id: str) -> Task[Given]:
        """Return what is counted of a sample."""

    @abstractmethod
    def _work(self) -> Work[Given, Counts]:
        """Return what counts a sample."""

    @abstractmethod
    def _add(self, sample_id: str, counts: Counts) -> None:
        """Add the counts of a sample."""


class ResumableRun(CountingRun[Given, Counts]):
    """A counting run that can save its counts beside its table."""

    def keep_beside(self, table: Path, *, overwrite: bool = False) -> RunCheckpoint:
        """Save the counts beside a table, and resume from those saved there.

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
        check_tables(self._tables(table), self.guard)
        self.guard.check(checkpoint_file(table), lambda _: True, "--table")  # ours by its name
        classes = self.index.classes
        key = {
            "command": self.command,
            "classes": [classes.title, *classes.names, *(classes.ids if classes.has_gaps else ())],
            "pseudo_format": self.index.spec.pseudo_format,
            **self._key(),
        }
        self.checkpoint = RunCheckpoint(table, key, self._files, self._sums)
        self._target = table
        arrays = self.checkpoint.resume(self.ids)
        if arrays is not None:
            self._restore(arrays)
        return self.checkpoint

    def _files(self, sample_id: str) -> list[Path]:
        return [one for path in self._paths(sample_id) for one in files_of(path, sample_id)]

    @abstractmethod
    def _tables(self, table: Path) -> dict[Path, IsOurs]:
        """Return the files of the run's result, for `check_tables`."""

    @abstractmethod
    def _key(self) -> Mapping[str, Any]:
        """Return what else the counts depend on but the samples' files."""

    @abstractmethod
    def _paths(self, sample_id: str) -> list[Path]:
        """Return the files of a sample."""

    @abstractmethod
    def _sums(self) -> Arrays:
        """Return the counts so far, as arrays by name."""

    @abstractmethod
    def _restore(self, arrays: Arrays) -> None:
        """Restore what `_sums` returned in an earlier run."""
