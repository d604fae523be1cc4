"""Labels of a dataset against the ground truth, with the pseudo-labels as baseline."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter

from napari_sepl.core.analysis.metrics import DILATION_RATIO, ReleasedMetrics
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex, SampleProblem
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.guard import NO_INPUTS, Guard, IsOurs
from napari_sepl.files.labels import read_given_labels, read_labels
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.workflow.measure.checkpoint import Arrays, from_arrays, place, to_arrays
from napari_sepl.workflow.measure.counting import ResumableRun
from napari_sepl.workflow.measure.metrics import (
    ClassFigures,
    Evaluation,
    Figures,
    ImageFigures,
    LabelMetrics,
)
from napari_sepl.workflow.measure.tables import (
    class_table,
    encode_csv,
    encode_json,
    evaluation_files,
    released_table,
    write_tables,
)
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, Task, Work
from napari_sepl.workflow.review.selection import Selection

COMPARED = (Role.LABELS, Role.TRUTH, Role.PSEUDO)
"""What is compared, in this order; pseudo-labels are the baseline."""

_Labels = Callable[[tuple[int, int], object], NDArray[np.uint8]]
_Item = tuple[_Labels, str, list[Path]]
_Compared = tuple[LabelMetrics, LabelMetrics | None]
_Read = Callable[[Path, str, NDArray[np.uint8], Path], NDArray[np.uint8]]
_IMAGES = TypeAdapter(list[ImageFigures], config=ConfigDict(ser_json_inf_nan="constants"))


class EvaluationRun(ResumableRun[_Item, _Compared]):
    """A run over all samples with labels and ground truth.

    Parameters
    ----------
    index : SampleIndex
        The samples, as `open_to_evaluate` lists them. Where it has a folder of pseudo-labels,
        the labels are compared with them too. Each of its problems counts as failed, and so does
        a sample without pseudo-labels; one without ground truth does where a list asks for it,
        and is left out otherwise.
    selection : Selection, optional
        Which labels are compared, where their folder has a record; all if left out.
    background : float, optional
        What soft scores in the pseudo-labels are cut at; the method's own value if left out.
    executor : Executor
        Where the samples are compared.

    Attributes
    ----------
    ids : list of str
        The samples that are compared.
    problems : list of SampleProblem
        Those that cannot be.
    without_truth : list of str
        Those that are left out.
    without_labels : list of str
        Those of which there is ground truth alone; empty with a selection, which tells them.

    Raises
    ------
    InputError
        If the dataset has no folder of ground truth, or no sample can be compared.
    """

    command = "evaluate"

    def __init__(
        self,
        index: SampleIndex,
        selection: Selection | None = None,
        *,
        background: float | None = None,
        executor: Executor = HERE,
    ) -> None:
        super().__init__(index, executor)
        if Role.TRUTH not in index.folders:
            raise InputError("dataset", found="no ground_truth", expected="a folder of it")
        self.classes, self._background = index.classes, background
        self._roles = [role for role in COMPARED if role in index.folders]
        self._selection = selection
        if selection is not None:
            self.problems = list(selection.problems)
        chosen = index.ids if selection is None else selection.ids
        self.without_truth = index.without(Role.TRUTH, chosen)
        baselines = index.names.get(Role.PSEUDO, {}).keys() - index.names[Role.TRUTH].keys()
        self.without_labels = (
            [one for one in index.unused if one not in baselines] if selection is None else []
        )
        lacking = set(self.without_truth)
        if index.spec.list_file is not None:
            self._refuse(self.without_truth, "no ground truth")
            self.without_truth = []
        if Role.PSEUDO in index.folders:
            bare = [one for one in index.without(Role.PSEUDO, chosen) if one not in lacking]
            self._refuse(bare, "no pseudo-labels")
            lacking.update(bare)
        self.ids = [sample_id for sample_id in chosen if sample_id not in lacking]
        if not (self.ids or self.problems):
            needed = ", ".join(NAMED[role] for role in self._roles)
            found = f"{len(chosen):,} label files, none with all of {needed}"
            expected = "labels that share their names with it"
            raise InputError(index.folders[Role.LABELS], found=found, expected=expected)
        self._labels = LabelMetrics.nothing()
        has_baseline = Role.PSEUDO in index.folders
        self._baseline = LabelMetrics.nothing() if has_baseline else None
        self._images: dict[str, ImageFigures] = {}

    def _refuse(self, sample_ids: list[str], reason: str) -> None:
        self.problems += [SampleProblem(sample_id, reason) for sample_id in sample_ids]

    def _tables(self, table: Path) -> dict[Path, IsOurs]:
        return evaluation_files(table)

    def _key(self) -> dict[str, Any]:
        places = {str(role): place(self.index.folders.get(role)) for role in COMPARED}
        chosen = {} if self._selection is None else {"reviews": self._selection.digest()}
        return {"background": self._background, **places, **chosen}

    def _paths(self, sample_id: str) -> list[Path]:
        """Return the files of a sample: labels, ground truth and, if there is one, baseline.

        Labels that are rebuilt come of other files.
        """
        if self._selection is None:
            return [self.index.file_of(role, sample_id) for role in self._roles]
        labels = self._selection.labels(sample_id)
        others = [role for role in self._roles if role is not Role.LABELS]
        return [*labels.files, *(self.index.file_of(role, sample_id) for role in others)]

    def _sums(self) -> Arrays:
        images = _IMAGES.dump_json(list(self._images.values()))
        arrays: Arrays = {"images": np.frombuffer(images, np.uint8)}
        return arrays | to_arrays(self._labels, "labels") | to_arrays(self._baseline, "baseline")

    def _restore(self, arrays: Arrays) -> None:
        images = _IMAGES.validate_json(arrays["images"].tobytes())
        self._images = {image.sample_id: image for image in images}
        self._labels = from_arrays(self._labels, arrays, "labels")
        self._baseline = from_arrays(self._baseline, arrays, "baseline")

    def _task(self, sample_id: str) -> Task[_Item]:
        roles = [role for role in self._roles if role is not Role.LABELS]
        paths = [self.index.file_of(role, sample_id) for role in roles]
        if self._selection is not None:
            labels = self._selection.labels(sample_id)
            return Task(sample_id, labels.path or sample_id, (labels.read, sample_id, paths))
        file = self.index.file_of(Role.LABELS, sample_id)
        return Task(sample_id, file, (partial(_read, file, self.classes), sample_id, paths))

    def _work(self) -> Work[_Item, _Compared]:
        read_baseline = partial(
            _read_pseudo, self.index.spec.pseudo_format, self._background, self.classes
        )
        return partial(_compare, self.classes, read_baseline)

    def _add(self, sample_id: str, compared: _Compared) -> None:
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
            ReleasedMetrics.of(regions),
            None if baseline is None else ReleasedMetrics.of(baseline.regions),
        )

    @property
    def evaluation(self) -> Evaluation:
        """What is compared so far."""
        images = [self._images[sample_id] for sample_id in self.ids if sample_id in self._images]
        return Evaluation(self.classes, self._labels, self._baseline, tuple(images))


def _compare(classes: ClassList, read_baseline: _Read, item: _Item) -> tuple[Outcome, _Compared]:
    """Return the counts of a sample's labels and of its baseline."""
    read_labels_of, sample_id, (truth_path, *baselines) = item
    truth = read_given_labels(truth_path, classes)
    classes.check(truth, truth_path)
    labels = read_labels_of((truth.shape[0], truth.shape[1]), truth_path)
    found = [read_baseline(path, sample_id, truth, truth_path) for path in baselines]
    for path, one in zip(baselines, found, strict=True):
        classes.check(one, path)
    compared = [LabelMetrics.of(one, truth) for one in (labels, *found)]
    return Outcome.COUNTED, (compared[0], compared[1] if found else None)


