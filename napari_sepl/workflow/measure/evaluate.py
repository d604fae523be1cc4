"""Labels of a whole dataset against their truth, and against the labels they were made from."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError, attempt
from napari_sepl.core.metrics import RunningFigures
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex, SampleProblem
from napari_sepl.files.guard import Guard
from napari_sepl.files.labels import read_labels
from napari_sepl.files.lock import sole_writer
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.workflow.measure.agreement import Agreement, Evaluation, ImageFigures
from napari_sepl.workflow.measure.checkpoint import (
    Arrays,
    RunCheckpoint,
    count_from,
    from_arrays,
    place,
    to_arrays,
)
from napari_sepl.workflow.measure.counted import CountStep, failed_counts
from napari_sepl.workflow.measure.tables import check_tables, checkpoint_files, evaluation_files
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread

COMPARED = (Role.LABELS, Role.TRUTH, Role.PSEUDO)
"""What is compared, in this order; pseudo-labels are the baseline."""

_IMAGES = TypeAdapter(list[ImageFigures], config=ConfigDict(ser_json_inf_nan="constants"))


class EvaluationRun:
    """A run over all samples of which there are labels and ground truth.

    Parameters
    ----------
    index : SampleIndex
        The samples by their labels, with ground truth. Where it has a folder of pseudo-labels,
        the labels are compared with them too. Each of its problems counts as failed, and so does
        a sample without pseudo-labels; one without ground truth does where a list asks for it,
        and is left out otherwise.
    background : float, optional
        What soft scores in the pseudo-labels are cut at; the method's own value if left out.
    spread : Spread
        Where the samples are compared.

    Attributes
    ----------
    ids : list of str
        The samples that are compared.
    problems : list of SampleProblem
        Those that cannot be.
    without_truth : list of str
        Those that are left out.

    Raises
    ------
    InputError
        If the dataset has no folder of ground truth, or no sample can be compared.
    """

    def __init__(
        self, index: SampleIndex, *, background: float | None = None, spread: Spread = HERE
    ) -> None:
        self.index, self.classes, self._spread = index, index.classes, spread
        pseudo_format = index.spec.pseudo_format
        self._read_baseline = partial(_read_pseudo, pseudo_format, background)
        self._cut = {"pseudo_format": pseudo_format, "background": background}
        if Role.TRUTH not in index.folders:
            raise InputError("dataset", found="no ground_truth", expected="a folder of it")
        self.guard = Guard(
            (
                *index.spec.inputs,
                *(folder for folder in index.folders.values() if folder != index.spec.out),
            )
        )
        self._roles = [role for role in COMPARED if role in index.folders]
        self.problems = list(index.problems)
        self.without_truth = index.without(Role.TRUTH)
        lacking = set(self.without_truth)
        if index.spec.list_file is not None:
            self._refuse(self.without_truth, "no ground truth")
            self.without_truth = []
        if Role.PSEUDO in index.folders:
            bare = [one for one in index.without(Role.PSEUDO) if one not in lacking]
            self._refuse(bare, "no pseudo-labels")
            lacking.update(bare)
        self.ids = [sample_id for sample_id in index.ids if sample_id not in lacking]
        if not self.ids:
            needed = ", ".join(NAMED[role] for role in self._roles)
            found = f"{len(index):,} label files, none with all of {needed}"
            expected = "labels that share their names with it"
            raise InputError(index.folders[Role.LABELS], found=found, expected=expected)
        self._labels = Agreement.nothing()
        has_baseline = Role.PSEUDO in index.folders
        self._baseline = Agreement.nothing() if has_baseline else None
        self._images: dict[str, ImageFigures] = {}
        self._checkpoint: RunCheckpoint | None = None

    def keep_beside(self, table: Path) -> RunCheckpoint:
        """Keep what is counted beside a table, after resuming from what was kept there.

        Raises
        ------
        InputError, SaveError
            If the table, or one that goes with it, may not be written.
        """
        check_tables(evaluation_files(table) | checkpoint_files(table), self.guard)
        key = {
            "command": "evaluate",
            **self._cut,
            "classes": [self.classes.title, *self.classes.names],
            **{str(role): place(self.index.folders.get(role)) for role in COMPARED},
        }
        checkpoint = RunCheckpoint(table, key, self._files, self._arrays)
        arrays = checkpoint.resume(self.ids)
        if arrays is not None:
            images = _IMAGES.validate_json(arrays.pop("images").tobytes())
            self._images = {image.sample_id: image for image in images}
            self._labels = from_arrays(self._labels, arrays, "labels")
            self._baseline = from_arrays(self._baseline, arrays, "baseline")
        self._checkpoint = checkpoint
        return checkpoint

    def _arrays(self) -> Arrays:
        images = _IMAGES.dump_json(list(self._images.values()))
        arrays: Arrays = {"images": np.frombuffer(images, np.uint8)}
        return arrays | to_arrays(self._labels, "labels") | to_arrays(self._baseline, "baseline")

    def _files(self, sample_id: str) -> list[Path]:
        return [file for path in self._paths(sample_id) for file in files_of(path, sample_id)]

    def __len__(self) -> int:
        return len(self.ids) + len(self.problems)

    def __iter__(self) -> Iterator[CountStep]:
        """Compare sample after sample, in order, going on after failures."""
        compare = partial(_attempt, self.classes, self._read_baseline)

        def answers(ids: Iterable[str]) -> Iterator[_Compared]:
            return self._spread.run(compare, map(self._item, ids), _lost)

        table = None if self._checkpoint is None else self._checkpoint.table
        with sole_writer(table, "evaluate"):
            yield from failed_counts(self.problems)
            yield from count_from(self._checkpoint, self.ids, answers, self._add)

    def _item(self, sample_id: str) -> tuple[str, list[Path]]:
        return sample_id, self._paths(sample_id)

    def _paths(self, sample_id: str) -> list[Path]:
        """Return the files of a sample: labels, ground truth and, if there is one, baseline."""
        return [self.index.path_of(role, sample_id) for role in self._roles]

    def _refuse(self, sample_ids: list[str], reason: str) -> None:
        self.problems += [SampleProblem(sample_id, reason) for sample_id in sample_ids]

    def _add(self, sample_id: str, compared: tuple[Agreement, Agreement | None]) -> None:
        labels, baseline = compared
        self._labels += labels
        if self._baseline is not None and baseline is not None:
            self._baseline += baseline
        regions = labels.regions
        iou = regions.iou
        self._images[sample_id] = ImageFigures(
            sample_id,
            labels.mean,
            None if baseline is None else baseline.mean,
            {int(k): float(iou[k]) for k in np.flatnonzero(regions.wanted)},
            RunningFigures.of(regions),
            None if baseline is None else RunningFigures.of(baseline.regions),
        )

    @property
    def evaluation(self) -> Evaluation:
        """What is compared so far."""
        images = [self._images[sample_id] for sample_id in self.ids if sample_id in self._images]
        return Evaluation(self.classes, self._labels, self._baseline, tuple(images))


_Compared = tuple[Agreement, Agreement | None] | str
_Read = Callable[[Path, str, NDArray[np.uint8], Path], NDArray[np.uint8]]


def _attempt(classes: ClassList, read_baseline: _Read, item: tuple[str, list[Path]]) -> _Compared:
    """Return the counts of a sample's labels and of its baseline, or why there are none."""
    sample_id, paths = item

    def work() -> _Compared:
        truth = _read(paths[1], classes)
        labels = _read(paths[0], classes, (truth.shape[0], truth.shape[1]), paths[1])
        baseline = [read_baseline(path, sample_id, truth, paths[1]) for path in paths[2:]]
        for path, found in zip(paths[2:], baseline, strict=True):
            classes.check(found, path)
        compared = [Agreement.of(found, truth) for found in (labels, *baseline)]
        return compared[0], compared[1] if baseline else None

    return attempt(work, str, paths[0])


def _read_pseudo(
    name: str,
    background: float | None,
    path: Path,
    sample_id: str,
    truth: NDArray[np.uint8],
    truth_path: Path,
) -> NDArray[np.uint8]:
    """Read the baseline of a sample, which has the size of its ground truth."""
    return read_pseudo_labels(
        path,
        name,
        sample_id=sample_id,
        shape=(truth.shape[0], truth.shape[1]),
        of=truth_path,
        background=background,
    )


def _lost(item: tuple[str, list[Path]], why: str) -> _Compared:
    return f"{item[1][0]}: {why}"


def _read(
    path: Path, classes: ClassList, shape: tuple[int, int] | None = None, of: object = ""
) -> NDArray[np.uint8]:
    labels = read_labels(path, shape, of)
    classes.check(labels, path)
    return labels
