"""Which images of a dataset to look at first, and why.

`DiagnosisRun` goes through a dataset for the command line, `suspicion_scan` through a queue,
where it diagnoses samples that nobody opened.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.diagnosis.types import Cause, Diagnosis
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files._opening import unopened
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.guard import NO_INPUTS, Guard
from napari_sepl.files.samples import Sample, load_enhanceable, stamp
from napari_sepl.files.store import StampedFacts, Store
from napari_sepl.workflow.measure.counting import CountingRun
from napari_sepl.workflow.measure.tables import (
    check_tables,
    diagnosis_files,
    encode_csv,
    write_tables,
)
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import Outcome, Task, Work
from napari_sepl.workflow.review.queue import change_of
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import (
    SampleFacts,
    Scan,
    ScanBatch,
    Suspicion,
    read_classes,
    scan_each,
    stamp_of,
)

_Labelled = tuple[Sample, tuple[int, ...]]


class DiagnosisRun(CountingRun[_Labelled, Diagnosis]):
    """The diagnosis of a dataset on its way: go through its results, each a sample's.

    It uses the files only; decisions and strokes are not read.

    Parameters
    ----------
    index : SampleIndex
        The samples, with their image-level labels if there are any. Those without masks are left
        out; each of its problems counts as failed.
    params : Params
        The settings.
    executor : Executor
        Where samples are computed.

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
    return Outcome.COUNTED, _resolve(classes, Annotations(params), sample).diagnose(image_labels)


def _resolve(classes: ClassList, annotations: Annotations, sample: Sample) -> Resolved:
    """Return the labels of a sample without decisions or strokes."""
    given = load_enhanceable(sample, classes).cut_at(annotations.params.background)
    return resolve(given.overlap, annotations)


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
            name, told = classes.name(one.class_id), one.describe(classes)
            cause = [one.cause.kind, one.cause.label]
            yield [*start, *cause, one.strength, one.class_id, name, mask, told]


SUSPICION_VERSION = 1
"""What a kept suspicion rests on: raise it with each change of what a diagnosis measures."""


def suspicion_of(resolved: Resolved, diagnosis: Diagnosis) -> Suspicion:
    """Return what the queue shows of labels and their diagnosis."""
    main = diagnosis.main
    cause = None if main is None else main.cause
    return Suspicion(diagnosis.suspicion, cause, change_of(resolved))


def recall(reviewing: Reviewing) -> dict[int, Suspicion]:
    """Return what the record kept of samples, by row; the files may have changed since.

    Left out are samples whose edits changed since.

    Raises
    ------
    InputError
        If the record cannot be read.
    """
    queue, found = reviewing.queue, {}
    for sample_id, kept in reviewing.on_disk.store.facts().items():
        row = queue.rows.get(sample_id)
        told = kept.facts.get("suspicion")
        if row is not None and isinstance(told, dict) and told.get("edits") == queue.edits[row]:
            suspicion = _read_suspicion(told, str(told.get("stamp")))
            if suspicion is not None:
                found[row] = suspicion
    return found


def keep_suspicion(
    reviewing: Reviewing, row: int, inputs: Inputs, params: Params, suspicion: Suspicion
) -> None:
    """Keep what the window found of an open sample, unless its files changed since it was read."""
    sample, edits = reviewing.sample(row), int(reviewing.queue.edits[row])
    image_labels = reviewing.index.image_labels.get(inputs.sample_id, ())
    class_ids = inputs.overlap.class_ids.tolist()

    def keep(store: Store) -> None:
        with suppress(InputError):  # the files are gone: nothing is to be kept
            states = sample.states()
            read = {role: stamp(inputs.digests[role], states[role]) for role in inputs.stamps}
            if sample.masks is not None and read == dict(inputs.stamps):
                rests_on = _stamp_suspicion(sample.masks, params, edits, image_labels)
                facts = _encode(class_ids, suspicion, rests_on, edits)
                store.put_many_facts({inputs.sample_id: StampedFacts(stamp_of(sample), facts)})

    reviewing.on_disk.submit(keep)


def _encode(
    class_ids: Sequence[int], suspicion: Suspicion, rests_on: str, edits: int
) -> dict[str, Any]:
    told = {**suspicion._asdict(), "stamp": rests_on, "edits": edits}
    return {"class_ids": list(class_ids), "suspicion": told}


