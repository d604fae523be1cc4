"""A dataset under review: its samples and their annotations."""

import getpass
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.history import History, replay
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample, load
from napari_sepl.files.store import (
    Review,
    ReviewStep,
    Status,
    StatusRow,
    Store,
    StoreWriter,
    steps_of,
    store_file,
)
from napari_sepl.workflow.enhance import MADE_FROM, label_file, save_resolved
from napari_sepl.workflow.review.label_files import (
    holds_saved_labels,
    remove_label_file,
    write_label_file,
)
from napari_sepl.workflow.review.queue import Queue, change_of
from napari_sepl.workflow.review.session import Session


@dataclass(frozen=True, eq=False)
class Outdated:
    """The annotations of a sample whose files have changed since.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed.
    annotations : Said
        The annotations; without decisions on masks if the masks changed.
    """

    roles: tuple[str, ...]
    annotations: Annotations


class Reviewing:
    """One dataset and its store. Nothing here waits for the disk but `open`, `read` and `close`.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    store : Store
        Their annotations; read-only if another window has it open.
    on_error : callable
        Told, from the writing thread, why something could not be written.
    on_saved : callable, optional
        Called, from the writing thread, when after an error all is written.
    on_kept : callable, optional
        Called, from the writing thread, with a sentence about a label file that should not be
        there and stays, because the record cannot give it back.

    Attributes
    ----------
    on_disk : StoreWriter
        The store, and the thread that writes to it.
    files : dict of int to list of Path
        The files of each sample that was read, by row: saving must not write over them.
    """

    def __init__(
        self,
        index: SampleIndex,
        store: Store,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
        on_kept: Callable[[str], None] | None = None,
    ) -> None:
        self.index = index
        self.queue = Queue(index.ids)
        self.session = Session(store.session(), self._put_session)
        self._told: dict[int, Review] = {}
        self.files: dict[int, list[Path]] = {}
        self._outdated: dict[int, Outdated] = {}
        self._seconds: dict[int, float] = {}
        self._must_flush = False
        self._on_kept = on_kept
        self._without_file: set[int] = set()  # rows whose label file is removed, or is going to be
        self._fill_queue(store.statuses())
        self.on_disk = StoreWriter(store, on_error, on_saved)

    @classmethod
    def open(
        cls,
        index: SampleIndex,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
        on_kept: Callable[[str], None] | None = None,
    ) -> "Reviewing":
        """Open the store in the dataset's output folder, making it if there is none.

        Raises
        ------
        InputError
            If the dataset names no output folder, or one of its input folders; or the store is
            damaged, or of a newer version, and the file untouched.
        SaveError
            If it cannot be made.
        """
        index.guard().check_place(index.spec.output)
        store = Store.open(store_file(index.spec.output), who=reviewer())
        try:
            return cls(index, store, on_error, on_saved, on_kept)
        except SeplError:
            store.close()  # or recovery would find it open
            raise

    @property
    def folder(self) -> Path:
        """Where labels go."""
        return self.index.spec.output

    @property
    def refusal(self) -> str:
        """Why nothing can be saved; empty if all can."""
        return self.on_disk.refusal

    def sample(self, row: int) -> Sample:
        """Return where the files of a sample are, with masks that were made since the listing."""
        return self.index.sample(self.queue.ids[row])

    # --- reading

    def read(self, row: int) -> Document:
        """Read a sample and restore its annotations; for a background thread.

        Raises
        ------
        InputError
            If a file cannot be read, or does not fit the others.
        """
        sample_id = self.queue.ids[row]
        sample = self.sample(row)
        self.files[row] = sample.files
        inputs = load(sample, self.index.classes)
        review = self._review_of(row)
        if review is not None:
            self._told[row] = without_maps(review)
            annotations = annotations_of(review, self.session.start).renumbered(len(inputs.masks))
            roles = review.changed_inputs({k: inputs.digests[k] for k in MADE_FROM})
            if not roles:
                steps = steps_of(self.on_disk.log(sample_id))
                history = replay(steps, annotations, inputs.shape, review.status)
                return Document(inputs, annotations, history)
            if "masks" in roles or "pseudo" in roles:
                annotations = annotations.on_other_masks(len(inputs.masks))
            self._outdated[row] = Outdated(roles, annotations)
        status = Status.PENDING if review is None else review.status
        return Document(inputs, Annotations(self.session.start), History(first=status))

    def annotations(self, row: int) -> Annotations:
        """Return the annotations of a sample without reading its files; for a background thread."""
        review = self._review_of(row)
        return (
            Annotations(self.session.start)
            if review is None
            else annotations_of(review, self.session.start)
        )

    def _review_of(self, row: int) -> Review | None:
        if self._must_flush:
            self._must_flush = not self.on_disk.flush()
        return self.on_disk.review(self.queue.ids[row])

    def outdated(self, row: int) -> Outdated | None:
        """Return, once, the annotations of a sample whose files have changed since."""
        return self._outdated.pop(row, None)

    # --- recording

    def record(self, row: int, document: Document, steps: Sequence[ReviewStep]) -> None:
        """Note the state of a document, and the steps that led there.

        Then its label file follows: only an accepted sample has one.
        """
        self.queue.set_status(row, document.status)
        review = self._state(row, document)
        self._told[row] = without_maps(review)
        entries = [step.entry() for step in steps]
        self.on_disk.put_review(review, entries)
        edits = int(self.queue.edits[row]) + sum(not entry.of_status for entry in entries)
        self.queue.take(row, StatusRow.of(review, edits))
        if document.status is not Status.ACCEPTED:
            self.remove_files([row])
        elif any(step.kind != "do" for step in steps):  # accepted again by undo or redo
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
        """Return whether a label file was saved in some review of a sample."""
        return holds_saved_labels(self.on_disk.written(), path, self.queue.ids[row])

    def announce(self, row: int, labels: NDArray[np.uint8]) -> None:
        """Note which labels are about to be saved; for a thread beside the window's.

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
        self._tell_kept(remove_label_file(store, self.folder, sample_id))

    def _write_file(self, document: Document) -> None:
        resolved, inputs = document.resolved.snapshot(), document.inputs
        self.on_disk.submit(
            lambda store: self._tell_kept(write_label_file(store, self.folder, inputs, resolved))
        )

    def _tell_kept(self, why: str) -> None:
        if why and self._on_kept is not None:
            self._on_kept(why)

    def match_files(self) -> None:
        """Make the label files follow the record where a crash came between them.

        For a thread beside the window's. A file that cannot be made again is left out: the
        sample's files changed, or cannot be read.
        """
        if self.refusal:
            return
        for row, sample_id in enumerate(self.queue.ids):
            status, path = self.queue.status_of(row), label_file(self.folder, sample_id)
            if status is Status.ACCEPTED and not path.exists():
                with suppress(InputError):
                    self._write_file(self.read(row))
            elif self._is_touched(row) and status is not Status.ACCEPTED and path.exists():
                self.remove_files([row])

    def _is_touched(self, row: int) -> bool:
        return bool(self.queue.edits[row]) or self.queue.status_of(row) is not Status.PENDING

    def set_note(self, row: int, note: str) -> None:
        """Write a note on a sample."""
        if note != self.queue.notes.get(row, ""):
            self.queue.notes[row] = note
            sample_id, status = self.queue.ids[row], self.queue.status_of(row)
            self.on_disk.submit(lambda store: store.put_status(sample_id, status, note=note))

    def add_seconds(self, row: int, seconds: float) -> None:
        """Add to the time a sample was looked at; written with what is recorded next."""
        self._seconds[row] = self._seconds.get(row, 0.0) + seconds

    def arrive(self, row: int, document: Document) -> None:
        """Note that a sample is open, and fill the queue's columns from it."""
        self.session.sample = self.queue.ids[row]
        told = self._told.get(row)
        self._seconds.setdefault(row, told.seconds if told else 0.0)
        self.queue.find_classes(row, map(int, document.inputs.overlap.class_ids))
        self.queue.change[row] = change_of(document)

    def close(self) -> None:
        """Write what is left and close the store; what cannot be written yet goes on trying."""
        if self.on_disk.close():
            self.on_disk.store.close()

    # --- many samples

    def put_params(
        self, rows: Sequence[int], params: Mapping[int, Params | None]
    ) -> dict[int, Params | None]:
        """Give samples other settings, their strokes staying; return those they had."""
        before = {row: self.params_of(row) for row in rows}
        changes = {self.queue.ids[row]: params[row] for row in rows}
        for row in rows:
            self._told[row] = replace(self._told_of(row), params=params[row])
        self._must_flush = True
        self.on_disk.submit(lambda store: store.put_many_params(changes))
        self.queue.change[list(rows)] = np.nan
        self.queue.forget_suspicion(rows)
        self.remove_files(rows)
        return before

    def params_of(self, row: int) -> Params | None:
        """Return the settings of a sample; None if nobody chose any. Read once, then known.

        Raises
        ------
        InputError
            If the record cannot be read.
        """
        if row not in self._told:
            review = self.on_disk.review(self.queue.ids[row])
            told = Review(self.queue.ids[row]) if review is None else without_maps(review)
            self._told.setdefault(row, told)
        return self._told[row].params

    def put_statuses(self, rows: Sequence[int], status: Status) -> None:
        """Give many samples a status."""
        changes = {self.queue.ids[row]: status for row in rows}
        for row in rows:
            self.queue.set_status(row, status)
        self.on_disk.submit(lambda store: store.put_many_statuses(changes))
        if status is not Status.ACCEPTED:
            self.remove_files(rows)

    def measure_change(self, row: int) -> None:
        """Read a sample to see how much it changes; for a thread beside the window's."""
        self.queue.change[row] = change_of(self.read(row))

    def accept_unseen(self, row: int) -> None:
        """Save a sample's labels as they are, unless a file is there that holds other ones.

        For a thread beside the window's; the queue's status is left to `put_statuses`.

        Raises
        ------
        SaveError
            If the file cannot be written, or holds other labels.
        """
        document = self.read(row)
        final, inputs = document.resolved.labels, document.inputs
        path = label_file(self.folder, inputs.sample_id)
        if path.exists() and not np.array_equal(read_labels(path), final):
            raise SaveError(f"{path}: other labels are there; open the sample to replace them.")
        self.announce(row, final)
        save_resolved(self.folder, document.resolved, inputs)
        document.set_status(Status.ACCEPTED)
        self.on_disk.put_review(self._state(row, document))

    # --- inside

    def _put_session(self, news: Mapping[str, Any]) -> None:
        self.on_disk.submit(lambda store: store.put_session(news))

    def _told_of(self, row: int) -> Review:
        return self._told.get(row) or Review(self.queue.ids[row])

    def _fill_queue(self, statuses: Mapping[str, StatusRow]) -> None:
        self.queue.set_image_labels(self.index.image_labels)
        masks = self.index.names.get(Role.MASKS, {})
        self.queue.without_masks[:] = [sample_id not in masks for sample_id in self.queue.ids]
        for sample_id, told in statuses.items():
            if sample_id in self.queue.rows:
                self.queue.take(self.queue.rows[sample_id], told)


