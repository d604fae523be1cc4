"""Which labels of a dataset are used: by the record of its review, where there is one."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, attempt
from napari_sepl.files.dataset.index import FOR_REVIEW, Role, SampleIndex, SampleProblem
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.images import image_size
from napari_sepl.files.samples import Sample
from napari_sepl.files.store import UNREAD, ImageNow, Review, Status, Store
from napari_sepl.workflow.enhance import label_file
from napari_sepl.workflow.review.current_labels import Reviewable, SelectedLabels
from napari_sepl.workflow.review.record import changed_inputs, open_record
from napari_sepl.workflow.review.session import Session


class Standing(StrEnum):
    """What the labels of a sample are."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    FLAGGED = "flagged"
    SKIPPED = "skipped"
    OUTDATED = "outdated"
    """Reviewed on inputs that have changed since."""
    UNREVIEWED = "unreviewed"
    """Nobody touched the sample, and a label file is there."""
    WITHOUT = "without labels"
    """Nobody touched the sample, and no label file is there."""


UNTOUCHED = (Standing.UNREVIEWED, Standing.WITHOUT)
"""What the labels of samples are that nobody touched."""


@dataclass(frozen=True)
class Choice:
    """Which labels are wanted.

    Parameters
    ----------
    statuses : frozenset of Status
        Of the samples that a person touched, those with one of these statuses.
    unreviewed : bool
        Whether label files of samples that nobody touched are wanted too; they are in any case
        where no sample was touched at all.
    outdated : bool
        Whether samples are wanted whose inputs changed since, with the labels as accepted.
    enhances : bool
        Whether samples that nobody touched are wanted as SEPL makes them, whatever is in their
        label files.
    """

    statuses: frozenset[Status] = frozenset((Status.ACCEPTED,))
    unreviewed: bool = False
    outdated: bool = False
    enhances: bool = False


ACCEPTED = Choice()
"""What is used by default."""

AS_ENHANCED = Choice(enhances=True)
"""Accepted labels, and those of untouched samples as SEPL makes them."""