def suspicion_scan(reviewing: Reviewing) -> Scan:
    """Return the scan that diagnoses the samples whose suspicion is unknown.

    It leaves out samples without masks and samples that cannot be read.
    """
    queue = reviewing.queue
    rows = [row for row in queue.unsuspected().tolist() if row not in queue.failures]

    def look(rows: Sequence[int], seconds: float) -> ScanBatch:
        return suspect_rows(reviewing, rows, seconds=seconds)

    return Scan("computing suspicion", rows, look)


def suspect_rows(reviewing: Reviewing, rows: Sequence[int], *, seconds: float = inf) -> ScanBatch:
    """Diagnose samples one after the other, reading only what changed since it was kept.

    Parameters
    ----------
    reviewing : Reviewing
        The dataset with its annotations.
    rows : sequence of int
        Places in the dataset.
    seconds : float
        No further sample is begun after this time.

    Raises
    ------
    InputError
        If what was kept cannot be read; a sample that cannot be read is among the failures.
    """
    look = partial(_suspect_row, reviewing)
    return scan_each(reviewing.index, rows, reviewing.on_disk.store.facts, look, seconds)


def _suspect_row(
    reviewing: Reviewing, row: int, kept: Mapping[str, StampedFacts], scanned: ScanBatch
) -> None:
    sample_id, classes = reviewing.index.ids[row], reviewing.index.classes
    sample, annotations = reviewing.sample(row), reviewing.annotations(row)
    if sample.masks is None:
        return
    image_labels = reviewing.index.image_labels.get(sample_id, ())
    read_from = stamp_of(sample)  # before reading: a file that changes meanwhile is read again
    edits = int(reviewing.queue.edits[row])
    rests_on = _stamp_suspicion(sample.masks, annotations.params, edits, image_labels)
    facts = _still_true(kept.get(sample_id), read_from, rests_on, classes.size)
    if facts is None:
        resolved = _resolve_row(reviewing, row, sample, annotations)
        suspicion = suspicion_of(resolved, resolved.diagnose(image_labels))
        facts = SampleFacts(tuple(resolved.overlap.class_ids.tolist()), suspicion)
        told = _encode(facts.class_ids, suspicion, rests_on, edits)
        scanned.fresh[sample_id] = StampedFacts(read_from, told)
    scanned.facts[row] = facts


def _resolve_row(
    reviewing: Reviewing, row: int, sample: Sample, annotations: Annotations
) -> Resolved:
    if (
        annotations.edited
    ):  # decisions are bound to files, which reading the whole sample looks after
        return reviewing.read(row).resolved
    return _resolve(reviewing.index.classes, annotations, sample)


def _stamp_suspicion(masks: Path, settings: Params, edits: int, image_labels: Sequence[int]) -> str:
    """Return a stamp of all that a suspicion depends on, except the pseudo-labels.

    Of a folder of masks it is the time when a file in it last came or went.
    """
    try:
        status = os.stat(masks)  # noqa: PTH116  a third of the time, for each sample
    except OSError as error:
        raise unopened(masks, error, "masks") from error
    params = " ".join(f"{value}" for _, value in settings)
    named = ",".join(map(str, image_labels))
    return f"{SUSPICION_VERSION} {status.st_size} {status.st_mtime_ns} {params} {edits} {named}"


def _still_true(
    kept: StampedFacts | None, read_from: str, rests_on: str, labels: int
) -> SampleFacts | None:
    """Return what was kept, if nothing that it rests on is another now."""
    if kept is None or kept.stamp != read_from:
        return None
    class_ids = read_classes(kept.facts, labels)
    suspicion = _read_suspicion(kept.facts.get("suspicion"), rests_on)
    if class_ids is None or suspicion is None:
        return None
    return SampleFacts(class_ids, suspicion)


def _read_suspicion(told: Any, rests_on: str) -> Suspicion | None:
    if not isinstance(told, dict) or told.get("stamp") != rests_on:
        return None
    cause, shares = told.get("cause"), [told.get(name) for name in ("share", "change")]
    known = cause is None or (isinstance(cause, str) and cause in list(Cause))
    share, change = (one if isinstance(one, float) and 0 <= one <= 1 else None for one in shares)
    if not known or share is None or change is None:
        return None
    return Suspicion(share, None if cause is None else Cause(cause), change)
