"""A dataset under review: its samples, what was said of them, and the record of it."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import SaveError, SeplError
from napari_sepl.core.params import Params
from napari_sepl.document.document import Document
from napari_sepl.document.edits import Edit, ParamsEdit
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import load
from napari_sepl.files.store import LogEntry, Review, Status, Store, StoreWriter, store_file
from napari_sepl.files.store.entries import entry_of
from napari_sepl.workflow.enhance import MADE_FROM, label_file, save_enhanced
from napari_sepl.workflow.queue import Column, Filter, Queue

_CLOSE = 10.0
"""Seconds that closing waits for what is still being written."""


@dataclass(frozen=True, eq=False)
class Step:
    """One thing a person did to a document.

    Parameters
    ----------
    kind : str
        "do", "undo" or "redo".
    edit : Edit
        What was done, taken back, or done again.
    """

    kind: str
    edit: Edit

    def is_same_gesture(self, later: "Step") -> bool:
        """Tell whether a later step goes on with this one: one drag of a slider."""
        mine, theirs = self.edit, later.edit
        return (
            self.kind == later.kind == "do"
            and isinstance(mine, ParamsEdit)
            and isinstance(theirs, ParamsEdit)
            and mine.gesture is not None
            and mine.gesture == theirs.gesture
        )

    def entry(self) -> LogEntry:
        """Return the line of the log that tells of it."""
        entry = entry_of(self.edit)
        return entry if self.kind == "do" else replace(entry, kind=f"{self.kind} {entry.kind}")


@dataclass(frozen=True, eq=False)
class Outdated:
    """What was said of a sample whose files have changed since.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed.
    params : Params or None
        The settings of then.
    overlay : (H, W) int16 or None
        What was painted then.
    """

    roles: tuple[str, ...]
    params: Params | None
    overlay: NDArray[np.int16] | None


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
    """

    def __init__(
        self, dataset: Dataset, store: Store, on_error: Callable[[SeplError], None]
    ) -> None:
        self.dataset = dataset
        self.start = Params()
        self.queue = Queue(dataset.ids)
        self._store = store
        self._session: dict[str, Any] = dict(store.session())
        self._told: dict[int, Review] = {}
        self._outdated: dict[int, Outdated] = {}
        self._seconds: dict[int, float] = {}
        self._must_flush = False
        self._fill_queue()
        self._writer = None if store.read_only else StoreWriter(store, on_error)

    @classmethod
    def open(cls, dataset: Dataset, on_error: Callable[[SeplError], None]) -> "Reviewing":
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
            return cls(dataset, store, on_error)
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
        sample = self.dataset.sample(self.queue.ids[row])
        return [path for path in astuple(sample)[1:] if path is not None]

    # --- reading

    def read(self, row: int) -> Document:
        """Read a sample and restore what was said of it; for a thread beside the window's.

        Raises
        ------
        InputError
            If a file cannot be read, or does not fit the others.
        """
        sample_id = self.queue.ids[row]
        inputs = load(self.dataset.sample(sample_id), self.dataset.classes)
        if self._must_flush and self._writer is not None:
            self._must_flush = not self._writer.flush(_CLOSE)
        review = (self._writer or self._store).review(sample_id)
        params, overlay = self.start, None
        if review is not None:
            self._told[row] = replace(review, overlay=None)  # the document holds what is painted
            params, overlay = review.params or self.start, review.overlay
            roles = review.changed_inputs({k: inputs.digests[k] for k in MADE_FROM})
            if roles:
                self._outdated[row] = Outdated(roles, review.params, overlay)
                params, overlay = self.start, None
        document = Document(inputs, params, overlay)
        _ = inputs.overlap  # measured here, so that the window need not wait for it
        return document

    def outdated(self, row: int) -> Outdated | None:
        """Return, once, what was said of a sample whose files have changed since."""
        return self._outdated.pop(row, None)

    # --- recording

    def record(self, row: int, document: Document, steps: Sequence[Step]) -> None:
        """Note the state of a document, and the steps that led there."""
        status = self.queue.status_of(row)
        if status is Status.ACCEPTED and not document.saved:
            status = Status.PENDING  # the file no longer holds what is shown
            self.queue.set_status(row, status)
        review = self._state(row, document, status)
        self._told[row] = replace(review, overlay=None)
        if self._writer is not None:
            self._writer.put_review(review, [step.entry() for step in steps])
        self.queue.change[row] = review.changed
        self.queue.edits[row] += len(steps)

    def _state(self, row: int, document: Document, status: Status) -> Review:
        final, digests = document.resolved.final, document.inputs.digests
        return replace(
            self._told_of(row),
            status=status,
            note=self.queue.notes.get(row, ""),
            seconds=self._seconds.get(row, 0.0),
            params=document.params,
            overlay=document.overlay if document.edited else None,
            digests={role: digests[role] for role in MADE_FROM if role in digests},
            changed=_change_of(document),
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
        self.remember(sample=self.queue.ids[row])
        told = self._told.get(row)
        self._seconds.setdefault(row, told.seconds if told else 0.0)
        if self.queue.ids[row] not in self.dataset.tags:
            self.queue.set_classes(row, map(int, document.inputs.overlap.class_ids))
        self.queue.change[row] = _change_of(document)

    def remember(self, **values: Any) -> None:
        """Note something of the window, for the next session."""
        news = {key: value for key, value in values.items() if self._session.get(key) != value}
        self._session.update(news)
        if news:
            self._submit(lambda store: store.put_session(news))

    def recall(self, key: str, default: Any = None) -> Any:
        """Return what was noted of the window."""
        return self._session.get(key, default)

    def close(self) -> None:
        """Write what is left and close the store; what cannot be written yet goes on trying."""
        if self._writer is None or self._writer.close(_CLOSE):
            self._store.close()

    # --- many samples

    def put_params(
        self, rows: Sequence[int], params: Mapping[int, Params | None]
    ) -> dict[int, Params | None]:
        """Give samples other settings, their strokes staying; return those they had."""
        before = {row: self._params_of(row) for row in rows}
        changes = {self.queue.ids[row]: params[row] for row in rows}
        for row in rows:
            self._told[row] = replace(self._told_of(row), params=params[row])
        self._must_flush = True
        self._submit(lambda store: store.put_many_params(changes))
        self.queue.change[list(rows)] = np.nan
        return before

    def put_statuses(self, rows: Sequence[int], status: Status) -> None:
        """Give many samples a status."""
        changes = {self.queue.ids[row]: status for row in rows}
        for row in rows:
            self.queue.set_status(row, status)
        self._submit(lambda store: store.put_many_statuses(changes))

    def measure_change(self, row: int) -> None:
        """Read a sample to see how much it changes; for a thread beside the window's."""
        self.queue.change[row] = _change_of(self.read(row))

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
        save_enhanced(self.folder, final, inputs, document.params, edited=document.edited)
        document.mark_saved(document.history.mark)
        if self._writer is not None:
            self._writer.put_review(self._state(row, document, Status.ACCEPTED))

    # --- inside

    def _told_of(self, row: int) -> Review:
        return self._told.get(row) or Review(self.queue.ids[row])

    def _params_of(self, row: int) -> Params | None:
        if row in self._told:
            return self._told[row].params
        review = (self._writer or self._store).review(self.queue.ids[row])
        return review.params if review else None

    def _submit(self, write: Callable[[Store], object]) -> None:
        if self._writer is not None:
            self._writer.submit(write)

    def _fill_queue(self) -> None:
        self.queue.set_tags(self.dataset.tags)
        for sample_id, told in self._store.statuses().items():
            row = self.queue.rows.get(sample_id)
            if row is None:
                continue
            self.queue.set_status(row, told.status)
            self.queue.edits[row] = told.edits
            self.queue.change[row] = np.nan if told.changed is None else told.changed
            if told.note:
                self.queue.notes[row] = told.note

    def resume_row(self) -> int:
        """Return the sample that was open last, else the first that is pending."""
        last = self.queue.rows.get(self.recall("sample", ""))
        pending = self.queue.pending()
        if last is not None:
            return last
        return int(pending[0]) if len(pending) else 0

    def resume_sorting(self) -> tuple[Column, bool]:
        """Return the column that the last session sorted by, and whether descending."""
        column, descending = self.recall("sort", [Column.SAMPLE, False])
        return Column(column), bool(descending)

    def resume_filter(self) -> Filter:
        """Return the filter of the last session."""
        told = self.recall("filter", {})
        status = told.get("status")
        return Filter(
            Status(status) if status else None, told.get("class_id"), told.get("text", "")
        )


def reviewer() -> str:
    """Return who is at work, for the record; "unknown" where the system has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _change_of(document: Document) -> float:
    """Return the share of pixels whose label is not the pseudo-label."""
    final = document.resolved.final
    return float(np.count_nonzero(final != document.inputs.pseudo) / final.size)
