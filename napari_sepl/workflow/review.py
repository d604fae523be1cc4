"""A dataset under review: its samples, what was said of them, and the record of it."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl.core.errors import SaveError, SeplError
from napari_sepl.core.params import Params
from napari_sepl.document.document import Document
from napari_sepl.document.history import History
from napari_sepl.document.replay import replay
from napari_sepl.document.said import Said
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample, load
from napari_sepl.files.store import (
    Review,
    StampedFacts,
    Status,
    Store,
    StoreWriter,
    store_file,
)
from napari_sepl.files.store.recovery import Recovery, recover
from napari_sepl.workflow.enhance import MADE_FROM, label_file, save_resolved
from napari_sepl.workflow.queue import Queue, change_of
from napari_sepl.workflow.scan import find_sample
from napari_sepl.workflow.session import Session
from napari_sepl.workflow.steps import ReviewStep, steps_of

_CLOSE = 10.0
"""Seconds that closing waits for what is still being written."""


@dataclass(frozen=True, eq=False)
class Outdated:
    """What was said of a sample whose files have changed since.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed.
    said : Said
        What was said then; without decisions on masks where it was the masks that changed.
    """

    roles: tuple[str, ...]
    said: Said


class Reviewing:
    """One dataset and its store. Nothing here waits for the disk but `open`, `read` and `close`.

    Parameters
    ----------
    dataset : Dataset
        The samples.
    store : Store
        What was said of them; read-only if another window has it.
    on_error : callable
        Told, from the writing thread, why something could not be written.
    on_saved : callable, optional
        Called, from the writing thread, when after an error all is written.
    """

    def __init__(
        self,
        dataset: Dataset,
        store: Store,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
    ) -> None:
        self.dataset = dataset
        self.queue = Queue(dataset.ids)
        self._store = store
        self.session = Session(store.session(), self._put_session)
        self._told: dict[int, Review] = {}
        self._outdated: dict[int, Outdated] = {}
        self._seconds: dict[int, float] = {}
        self._must_flush = False
        self._fill_queue()
        self._writer = None if store.read_only else StoreWriter(store, on_error, on_saved)

    @classmethod
    def open(
        cls,
        dataset: Dataset,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
    ) -> "Reviewing":
        """Open the store in the dataset's output folder, making it if there is none.

        Raises
        ------
        InputError
            If the store is damaged, or of a newer version; the file is untouched.
        SaveError
            If it cannot be made.
        """
        store = Store.open(store_file(dataset.spec.out), who=reviewer())
        try:
            return cls(dataset, store, on_error, on_saved)
        except SeplError:
            store.close()  # or recovery would find it open
            raise

    def check(self) -> None:
        """Read the whole record once; for a thread beside the window's.

        Raises
        ------
        StoreCorruptError
            If it is damaged.
        """
        self._store.check()

    def recover(self) -> Recovery:
        """Go on with what can be read of a damaged record; for a thread beside the window's.

        What waits to be written goes to the new record, and the damaged file is kept.

        Raises
        ------
        SeplError
            If there is no room for a copy, or nothing may be written here. What waits goes on
            waiting, and this can be called again.
        """
        path = self._store.path
        if self._writer is None:
            raise SaveError(self.refusal)
        with self._writer.held():
            self._store.close()
            recovery = recover(path, who=self._store.who)
            self._store = Store.open(path, who=self._store.who)
            self._writer.use(self._store)
        return recovery

    @property
    def folder(self) -> Path:
        """Where labels go."""
        return self.dataset.spec.out

    @property
    def refusal(self) -> str:
        """Why nothing can be saved; empty if all can."""
        if not self._store.read_only:
            return ""
        return f"{self._store.path} is read-only here: {self._store.reason}. Nothing is saved."

    def files(self, row: int) -> list[Path]:
        """Return the files of a sample, which saving must not write over."""
        return self.sample(row).files

    def sample(self, row: int) -> Sample:
        """Return where the files of a sample are, with masks that were made since the listing."""
        return find_sample(self.dataset, self.queue.ids[row])

    # --- reading

    def read(self, row: int) -> Document:
        """Read a sample and restore what was said of it; for a thread beside the window's.

        Raises
        ------
        InputError
            If a file cannot be read, or does not fit the others.
        """
        sample_id = self.queue.ids[row]
        inputs = load(self.sample(row), self.dataset.classes)
        review = self._review_of(row)
        if review is not None:
            self._told[row] = _slim(review)
            said = said_of(review, self.session.start).renumbered(len(inputs.masks))
            roles = review.changed_inputs({k: inputs.digests[k] for k in MADE_FROM})
            if not roles:
                return Document(inputs, said, self._history(sample_id, said, inputs.shape))
            if "masks" in roles or "pseudo" in roles:
                said = said.on_other_masks(len(inputs.masks))
            self._outdated[row] = Outdated(roles, said)
        return Document(inputs, Said(self.session.start))

    def said(self, row: int) -> Said:
        """Return what was said of a sample, its files unread; for a thread of its own."""
        review = self._review_of(row)
        return Said(self.session.start) if review is None else said_of(review, self.session.start)

    def _review_of(self, row: int) -> Review | None:
        if self._must_flush and self._writer is not None:
            self._must_flush = not self._writer.flush(_CLOSE)
        return (self._writer or self._store).review(self.queue.ids[row])

    def _history(self, sample_id: str, said: Said, shape: tuple[int, int]) -> History:
        """Return the steps that led to what is said, as far as the log tells them."""
        if self._writer is not None and self._writer.waits(sample_id):
            self._writer.flush(_CLOSE)
        return replay(steps_of(self._store.log(sample_id)), said, shape)

    def stored(self) -> Store:
        """Return the record with all that was done so far; for a thread beside the window's.

        Raises
        ------
        SaveError
            If some of it cannot be written.
        """
        if self._writer is not None and not self._writer.flush(_CLOSE):
            raise SaveError(f"{self._store.path}: not all that was done could be written to it.")
        return self._store

    def outdated(self, row: int) -> Outdated | None:
        """Return, once, what was said of a sample whose files have changed since."""
        return self._outdated.pop(row, None)

    # --- recording

    def record(self, row: int, document: Document, steps: Sequence[ReviewStep]) -> None:
        """Note the state of a document, and the steps that led there."""
        status = self.queue.status_of(row)
        if status is Status.ACCEPTED and not document.saved:
            status = Status.PENDING  # the file no longer holds what is shown
            self.queue.set_status(row, status)
        review = self._state(row, document, status)
        self._told[row] = _slim(review)
        if self._writer is not None:
            self._writer.put_review(review, [step.entry() for step in steps])
        self.queue.change[row] = review.changed
        self.queue.edits[row] += len(steps)

    def _state(self, row: int, document: Document, status: Status) -> Review:
        said, final, digests = document.said, document.resolved.final, document.inputs.digests
        return replace(
            self._told_of(row),
            status=status,
            note=self.queue.notes.get(row, ""),
            seconds=self._seconds.get(row, 0.0),
            params=said.params,
            overlay=said.overlay,
            overrides=said.overrides,
            protected=said.protected,
            pins=said.pins,
            prompted=said.prompted,
            digests={role: digests[role] for role in MADE_FROM if role in digests},
            changed=change_of(document),
            labels=digest_labels(final) if document.saved else "",
        )

    def set_status(self, row: int, status: Status) -> None:
        """Give a sample a status."""
        self.queue.set_status(row, status)
        self._submit(lambda store: store.put_status(self.queue.ids[row], status))

    def set_note(self, row: int, note: str) -> None:
        """Write a note on a sample."""
        if note != self.queue.notes.get(row, ""):
            self.queue.notes[row] = note
            sample_id, status = self.queue.ids[row], self.queue.status_of(row)
            self._submit(lambda store: store.put_status(sample_id, status, note=note))

    def add_seconds(self, row: int, seconds: float) -> None:
        """Add to the time a sample was looked at; written with what is recorded next."""
        self._seconds[row] = self._seconds.get(row, 0.0) + seconds

    def arrive(self, row: int, document: Document) -> None:
        """Note that a sample is open, and fill the queue's columns from it."""
        self.session.sample = self.queue.ids[row]
        told = self._told.get(row)
        self._seconds.setdefault(row, told.seconds if told else 0.0)
        if self.queue.ids[row] not in self.dataset.tags:
            self.queue.set_classes(row, map(int, document.inputs.overlap.class_ids))
        self.queue.change[row] = change_of(document)

    def close(self) -> None:
        """Write what is left and close the store; what cannot be written yet goes on trying."""
        if self._writer is None or self._writer.close(_CLOSE):
            self._store.close()

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
        self._submit(lambda store: store.put_many_params(changes))
        self.queue.change[list(rows)] = np.nan
        self.queue.forget_suspicion(rows)
        return before

    def params_of(self, row: int) -> Params | None:
        """Return the settings of a sample; None if nobody chose any.

        Raises
        ------
        InputError
            If the record cannot be read.
        """
        if row in self._told:
            return self._told[row].params
        review = (self._writer or self._store).review(self.queue.ids[row])
        return review.params if review else None

    def put_statuses(self, rows: Sequence[int], status: Status) -> None:
        """Give many samples a status."""
        changes = {self.queue.ids[row]: status for row in rows}
        for row in rows:
            self.queue.set_status(row, status)
        self._submit(lambda store: store.put_many_statuses(changes))

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
        final, inputs = document.resolved.final, document.inputs
        path = label_file(self.folder, inputs.sample_id)
        if path.exists() and not np.array_equal(read_labels(path), final):
            raise SaveError(f"{path}: other labels are there; open the sample to replace them.")
        save_resolved(self.folder, document.resolved, inputs)
        document.mark_saved(document.history.mark)
        if self._writer is not None:
            self._writer.put_review(self._state(row, document, Status.ACCEPTED))

    # --- inside

    def _put_session(self, news: Mapping[str, Any]) -> None:
        self._submit(lambda store: store.put_session(news))

    def _told_of(self, row: int) -> Review:
        return self._told.get(row) or Review(self.queue.ids[row])

    def _submit(self, write: Callable[[Store], object]) -> None:
        if self._writer is not None:
            self._writer.submit(write)

    def _fill_queue(self) -> None:
        self.queue.set_tags(self.dataset.tags)
        masks = self.dataset.names.get("masks", {})
        self.queue.without_masks[:] = [sample_id not in masks for sample_id in self.queue.ids]
        for sample_id, told in self._store.statuses().items():
            row = self.queue.rows.get(sample_id)
            if row is None:
                continue
            self.queue.set_status(row, told.status)
            self.queue.edits[row] = told.edits
            self.queue.change[row] = np.nan if told.changed is None else told.changed
            if told.note:
                self.queue.notes[row] = told.note

    def known_facts(self, sample_ids: Sequence[str]) -> dict[str, StampedFacts]:
        """Return what was read off the files of samples and kept; for a thread of its own."""
        return self._store.facts(sample_ids)

    def put_facts(self, facts: Mapping[str, StampedFacts], *, last: bool = False) -> bool:
        """Keep what was read off files; False, unless it is the last, while other things wait."""
        if self._writer is not None and self._writer.pending and not last:
            return False
        self._submit(lambda store: store.put_many_facts(facts))
        return True


def said_of(review: Review, start: Params) -> Said:
    """Return what a review says; `start` are the settings where it says none."""
    return Said(
        review.params or start,
        review.overrides,
        review.protected,
        review.pins,
        review.overlay,
        review.prompted,
    )


def _slim(review: Review) -> Review:
    """Return a review without its maps, which the document holds."""
    return replace(review, overlay=None, pins=None, prompted={})


def reviewer() -> str:
    """Return who is at work, for the record; "unknown" where the system has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
