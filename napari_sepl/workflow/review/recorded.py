"""Samples of which a record is kept: what a person decides about them, and their label files."""

import getpass
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputsMovedError, SeplError
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.edits import InputsChoice, InputsEdit, Status
from napari_sepl.document.history import History, replay
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.samples import Sample
from napari_sepl.files.store import (
    ImageNow,
    Review,
    ReviewStep,
    StatusRow,
    Store,
    StoreWriter,
    steps_of,
)
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.review.conversion import annotations_of, review_of, without_maps
from napari_sepl.workflow.review.label_files import (
    holds_saved_labels,
    is_unreviewed,
    put_back_label_file,
    remove_label_file,
    write_label_file,
)
from napari_sepl.workflow.review.outdated import (
    Outdated,
    choose,
    log_entries,
    open_outdated,
    outdated_in_log,
)
from napari_sepl.workflow.review.queue import Queue, change_of, name_roles
from napari_sepl.workflow.review.record import changed_inputs


class Recorded(ABC):
    """Samples and their record. Nothing here waits for the disk but `read` and `close`.

    Parameters
    ----------
    ids : sequence of str
        The samples.
    folder : Path or None
        Where label files go; None before it is chosen.
    store : Store
        The record; read-only if another window has it open.
    on_error : callable
        Called, from the writing thread, with why something could not be written.
    on_saved : callable, optional
        Called, from the writing thread, when after an error all is written.
    on_kept : callable, optional
        Called, from the writing thread, with a sentence about a label file that should not be
        there and stays, because the record cannot give it back.

    Attributes
    ----------
    folder : Path or None
        Where label files go.
    queue : Queue
        The samples with their status and what else is known of them.
    on_disk : StoreWriter
        The store, and the thread that writes to it.
    files : dict of int to list of Path
        The files of each sample that was read, by row: saving must not write over them.
    """

    def __init__(
        self,
        ids: Sequence[str],
        folder: Path | None,
        store: Store,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
        on_kept: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder
        self.queue = Queue(ids)
        self._told: dict[int, Review] = {}
        self.files: dict[int, list[Path]] = {}
        self._outdated: WeakKeyDictionary[Document, Outdated] = WeakKeyDictionary()
        self._seconds: dict[int, float] = {}
        self._must_flush = False
        self._on_kept = on_kept
        self._without_file: set[int] = set()  # rows whose label file is removed, or is going to be
        for sample_id, row in store.statuses().items():
            if sample_id in self.queue.rows:
                self.queue.take(self.queue.rows[sample_id], row)
        self.on_disk = StoreWriter(store, on_error, on_saved)

    @property
    @abstractmethod
    def start(self) -> Params:
        """The settings of samples for which nobody chose any."""

    @abstractmethod
    def load(self, row: int) -> Inputs:
        """Read the files of a sample, and note in `files` which they are."""

    @property
    def refusal(self) -> str:
        """Why nothing can be saved; empty if all can."""
        return self.on_disk.refusal

    @property
    def annotator(self) -> str:
        """Who is at work: stored with each step from now on."""
        return self.on_disk.store.who

    @annotator.setter
    def annotator(self, name: str) -> None:
        self.on_disk.store.who = name

    @property
    def disk(self) -> str:
        """A sentence about the network disk that the record is on; empty if it is on none."""
        return self.on_disk.store.disk

    # --- reading

    def read(self, row: int) -> Document:
        """Read a sample and restore its annotations; for a background thread.

        Raises
        ------
        InputError
            If a file cannot be read, or does not fit the others, or the record does not fit them.
        """
        inputs = self.load(row)
        image = ImageNow(inputs.shape, inputs.digests.get("image", ""))
        short = self.on_disk.short_review(self.queue.ids[row])
        # Of another image all is read: what it holds is shown, and undone, in its own size.
        is_other = short is not None and short.digests.get("image", image.digest) != image.digest
        return self._restored(row, inputs, self._review_of(row, None if is_other else image))

    def renewed(self, row: int, inputs: Inputs, document: Document) -> Document:
        """Return an open document on other inputs, its annotations applied to them.

        Outdated, if anything was recorded of the sample.
        """
        is_recorded = bool(self._told_of(row).digests)
        return self._restored(row, inputs, self._state(row, document) if is_recorded else None)

    def _restored(self, row: int, inputs: Inputs, review: Review | None) -> Document:
        if review is None:
            self.queue.set_outdated(row, ())
            return Document(inputs, Annotations(self.start))
        self._told[row] = without_maps(review)
        annotations = annotations_of(review, self.start).renumbered(len(inputs.masks))
        roles = review.changed_inputs(inputs.digests)
        self.queue.set_outdated(row, roles)
        old: Outdated | None
        if roles:
            old = Outdated.of(roles, review, self.folder)
            document = open_outdated(inputs, annotations, self.start, old)
        else:
            log = self.on_disk.log(review.sample_id)
            history = replay(steps_of(log, inputs.shape), annotations, inputs.shape, review.status)
            old = outdated_in_log(review.sample_id, log) if history.roles else None
            if history.roles and old is None:
                history = History(first=review.status)
            document = Document(inputs, annotations, history)
            source = f"{self.on_disk.store.path}, sample {self.queue.ids[row]}"
            inputs.classes.check(document.resolved.labels, source)
        if old is not None:
            self._outdated[document] = old
        return document

    def _review_of(self, row: int, image: ImageNow | None) -> Review | None:
        self._wait_for_bulk()
        return self.on_disk.review(self.queue.ids[row], image)

    def _wait_for_bulk(self) -> None:
        """Wait until settings of many samples, which no waiting review holds, are written."""
        if self._must_flush:
            self._must_flush = not self.on_disk.flush()

    # --- changed inputs

    @abstractmethod
    def sample(self, row: int) -> Sample | None:
        """Return where the files of a sample are; None if they are not known."""

    def outdated(self, document: Document) -> Outdated | None:
        """Return what was recorded of an outdated document; None for any other."""
        old = self._outdated.get(document) if document.outdated else None
        if old is not None and old.labels is None:  # undo may have put the file back
            old = self._outdated[document] = old.with_file(self.folder)
        return old

    def choose(self, document: Document, choice: InputsChoice) -> None:
        """Do what a person chose for an outdated document; nothing for any other.

        Raises
        ------
        InputError
            If it cannot be done.
        """
        old = self.outdated(document)
        if old is not None:
            choose(document, old, choice, self.start)

    def moved(self, row: int, document: Document) -> tuple[str, ...]:
        """Return the inputs of a document that changed on disk since they were read from there.

        It reads the disk. Masks that were generated in the window came from no file.

        Raises
        ------
        InputError
            If a file cannot be read.
        """
        sample, inputs = self.sample(row), document.inputs
        if sample is None:
            return ()
        digests = {role: inputs.digests[role] for role in MADE_FROM if inputs.stamps.get(role)}
        return changed_inputs(Review("", digests=digests, stamps=inputs.stamps), sample)

    def require_unmoved(self, row: int, document: Document) -> None:
        """Raise InputsMovedError if inputs of a document changed since they were read."""
        roles = self.moved(row, document)
        if roles:
            name = document.inputs.sample_id
            raise InputsMovedError(
                f"inputs changed while open: {name} ({name_roles(roles)}); it is read again, and "
                "nothing was accepted."
            )

    # --- recording

    def record(self, row: int, document: Document, steps: Sequence[ReviewStep]) -> None:
        """Note the state of a document, and the steps that led there.

        Then its label file follows: only an accepted sample has one.
        """
        old = self._outdated.get(document)
        review = self._state(row, document)
        if document.outdated and old is not None:  # undone: the record of before
            review = replace(old.review, note=review.note, seconds=review.seconds)
        self._told[row] = without_maps(review)
        entries = log_entries(steps, old)
        self.on_disk.put_review(review, entries)
        edits = int(self.queue.edits[row]) + sum(not entry.of_status for entry in entries)
        self.queue.take(row, StatusRow.of(review, edits, self.annotator))
        self.queue.set_outdated(row, document.outdated)
        self.queue.foreign.discard(row)
        if document.status is not Status.ACCEPTED:
            self.remove_files([row])
        elif document.outdated and old is not None:
            self._without_file.discard(row)
            self._put_back(review.sample_id, old.file)
        elif row in self._without_file or any(
            step.kind != "do" or isinstance(step.edit, InputsEdit) for step in steps
        ):
            self._without_file.discard(row)
            self._write_file(document)

    def _state(self, row: int, document: Document) -> Review:
        return review_of(
            document,
            self._told_of(row),
            note=self.queue.notes.get(row, ""),
            seconds=self._seconds.get(row, 0.0),
        )

    def wrote(self, row: int, path: Path) -> bool:
        """Return whether a label file was saved in some review of a sample, or by `enhance`."""
        sample_id = self.queue.ids[row]
        return is_unreviewed(path, sample_id) or holds_saved_labels(
            self.on_disk.written(), path, sample_id
        )

    def announce(self, row: int, folder: Path, labels: NDArray[np.uint8]) -> None:  # noqa: ARG002
        """Note which labels are about to be saved in a folder; for a thread beside the window's.

        So a file that is there after a crash is known as the review's own.

        Raises
        ------
        SaveError
            If the record cannot be written.
        """
        sample_id, digest = self.queue.ids[row], digest_labels(labels)
        self._without_file.discard(row)
        self.on_disk.submit(lambda store: store.put_labels(sample_id, digest))
        self.on_disk.written()

    def remove_files(self, rows: Iterable[int]) -> None:
        """Have the label files of samples removed that are not accepted, once that is recorded."""
        for row in set(rows) - self._without_file:
            self._without_file.add(row)
            self.on_disk.submit(partial(self._remove_file, self.queue.ids[row]))

    def _remove_file(self, sample_id: str, store: Store) -> None:
        if self.folder is not None:
            self._tell_kept(remove_label_file(store, self.folder, sample_id))

    def _write_file(self, document: Document) -> None:
        resolved, inputs = document.resolved.snapshot(), document.inputs

        def write(store: Store) -> None:
            if self.folder is not None:
                self._tell_kept(write_label_file(store, self.folder, inputs, resolved))

        self.on_disk.submit(write)

    def _put_back(self, sample_id: str, content: bytes) -> None:
        def write(store: Store) -> None:
            if self.folder is not None and content:
                self._tell_kept(put_back_label_file(store, self.folder, sample_id, content))

        self.on_disk.submit(write)

    def _tell_kept(self, why: str) -> None:
        if why and self._on_kept is not None:
            self._on_kept(why)

    def set_note(self, row: int, note: str) -> None:
        """Write a note on a sample."""
        if note != self.queue.notes.get(row, ""):
            self.queue.notes[row] = note
            self.queue.set_annotator([row], self.annotator)
            sample_id, status = self.queue.ids[row], self.queue.status_of(row)
            self.on_disk.submit(lambda store: store.put_status(sample_id, status, note=note))

    def add_seconds(self, row: int, seconds: float) -> None:
        """Add to the time a sample was looked at; written with what is recorded next."""
        self._seconds[row] = self._seconds.get(row, 0.0) + seconds

    def put_seconds(self, row: int) -> None:
        """Write the time a sample was looked at, unless that was done with its last step."""
        seconds, told = self._seconds.get(row, 0.0), self._told_of(row)
        if seconds != told.seconds:
            self._told[row] = replace(told, seconds=seconds)
            sample_id = self.queue.ids[row]
            self.on_disk.submit(lambda store: store.put_seconds(sample_id, seconds))

    def arrive(self, row: int, document: Document) -> None:
        """Note that a sample is open, and fill the queue's columns from it."""
        told = self._told.get(row)
        self._seconds.setdefault(row, told.seconds if told else 0.0)
        self.queue.find_classes(row, map(int, document.inputs.overlap.class_ids))
        self.queue.change[row] = change_of(document.resolved)

    def close(self) -> None:
        """Write what is left and close the store; what cannot be written yet goes on trying."""
        if self.on_disk.close():
            self.on_disk.store.close()

    # --- inside

    def _told_of(self, row: int) -> Review:
        return self._told.get(row) or Review(self.queue.ids[row])


def reviewer() -> str:
    """Return who is at work, for the record; "unknown" where the system has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