def _read_pseudo(
    name: str,
    background: float | None,
    classes: ClassList,
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
        classes=classes,
    )


def _read(
    path: Path, classes: ClassList, shape: tuple[int, int] | None = None, of: object = ""
) -> NDArray[np.uint8]:
    labels = read_labels(path, shape, of)
    classes.check(labels, path)
    return labels


_FIGURES = ("iou", "precision", "recall", "boundary_iou")
_RUNNING = {"mIoU": "iou", "mprecision": "precision", "mrecall": "recall"}


def open_to_evaluate(
    spec: DatasetSpec, labels: Path | None, selection: Selection | None
) -> SampleIndex:
    """List what is compared: by the label files, or by the ground truth where a selection chooses.

    Parameters
    ----------
    spec : DatasetSpec
        The dataset.
    labels : Path or None
        The folder of labels, if it is not the dataset's output folder.
    selection : Selection or None
        Which labels are compared.
    """
    if selection is None:
        required, lead = (Role.LABELS, Role.TRUTH), Role.LABELS
        return SampleIndex.open(spec, required, (Role.PSEUDO,), lead=lead, labels=labels)
    also = (Role.LABELS, Role.PSEUDO)
    return SampleIndex.open(spec, (Role.TRUTH,), also, lead=Role.TRUTH, labels=labels)


