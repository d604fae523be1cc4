"""How far the labels of samples that nobody opened are to be suspected: a second, slower scan.

It reads pseudo-labels and masks, and does with them what opening the sample would do.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from napari_sepl.core.causes import Cause
from napari_sepl.core.diagnosis import Diagnosis
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.findings import diagnose_resolved
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files._opening import unopened
from napari_sepl.files.samples import Sample, load_enhanceable
from napari_sepl.files.store import StampedFacts
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.scan import (
    Pass,
    SampleFacts,
    Scanned,
    Suspicion,
    read_classes,
    scan_each,
    stamp_of,
)

VERSION = 1
"""What a kept suspicion rests on: raise it with each change of what a diagnosis measures."""


def suspicion_of(diagnosis: Diagnosis) -> Suspicion:
    """Return what the queue tells of a diagnosis."""
    main = diagnosis.main
    return Suspicion(diagnosis.suspicion, None if main is None else main.cause)


def suspicion_pass(reviewing: Reviewing) -> Pass:
    """Return the walk that diagnoses the samples of which no suspicion is known yet.

    Without masks there is nothing to suspect, and what cannot be read is left out.
    """
    queue = reviewing.queue
    rows = [row for row in queue.unsuspected().tolist() if row not in queue.failures]

    def look(rows: Sequence[int], seconds: float) -> Scanned:
        return suspect_rows(reviewing, rows, seconds=seconds)

    return Pass("looking for failures", rows, look)


def suspect_rows(reviewing: Reviewing, rows: Sequence[int], *, seconds: float = inf) -> Scanned:
    """Diagnose samples one after the other, reading only what changed since it was kept.

    Parameters
    ----------
    reviewing : Reviewing
        The dataset, with what was said of it.
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
    reviewing: Reviewing, row: int, kept: Mapping[str, StampedFacts], scanned: Scanned
) -> None:
    sample_id, classes = reviewing.index.ids[row], reviewing.index.classes
    sample, annotations = reviewing.sample(row), reviewing.annotations(row)
    if sample.masks is None:
        return
    image_labels = reviewing.index.image_labels.get(sample_id, ())
    stamp = stamp_of(sample)  # before reading: a file that changes meanwhile is read again
    rests_on = _stamp(sample.masks, annotations, int(reviewing.queue.edits[row]), image_labels)
    facts = _still_true(kept.get(sample_id), stamp, rests_on, len(classes))
    if facts is None:
        resolved = _resolve(reviewing, row, sample, annotations)
        suspicion = suspicion_of(diagnose_resolved(resolved, image_labels))
        facts = SampleFacts(tuple(resolved.overlap.class_ids.tolist()), suspicion)
        told = {"share": suspicion.share, "cause": suspicion.cause, "stamp": rests_on}
        scanned.fresh[sample_id] = StampedFacts(
            stamp, {"class_ids": list(facts.class_ids), "suspicion": told}
        )
    scanned.facts[row] = facts


def _resolve(reviewing: Reviewing, row: int, sample: Sample, annotations: Annotations) -> Resolved:
    if (
        annotations.edited
    ):  # decisions are bound to files, which reading the whole sample looks after
        return reviewing.read(row).resolved
    given = load_enhanceable(sample, reviewing.index.classes).cut_at(annotations.params.background)
    return resolve(given.overlap, annotations)


def _stamp(masks: Path, annotations: Annotations, edits: int, image_labels: Sequence[int]) -> str:
    """Return what tells all that a suspicion rests on, beside the pseudo-labels, from the rest.

    Of a folder of masks it is the time when a file in it last came or went.
    """
    try:
        status = os.stat(masks)  # noqa: PTH116  a third of the time, for each sample
    except OSError as error:
        raise unopened(masks, error, "masks") from error
    params = " ".join(f"{value}" for _, value in annotations.params)
    named = ",".join(map(str, image_labels))
    return f"{VERSION} {status.st_size} {status.st_mtime_ns} {params} {edits} {named}"


def _still_true(
    kept: StampedFacts | None, stamp: str, rests_on: str, labels: int
) -> SampleFacts | None:
    """Return what was kept, if nothing that it rests on is another now."""
    if kept is None or kept.stamp != stamp:
        return None
    class_ids = read_classes(kept.facts, labels)
    suspicion = _read_suspicion(kept.facts.get("suspicion"), rests_on)
    if class_ids is None or suspicion is None:
        return None
    return SampleFacts(class_ids, suspicion)


def _read_suspicion(told: Any, rests_on: str) -> Suspicion | None:
    if not isinstance(told, dict) or told.get("stamp") != rests_on:
        return None
    share, cause = told.get("share"), told.get("cause")
    known = cause is None or (isinstance(cause, str) and cause in list(Cause))
    if not known or not isinstance(share, float) or not 0 <= share <= 1:
        return None
    return Suspicion(share, None if cause is None else Cause(cause))
