"""A dataset under review: its samples and their annotations."""

import getpass
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SaveError, SeplError
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.history import History, replay
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample, load
from napari_sepl.files.store import (
    SAVED,
    Logged,
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
    ) -> None:
        self.index = index
        self.queue = Queue(index.ids)
        self.session = Session(store.session(), self._put_session)
        self._told: dict[int, Review] = {}
        self.files: dict[int, list[Path]] = {}
        self._outdated: dict[int, Outdated] = {}
        self._seconds: dict[int, float] = {}
        self._must_flush = False
        self._fill_queue(store.statuses())
        self.on_disk = StoreWriter(store, on_error, on_saved)

    @classmethod
    def open(
        cls,
        index: SampleIndex,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
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
            return cls(index, store, on_error, on_saved)
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
                return Document(
                    inputs, annotations, self._history(sample_id, annotations, inputs.shape)
                )
            if "masks" in roles or "pseudo" in roles:
                annotations = annotations.on_other_masks(len(inputs.masks))
            self._outdated[row] = Outdated(roles, annotations)
        return Document(inputs, Annotations(self.session.start))

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

    def _history(self, sample_id: str, annotations: Annotations, shape: tuple[int, int]) -> History:
        """Return the steps that led to the annotations, as far as the log has them."""
        return replay(steps_of(self.on_disk.log(sample_id)), annotations, shape)

    def outdated(self, row: int) -> Outdated | None:
        """Return, once, the annotations of a sample whose files have changed since."""
        return self._outdated.pop(row, None)

    # --- recording

    def record(self, row: int, document: Document, steps: Sequence[ReviewStep]) -> None:
        """Note the state of a document, and the steps that led there."""
        status = self.queue.status_of(row)
        if status is Status.ACCEPTED and not document.saved:
            status = Status.PENDING  # the file differs from the labels on screen
            self.queue.set_status(row, status)
        review = self._state(row, document, status)
        self._told[row] = without_maps(review)
        self.on_disk.put_review(review, [step.entry() for step in steps])
        self.queue.take(row, StatusRow.of(review, int(self.queue.edits[row]) + len(steps)))

    def _state(self, row: int, document: Document, status: Status) -> Review:
        return review_of(
            document,
            self._told_of(row),
            status=status,
            note=self.queue.notes.get(row, ""),
            seconds=self._seconds.get(row, 0.0),
        )

    def wrote(self, row: int, path: Path) -> bool:
        """Return whether a label file was saved in some review of a sample."""
        saved = saved_digests(self._review_of(row), self.on_disk.log(self.queue.ids[row]))
        return bool(saved) and digest_labels(read_labels(path)) in saved

    def set_status(self, row: int, status: Status) -> None:
        """Give a sample a status."""
        self.queue.set_status(row, status)
        self.on_disk.submit(lambda store: store.put_status(self.queue.ids[row], status))

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
        save_resolved(self.folder, document.resolved, inputs)
        document.mark_saved(document.history.mark)
        self.on_disk.put_review(self._state(row, document, Status.ACCEPTED))

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


def review_of(
    document: Document, before: Review, *, status: Status, note: str, seconds: float
) -> Review:
    """Return what the store is to keep of a document, `before` being the review until now."""
    annotations, final, digests = (
        document.annotations,
        document.resolved.labels,
        document.inputs.digests,
    )
    return replace(
        before,
        status=status,
        note=note,
        seconds=seconds,
        params=annotations.params,
        overlay=annotations.overlay,
        decisions=annotations.decisions,
        locked=annotations.locked,
        locked_pixels=annotations.locked_pixels,
        prompted=annotations.prompted,
        digests={role: digests[role] for role in MADE_FROM if role in digests},
        stamps=document.inputs.stamps,
        changed=change_of(document),
        labels=digest_labels(final) if document.saved else "",
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


def saved_digests(review: Review | None, log: Iterable[Logged]) -> set[str]:
    """Return `digest_labels` of all labels that were saved of a sample, as far as it is known."""
    told = {str(logged.entry.payload.get("labels")) for logged in log if logged.entry.kind == SAVED}
    return told if review is None or not review.labels else told | {review.labels}


def without_maps(review: Review) -> Review:
    """Return a review without its maps, which the document holds."""
    return replace(review, overlay=None, locked_pixels=None, prompted={})