def write_evaluation(
    path: Path,
    evaluation: Evaluation,
    guard: Guard = NO_INPUTS,
    *,
    running: bool = False,
) -> list[Path]:
    """Write an evaluation as two tables and as JSON, and the authors' figures as a third table.

    The first has a row for each image: its means over the classes of its ground truth, those of the
    baseline (``baseline_iou`` …), the change in IoU, then the IoU of each class. The second has a
    row for each class. The JSON has the means, "classes" and "images" with the same keys. Shares
    are in 0..1 with all digits; one that is not defined is empty in the tables, null in the JSON.

    Parameters
    ----------
    path : Path
        The first file, which ends in .csv; its folder is made if need be.
    evaluation : Evaluation
        What to write.
    guard : Guard
        Tells what is not to be written over; files of earlier evaluations are.
    running : bool
        Write the table of the authors' program too, with its columns.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError, SaveError
        As `write_tables`.
    """
    contents = {
        path: encode_csv(_image_rows(evaluation)),
        class_table(path): encode_csv(_class_rows(evaluation)),
        path.with_suffix(".json"): encode_json(evaluation_content(evaluation)).encode(),
    }
    if running:
        contents[released_table(path)] = encode_csv(_running_rows(evaluation))
    return write_tables(contents, evaluation_files(path), guard)


def _image_rows(evaluation: Evaluation) -> Iterable[list[object]]:
    rows = [row for row in evaluation.class_figures if row.pixels]
    for image in evaluation.images:
        told = _columns(image)
        if image is evaluation.images[0]:
            yield ["sample_id", *told, *(f"iou {row.name}" for row in rows)]
        ious = [image.iou.get(row.class_id, "") for row in rows]
        yield [image.sample_id, *told.values(), *ious]


def _class_rows(evaluation: Evaluation) -> Iterable[list[object]]:
    for row in evaluation.class_figures:
        told = _columns(row)
        if row is evaluation.class_figures[0]:
            yield ["class_id", "class", "pixels", *told]
        yield [row.class_id, row.name, row.pixels, *told.values()]


def _columns(row: ImageFigures | ClassFigures) -> dict[str, float]:
    """Return the figures of a row by the names of their columns."""
    told = _named(row.labels)
    if row.baseline is not None:
        told |= _named(row.baseline, "baseline_") | {"change": row.change}
    return told


def _named(figures: Figures, prefix: str = "") -> dict[str, float]:
    return {f"{prefix}{name}": getattr(figures, name) for name in _FIGURES}


def _running_rows(evaluation: Evaluation) -> Iterable[list[object]]:
    """Yield the lines of the authors' table, whose names and order they keep."""
    pseudo = evaluation.baseline is not None
    prefixes = ["pseudo_"] * pseudo + ["after_sam_"]
    deltas = [f"{name}_delta" for name in _RUNNING] * pseudo
    yield ["name", *(f"{prefix}{name}" for prefix in prefixes for name in _RUNNING), *deltas]
    for image in evaluation.images:
        after = _figures(image.running)
        before = [] if image.released_baseline is None else _figures(image.released_baseline)
        deltas_of = [a - b for a, b in zip(after, before, strict=True)] if before else []
        yield [image.sample_id, *before, *after, *deltas_of]


def _figures(figures: ReleasedMetrics) -> list[float]:
    return [getattr(figures, name) for name in _RUNNING.values()]


def evaluation_content(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON."""
    baseline = evaluation.baseline
    return {
        "boundary_dilation_ratio": DILATION_RATIO,
        "mean": asdict(evaluation.labels.mean),
        "baseline_mean": baseline and asdict(baseline.mean),
        "released": asdict(evaluation.running),
        "released_baseline": evaluation.released_baseline and asdict(evaluation.released_baseline),
        "classes": [
            {"class_id": row.class_id, "class": row.name, "pixels": row.pixels, **_columns(row)}
            for row in evaluation.class_figures
        ],
        "images": [
            {"sample_id": row.sample_id, **_columns(row), "classes": row.iou}
            for row in evaluation.images
        ],
    }
