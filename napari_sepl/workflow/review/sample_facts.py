"""Facts about samples that nobody opened: what is read, and when it is read again.

`gui.queue.background_scan` runs these scans in the window.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any, NamedTuple

import numpy as np

from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.files._opening import unopened
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.samples import Sample
from napari_sepl.files.scores import AUTO
from napari_sepl.files.store import StampedFacts
from napari_sepl.workflow.results import work_on_each

VERSION = 1
"""What the facts hold. Another number makes all samples be read again: raise it with each change
of `SampleFacts`, or of how they are read."""


Known = Callable[[Sequence[str]], Mapping[str, StampedFacts]]
"""Returns the saved facts of the samples with these ids."""


class Suspicion(NamedTuple):
    """How much a sample deserves to be looked at, and why.

    Parameters
    ----------
    share : float
        The suspicion of its diagnosis, 0..1.
    cause : Cause or None
        The main cause; None if nothing was found.
    change : float
        Share in 0..1 of pixels whose label is not the pseudo-label.
    """

    share: float
    cause: Cause | None
    change: float


@dataclass(frozen=True)
class SampleFacts:
    """Facts about a sample before it is opened.

    Parameters
    ----------
    class_ids : tuple of int
        Classes of the pseudo-labels, ascending, without background and ignore.
    suspicion : Suspicion, optional
        What `workflow.diagnose` found, which reads the masks too.
    """

    class_ids: tuple[int, ...]
    suspicion: Suspicion | None = None


@dataclass(frozen=True)
class ScanBatch:
    """The facts of some rows.

    Parameters
    ----------
    count : int
        How many of the given rows were read, from the first on.
    facts : dict of int to SampleFacts
        By row.
    failures : dict of int to str
        Why a sample cannot be read, by row.
    fresh : dict of str to StampedFacts
        What was read now and is still to be saved, by the sample's id.
    """

    count: int
    facts: dict[int, SampleFacts] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    fresh: dict[str, StampedFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class Scan:
    """Which samples to read for which facts; the window runs it in batches.

    Parameters
    ----------
    title : str
        What the user reads beside the progress.
    rows : sequence of int
        The rows of the samples to read.
    read : callable
        Reads some of the rows; begins no further row after so many seconds.
    """

    title: str
    rows: Sequence[int]
    read: Callable[[Sequence[int], float], ScanBatch]


def scan_each(
    index: SampleIndex,
    rows: Sequence[int],
    known: Known,
    look: Callable[[int, Mapping[str, StampedFacts], ScanBatch], None],
    seconds: float,
) -> ScanBatch:
    """Call `look` on rows, with what was kept and what to add to, until the time is over."""
    scanned = ScanBatch(0)
    kept = known([index.ids[row] for row in rows])
    worked = work_on_each(lambda row: look(row, kept, scanned), rows, seconds, index.ids)
    return replace(scanned, count=worked.number, failures=worked.failures)


def rows_to_scan(index: SampleIndex) -> list[int]:
    """Return the rows of the samples of which no image-level labels are known."""
    known = index.image_labels
    return [row for row, sample_id in enumerate(index.ids) if sample_id not in known]


def class_scan(index: SampleIndex, known: Known) -> Scan:
    """Return the scan that reads the classes of samples."""

    def look(rows: Sequence[int], seconds: float) -> ScanBatch:
        return scan_rows(index, rows, known, seconds=seconds)

    return Scan("reading classes", rows_to_scan(index), look)


def scan_sample(sample: Sample, classes: ClassList) -> SampleFacts:
    """Read the pseudo-labels of a sample, and no other file of it.

    Raises
    ------
    InputError
        If they cannot be read, or hold a label outside the class list.
    """
    labels = read_pseudo_labels(
        sample.pseudo, sample.pseudo_format, sample_id=sample.sample_id, classes=classes
    )
    classes.check(labels, sample.pseudo)
    present = np.flatnonzero(count_labels(labels))
    return SampleFacts(tuple(int(label) for label in present if label not in (0, IGNORE)))


def stamp_of(sample: Sample) -> str:
    """Return a stamp of the state of the files that `scan_sample` reads.

    Raises
    ------
    InputError
        If a file cannot be asked for its size and time of change.
    """
    try:
        files = files_of(sample.pseudo, sample.sample_id) or [sample.pseudo]
        # os.stat needs a third of the time of Path.stat
        states = [os.stat(path) for path in files]  # noqa: PTH116
    except OSError as error:
        raise unopened(sample.pseudo, error, "a label picture") from error
    told = [str(VERSION), *(f"{state.st_size} {state.st_mtime_ns}" for state in states)]
    return " ".join(told if sample.pseudo_format == AUTO else [*told, sample.pseudo_format])


def scan_rows(
    index: SampleIndex, rows: Sequence[int], known: Known, *, seconds: float = inf
) -> ScanBatch:
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
    index: SampleIndex, row: int, kept: Mapping[str, StampedFacts], scanned: ScanBatch
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
    class_ids = read_classes(kept.facts, classes.size)
    return None if class_ids is None else SampleFacts(class_ids)


def read_classes(facts: Mapping[str, Any], labels: int) -> tuple[int, ...] | None:
    """Return the classes that kept facts tell; None if they make no sense among so many labels."""
    told = facts.get("class_ids")
    if not isinstance(told, list) or any(type(number) is not int for number in told):
        return None
    return tuple(told) if all(0 < number < labels for number in told) else None
