"""How far the review of a dataset is: by status, annotator and class."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.files.guard import Guard
from napari_sepl.workflow.measure.counting import CountingRun
from napari_sepl.workflow.measure.tables import check_tables, encode_csv, status_files, write_tables
from napari_sepl.workflow.parallel.processes import HERE
from napari_sepl.workflow.results import Outcome, Task, Work
from napari_sepl.workflow.review.current_labels import SelectedLabels
from napari_sepl.workflow.review.selection import Selection, Standing


@dataclass
class Annotator:
    """What one person did.

    Parameters
    ----------
    samples : int
        Samples that this person touched last.
    accepted : int
        Those of them that are accepted.
    seconds : float
        How long they were looked at.
    """

    samples: int = 0
    accepted: int = 0
    seconds: float = 0.0


class StatusRun(CountingRun[SelectedLabels, NDArray[np.int64]]):
    """A run over the accepted labels of a dataset, which counts their pixels by class.

    Parameters
    ----------
    selection : Selection
        The samples. Each of its problems counts as failed.

    Attributes
    ----------
    images, pixels : (256,) int64
        Images with each label, and its pixels, in accepted labels.
    """

    command = "status"
    noun = "accepted sample"

    def __init__(self, selection: Selection) -> None:
        super().__init__(selection.index, HERE)
        self.selection, self.problems = selection, selection.problems
        accepted = (one for one in selection.ids if selection.standings[one] is Standing.ACCEPTED)
        self.ids = list(accepted)
        self.images, self.pixels = np.zeros(256, np.int64), np.zeros(256, np.int64)

    def _task(self, sample_id: str) -> Task[SelectedLabels]:
        labels = self.selection.labels(sample_id)
        return Task(sample_id, labels.path or sample_id, labels)

    def _work(self) -> Work[SelectedLabels, NDArray[np.int64]]:
        return _count

    def _add(self, _: str, counts: NDArray[np.int64]) -> None:
        self.pixels += counts
        self.images += counts > 0

    @property
    def counts(self) -> Counter[str]:
        """Samples by what they are; those that nobody touched and without labels are pending."""
        counts: Counter[str] = Counter()
        for standing in self.selection.standings.values():
            counts[Standing.PENDING if standing is Standing.WITHOUT else standing] += 1
        return counts

    @property
    def annotators(self) -> dict[str, Annotator]:
        """What each person did, by name; empty for samples that were looked at, and no more."""
        found: dict[str, Annotator] = {}
        for sample_id, standing in self.selection.standings.items():
            summary = self.selection.summaries.get(sample_id)
            if summary is not None:
                one = found.setdefault(summary.who, Annotator())
                one.samples += bool(summary.who)
                one.accepted += standing is Standing.ACCEPTED
                one.seconds += summary.review.seconds
        return dict(sorted(found.items()))

    @property
    def notes(self) -> dict[str, str]:
        """The notes, by sample."""
        told = self.selection.summaries
        ids = (one for one in self.selection.standings if one in told)
        return {one: told[one].review.note for one in ids if told[one].review.note}

    @property
    def classes(self) -> Iterator[tuple[int, str, int, int]]:
        """The classes of accepted labels: id, name, images, pixels."""
        for label in np.flatnonzero(self.pixels).tolist():
            name = "ignore" if label == IGNORE else self.index.classes.name(label)
            yield label, name, int(self.images[label]), int(self.pixels[label])

    def content(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        annotators = self.annotators
        return {
            "samples": len(self.selection.standings),
            "statuses": {one.value: self.counts[one] for one in Standing if one in SHOWN},
            "seconds": sum(one.seconds for one in annotators.values()),
            "annotators": [{"annotator": who, **vars(one)} for who, one in annotators.items()],
            "classes": [
                {"class_id": label, "class": name, "images": images, "pixels": pixels}
                for label, name, images, pixels in self.classes
            ],
            "notes": self.notes,
            "outdated": {one: list(roles) for one, roles in self.selection.changed.items()},
        }

    def check_table(self, table: Path, *, overwrite: bool = False) -> None:
        """Raise InputError or SaveError if the table may not be written there."""
        self.guard = replace(self.guard, overwrite=overwrite)
        check_tables(status_files(table), self.guard)
        self._target = table


SHOWN = tuple(standing for standing in Standing if standing is not Standing.WITHOUT)
"""What samples are counted by."""


def _count(labels: SelectedLabels) -> tuple[Outcome, NDArray[np.int64]]:
    return Outcome.COUNTED, count_labels(labels.read())


def write_status(path: Path, selection: Selection, guard: Guard) -> list[Path]:
    """Write a table with a row for each sample.

    Columns are sample_id, status, annotator, edits, seconds, change (share in 0..1 of pixels whose
    label is not the pseudo-label), outdated (the inputs that changed) and note.

    Raises
    ------
    InputError, SaveError
        As `write_tables`.
    """
    rows = encode_csv(_rows(selection))
    return write_tables({path: rows}, status_files(path), guard)


def _rows(selection: Selection) -> Iterator[list[object]]:
    yield ["sample_id", "status", "annotator", "edits", "seconds", "change", "outdated", "note"]
    for sample_id, standing in selection.standings.items():
        status = Standing.PENDING if standing is Standing.WITHOUT else standing
        summary = selection.summaries.get(sample_id)
        if summary is None:
            yield [sample_id, status, "", 0, 0.0, "", "", ""]
            continue
        review, changed = summary.review, " ".join(selection.changed.get(sample_id, ()))
        told = [review.seconds, "" if review.changed is None else review.changed]
        yield [sample_id, status, summary.who, summary.edits, *told, changed, review.note]
