"""Which images of a dataset deserve to be looked at first, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_sepl.core.classes import ClassList
from napari_sepl.core.diagnosis import Diagnosis
from napari_sepl.core.params import Params
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.findings import NAMES, diagnose_resolved, tell_finding
from napari_sepl.document.resolve import resolve
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import NO_INPUTS, Guard
from napari_sepl.files.samples import Sample, load_enhanceable
from napari_sepl.workflow.measure.counting import CountingRun
from napari_sepl.workflow.measure.tables import (
    check_tables,
    diagnosis_files,
    encode_csv,
    write_tables,
)
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, Task, Work

_Labelled = tuple[Sample, tuple[int, ...]]


class DiagnosisRun(CountingRun[_Labelled, Diagnosis]):
    """The diagnosis of a dataset on its way: go through its results, each a sample's.

    It tells of what SEPL makes of the files; what a person decided or painted is not read.

    Parameters
    ----------
    index : SampleIndex
        The samples, with their image-level labels if there are any. Those without masks are left
        out; each of its problems counts as failed.
    params : Params
        The settings.
    executor : Spread
        Where samples are worked on.

    Attributes
    ----------
    found : list of (str, Diagnosis)
        Ids and diagnoses so far, in the order of the results.
    without_masks : list of str
        The samples that are left out.
    """

    command = "diagnose"

    def __init__(self, index: SampleIndex, params: Params, *, executor: Executor = HERE) -> None:
        super().__init__(index, executor)
        self.params = params
        self.without_masks = index.without(Role.MASKS)
        bare = set(self.without_masks)
        self.ids = [sample_id for sample_id in index.ids if sample_id not in bare]
        self.found: list[tuple[str, Diagnosis]] = []

    def check_table(self, table: Path, *, overwrite: bool = False) -> None:
        """Raise InputError or SaveError if the diagnoses may not be written there, as meant."""
        self.guard = replace(self.guard, overwrite=overwrite)
        check_tables(diagnosis_files(table), self.guard)
        self._target = table

    def _task(self, sample_id: str) -> Task[_Labelled]:
        sample = self.index.sample(sample_id)
        return Task(sample_id, sample.image, (sample, self.index.image_labels.get(sample_id, ())))

    def _work(self) -> Work[_Labelled, Diagnosis]:
        return partial(_diagnose, self.index.classes, self.params)

    def _add(self, sample_id: str, diagnosis: Diagnosis) -> None:
        self.found.append((sample_id, diagnosis))

    def worst_first(self) -> list[tuple[str, Diagnosis]]:
        """Return what was found so far by falling suspicion, of equal ones in order."""
        return sorted(self.found, key=lambda one: -one[1].suspicion)


def _diagnose(classes: ClassList, params: Params, labelled: _Labelled) -> tuple[Outcome, Diagnosis]:
    sample, image_labels = labelled
    given = load_enhanceable(sample, classes).cut_at(params.background)
    resolved = resolve(given.overlap, Annotations(params))
    return Outcome.COUNTED, diagnose_resolved(resolved, image_labels)


def write_diagnoses(
    path: Path,
    found: Sequence[tuple[str, Diagnosis]],
    classes: ClassList,
    guard: Guard = NO_INPUTS,
) -> list[Path]:
    """Write diagnoses as CSV, a row for each finding, and one for an image without any.

    Columns are rank (1 for the first image), id, suspicion, kind, cause, strength (shares in
    0..1), class_id, class, mask_index and told, which is a sentence.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.
    found : sequence of (str, Diagnosis)
        Ids and diagnoses, in the order to write them.
    classes : ClassList
        Names of the labels.
    guard : Guard
        Tells what is not to be written over; an earlier table of diagnoses is.

    Returns
    -------
    list of Path
        The file.

    Raises
    ------
    InputError, SaveError
        As `write_tables`.
    """
    return write_tables({path: encode_csv(_rows(found, classes))}, diagnosis_files(path), guard)


def _rows(found: Sequence[tuple[str, Diagnosis]], classes: ClassList) -> Iterator[list[object]]:
    yield [
        "rank", "id", "suspicion", "kind", "cause", "strength", "class_id", "class",
        "mask_index", "told",
    ]  # fmt: skip
    for place, (sample_id, diagnosis) in enumerate(found):
        start = [place + 1, sample_id, diagnosis.suspicion]
        if not diagnosis.findings:
            yield [*start, *[""] * 7]
        for one in diagnosis.findings:
            mask = "" if one.mask_index is None else one.mask_index
            name, told = classes.name(one.class_id), tell_finding(one, classes)
            cause = NAMES[one.cause]
            yield [
                *start, one.cause.kind, cause, one.strength, one.class_id, name, mask, told,
            ]  # fmt: skip
