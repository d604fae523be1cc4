"""What can be told of a dataset's samples before they are opened: read off their files, once."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np

from napari_sepl.core.classes import ClassList
from napari_sepl.core.metrics import count_labels
from napari_sepl.core.overlap import IGNORE
from napari_sepl.files._opening import unopened
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.samples import Sample
from napari_sepl.files.scores import AUTO
from napari_sepl.files.store import StampedFacts
from napari_sepl.workflow.review.passes import Known, Pass, SampleFacts, Scanned, scan_each

VERSION = 1
"""What the facts hold. Under another number all samples are read anew: raise it with each change
of `SampleFacts`, or of how they are read."""


def rows_to_scan(index: SampleIndex) -> list[int]:
    """Return the rows of the samples of which no image-level labels are known."""
    known = index.image_labels
    return [row for row, sample_id in enumerate(index.ids) if sample_id not in known]


def class_pass(index: SampleIndex, known: Known) -> Pass:
    """Return the walk that finds the classes of samples."""

    def look(rows: Sequence[int], seconds: float) -> Scanned:
        return scan_rows(index, rows, known, seconds=seconds)

    return Pass("reading classes", rows_to_scan(index), look)


def scan_sample(sample: Sample, classes: ClassList) -> SampleFacts:
    """Read the pseudo-labels of a sample, and no other file of it.

    Raises
    ------
    InputError
        If they cannot be read, or hold a label outside the class list.
    """
    labels = read_pseudo_labels(sample.pseudo, sample.pseudo_format, sample_id=sample.sample_id)
    classes.check(labels, sample.pseudo)
    present = np.flatnonzero(count_labels(labels))
    return SampleFacts(tuple(int(label) for label in present if label not in (0, IGNORE)))


def stamp_of(sample: Sample) -> str:
    """Return what tells this state of the files that `scan_sample` reads from all others.

    Raises
    ------
    InputError
        If a file cannot be asked for its size and time of change.
    """
    try:
        files = files_of(sample.pseudo, sample.sample_id) or [sample.pseudo]
        # os.stat takes a third of the time of Path.stat, for each sample
        states = [os.stat(path) for path in files]  # noqa: PTH116
    except OSError as error:
        raise unopened(sample.pseudo, error, "a label picture") from error
    told = [str(VERSION), *(f"{state.st_size} {state.st_mtime_ns}" for state in states)]
    return " ".join(told if sample.pseudo_format == AUTO else [*told, sample.pseudo_format])


def scan_rows(
    index: SampleIndex, rows: Sequence[int], known: Known, *, seconds: float = inf
) -> Scanned:
    """Find out about samples one after the other, reading only what changed since it was kept.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    rows : sequence of int
        Their places in the dataset.
    known : callable
        Returns what was kept.
    seconds : float
        No further sample is begun after this time.

    Raises
    ------
    InputError
        If what was kept cannot be read; a sample that cannot be read is among the failures.
    """
    return scan_each(index, rows, known, partial(_scan_row, index), seconds)


def _scan_row(
    index: SampleIndex, row: int, kept: Mapping[str, StampedFacts], scanned: Scanned
) -> None:
    sample_id = index.ids[row]
    sample = index.sample(sample_id)
    stamp = stamp_of(sample)  # before reading: a file that changes meanwhile is read again
    facts = _still_true(kept.get(sample_id), stamp, index.classes)
    if facts is None:
        facts = scan_sample(sample, index.classes)
        scanned.fresh[sample_id] = StampedFacts(stamp, {"class_ids": list(facts.class_ids)})
    scanned.facts[row] = facts


def _still_true(kept: StampedFacts | None, stamp: str, classes: ClassList) -> SampleFacts | None:
    """Return what was kept, if the files are as they were then and the class list fits."""
    if kept is None or kept.stamp != stamp:
        return None
    class_ids = read_classes(kept.facts, len(classes))
    return None if class_ids is None else SampleFacts(class_ids)


def read_classes(facts: Mapping[str, Any], labels: int) -> tuple[int, ...] | None:
    """Return the classes that kept facts tell; None if they make no sense among so many labels."""
    told = facts.get("class_ids")
    if not isinstance(told, list) or any(type(number) is not int for number in told):
        return None
    return tuple(told) if all(0 < number < labels for number in told) else None