class Selection:
    """The samples of a dataset whose labels are used, and why the others are left out.

    Parameters
    ----------
    index : SampleIndex
        The samples: with their inputs, or by their label files alone. In the latter case nothing
        can be rebuilt, and no sample is known to be outdated.
    store : Store or None
        The record of the review, if there is one.
    choice : Choice
        Which labels are wanted.
    start : Params, optional
        The settings of samples that nobody chose any for; those of the review's session if left
        out.

    Attributes
    ----------
    start : Params
        The settings of samples that nobody chose any for.
    has_inputs : bool
        Whether the dataset has images and pseudo-labels, so that samples can be rebuilt and
        outdated ones are known.
    is_reviewed : bool
        Whether a person touched any sample.
    standings : dict of str to Standing
        All samples: those of the dataset in its order, then, unless a list says which samples
        there are, those that are in the record alone.
    summaries : dict of str to ReviewSummary
        What the record holds, in short.
    changed : dict of str to tuple of str
        The inputs of outdated samples that changed.
    ids : list of str
        The samples that are used; those that are in the record alone come last.
    problems : list of SampleProblem
        Those that were to be used, but cannot be.

    Raises
    ------
    InputError
        If the record cannot be read.
    """

    def __init__(
        self,
        index: SampleIndex,
        store: Store | None,
        choice: Choice = ACCEPTED,
        start: Params | None = None,
    ) -> None:
        self.index, self.store, self.choice = index, store, choice
        self.classes = index.classes
        self.has_inputs = set(FOR_REVIEW) <= index.folders.keys()
        if start is None and store is not None:
            start = Session(store.session(), lambda _: None, store.path).start
        self.start = start or Params()
        self.summaries = {} if store is None else store.summaries()
        touched = [name for name, one in self.summaries.items() if one.is_touched]
        self.is_reviewed = bool(touched)
        lost = sorted(set(touched) - set(index.asked)) if index.spec.list_file is None else []
        self._unreadable: dict[str, str] = {}
        self.changed: dict[str, tuple[str, ...]] = {}
        self.standings: dict[str, Standing] = {}
        for sample_id in (*index.asked, *lost):
            self.standings[sample_id] = self._standing_of(sample_id)
        wanted = [one for one in self.standings if self._is_wanted(one)]
        broken = {
            problem.sample_id: problem
            for problem in index.problems
            if self._file(problem.sample_id)[0] is None
        }
        told = self._unreadable.items()
        broken |= {one: SampleProblem(one, why) for one, why in told if one not in broken}
        self.ids = [one for one in wanted if one not in broken]
        self.problems = [broken[one] for one in wanted if one in broken]

    # --- what stands where

    def _standing_of(self, sample_id: str) -> Standing:
        summary = self.summaries.get(sample_id)
        if summary is None or not summary.is_touched:
            there = self.label_file(sample_id) is not None
            return Standing.UNREVIEWED if there else Standing.WITHOUT
        if summary.problem:
            self._unreadable[sample_id] = summary.problem
        else:
            changed = self._changed_inputs(summary.review)
            if changed:
                self.changed[sample_id] = changed
                return Standing.OUTDATED
        return Standing(summary.review.status)

    def _changed_inputs(self, review: Review) -> tuple[str, ...]:
        """Return the inputs that changed since a review; empty where the inputs are not known."""
        sample_id = review.sample_id
        if not self.has_inputs or sample_id not in self.index.positions:
            return ()
        failed = partial(self._note_unreadable, sample_id)
        sample = self.index.sample(sample_id)
        changed = attempt(partial(changed_inputs, review, sample), failed, sample.image)
        if self._has_masks:
            return changed
        return tuple(role for role in changed if role != Role.MASKS)

    @cached_property
    def _has_masks(self) -> bool:
        """Whether the dataset names masks, or has some in its output folder."""
        return bool(self.index.names.get(Role.MASKS)) or not self.index.spec.masks_to_come

    def _note_unreadable(self, sample_id: str, why: str) -> tuple[str, ...]:
        if not (self.choice.outdated and self._file(sample_id)[0]):
            self._unreadable[sample_id] = why
        return ()

    def label_file(self, sample_id: str) -> Path | None:
        """Return the label file of a sample, if there is one."""
        if Role.LABELS in self.index.folders:
            return self.index.path(Role.LABELS, sample_id)
        out = self.index.spec.out
        path = None if out is None else label_file(out, sample_id)
        return path if path is not None and os.path.lexists(path) else None

    def _is_wanted(self, sample_id: str) -> bool:
        standing, choice = self.standings[sample_id], self.choice
        if standing in UNTOUCHED and choice.enhances:
            return True
        if standing in UNTOUCHED:
            asked = choice.unreviewed or not self.is_reviewed
            return asked and standing is Standing.UNREVIEWED
        if standing is Standing.OUTDATED and not choice.outdated:
            return False
        return self.status(sample_id) in choice.statuses

    # --- the labels

    def labels(self, sample_id: str) -> SelectedLabels:
        """Return the labels of a sample that is used.

        Raises
        ------
        SeplError
            If the dataset has no such sample, or the record cannot be read.
        """
        path, digest = self._file(sample_id)
        is_there = sample_id in self.index.positions
        item = self.item(sample_id) if self.has_inputs and (is_there or path is None) else None
        source = "" if self.store is None else f"{self.store.path}, sample {sample_id}"
        outdated = self.standings[sample_id] is Standing.OUTDATED
        return SelectedLabels(path, digest, outdated, item, self.classes, source)

    def _file(self, sample_id: str) -> tuple[Path | None, str]:
        """Return the label file to read, if any, and the digest of what it must hold."""
        if self.standings.get(sample_id) in UNTOUCHED:
            return (None if self.choice.enhances else self.label_file(sample_id)), ""
        summary = self.summaries.get(sample_id)
        if summary is None or summary.review.status is not Status.ACCEPTED:
            return None, ""
        digest = summary.review.labels
        return (self.label_file(sample_id) if digest else None), digest

    def item(self, sample_id: str) -> Reviewable:
        """Return a sample with its annotations; raises as `labels` does."""
        sample = self.index.sample(sample_id)
        return Reviewable(
            sample,
            None if self.store is None else self._review(self.store, sample),
            self.status(sample_id),
            self.start,
            None if self.store is None else self.store.path,
        )

    def _review(self, store: Store, sample: Sample) -> Review | None:
        """Return a review; without maps where nothing can be rebuilt, as the rebuilding reports."""
        if sample.sample_id not in self.summaries:
            return None
        try:
            size = image_size(sample.image)
        except InputError:
            return store.short_review(sample.sample_id)
        changed = self.changed.get(sample.sample_id, ())
        return store.review(sample.sample_id, ImageNow(size, UNREAD if "image" in changed else ""))

    def status(self, sample_id: str) -> Status:
        """Return the status of a sample."""
        summary = self.summaries.get(sample_id)
        return Status.PENDING if summary is None else summary.review.status

    @cached_property
    def without_masks(self) -> list[str]:
        """Samples that were to be enhanced and have no masks."""
        if not self.choice.enhances:
            return []
        untouched = [one for one in self.ids if self.standings[one] in UNTOUCHED]
        return self.index.without(Role.MASKS, untouched)

    # --- in words

    @property
    def used(self) -> Counter[Standing]:
        """How many samples are used, by what they are."""
        names = (*self.ids, *(problem.sample_id for problem in self.problems))
        return Counter(self.standings[one] for one in names)

    @property
    def left_out(self) -> Counter[Standing]:
        """How many samples are left out, by what they are."""
        return Counter(self.standings.values()) - self.used

    def line(self) -> str:
        """Return what is used and what is left out, in one line."""
        used = ", ".join(f"{one} {self.used[one]:,}" for one in self._named(used=True))
        left_out = ", ".join(f"{self.left_out[one]:,} {one}" for one in self._named(used=False))
        end = f"; left out: {left_out}" if left_out else ""
        return f"{used} of {len(self.standings):,}{end}"

    def _named(self, *, used: bool) -> list[Standing]:
        """Return what stands in the line: of what is used also what was asked for and is not."""
        if not used:
            return [one for one in Standing if self.left_out[one]]
        asked = self.choice.statuses if self.is_reviewed else ()
        return [one for one in Standing if self.used[one] or one.value in asked] or [
            Standing.UNREVIEWED
        ]

    def digest(self) -> str:
        """Return the SHA-256 of what the record says of the samples that are used."""
        told = []
        for sample_id in self.ids:
            summary = self.summaries.get(sample_id)
            said = None if summary is None else (summary.review.labels, summary.edits)
            told.append([sample_id, self.standings[sample_id], said])
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """Return the numbers of the line for JSON."""
        return {
            "samples": len(self.standings),
            "used": {one.value: count for one, count in self.used.items()},
            "left_out": {one.value: count for one, count in self.left_out.items()},
        }

    def require_any(self) -> None:
        """Raise InputError if there is nothing to use."""
        if not (self.ids or self.problems):
            raise InputError(
                self.index.folders.get(Role.LABELS) or self.index.spec.out,
                found=f"no labels that are wanted ({self.line()})",
                expected="accepted labels, or --all or --status for others",
            )