def reviewer() -> str:
    """Return who is at work, for the record; "unknown" where the system has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


# --- between a document and the record


def review_of(document: Document, before: Review, *, note: str, seconds: float) -> Review:
    """Return what the store is to keep of a document, `before` being the review until now."""
    annotations, final, digests = (
        document.annotations,
        document.resolved.labels,
        document.inputs.digests,
    )
    return replace(
        before,
        status=document.status,
        note=note,
        seconds=seconds,
        params=annotations.params,
        overlay=annotations.overlay,
        decisions=annotations.decisions,
        locked=annotations.locked,
        locked_pixels=annotations.locked_pixels,
        prompted=annotations.prompted,
        digests={role: digests[role] for role in MADE_FROM if role in digests},
        changed=change_of(document),
        labels=digest_labels(final) if document.status is Status.ACCEPTED else "",
    )


def annotations_of(review: Review, start: Params) -> Annotations:
    """Return what a review says; `start` are the settings where it says none."""
    return Annotations(
        review.params or start,
        review.decisions,
        review.locked,
        review.locked_pixels,
        review.overlay,
        review.prompted,
    )


def without_maps(review: Review) -> Review:
    """Return a review without its maps, which the document holds."""
    return replace(review, overlay=None, locked_pixels=None, prompted={})