@contextmanager
def select_labels(
    spec: DatasetSpec, labels: Path | None, choice: Choice, who: str
) -> Iterator[Selection | None]:
    """Select labels of a dataset by the record in their folder, which stays open meanwhile.

    Parameters
    ----------
    spec : DatasetSpec
        The dataset; where it names images and pseudo-labels, these are its samples, otherwise the
        label files.
    labels : Path or None
        The folder of labels, if it is not the dataset's output folder.
    choice : Choice
        Which labels are wanted.
    who : str
        The command.

    Yields
    ------
    Selection or None
        None if the folder has no record.

    Raises
    ------
    InputError
        If the record or a folder of the dataset cannot be read, or nothing is to be used.
    """
    with open_record(labels or spec.out, who) as store:
        if store is None:
            yield None
            return
        selection = Selection(open_labels(spec, labels), store, choice)
        selection.require_any()
        yield selection


def open_labels(
    spec: DatasetSpec, labels: Path | None, *, may_be_empty: bool = False
) -> SampleIndex:
    """List the samples of a dataset with their label files; the latter alone without inputs."""
    if spec.images is not None and spec.pseudo is not None:
        folder = labels or spec.out
        there = [Role.LABELS] if folder is not None and folder.exists() else []
        also = (Role.MASKS, Role.TRUTH, *there)
        return SampleIndex.open(spec, FOR_REVIEW, also, labels=labels)
    return SampleIndex.open(
        spec, (Role.LABELS,), (), lead=Role.LABELS, labels=labels, may_be_empty=may_be_empty
    )
