"""The thread that writes to a store, in order, and repeats what fails."""

import atexit
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.files.store.connections import StoreCorruptError
from napari_sepl.files.store.recovery import Recovery, recover
from napari_sepl.files.store.review import ImageNow, LogEntry, Logged, Review, StampedFacts
from napari_sepl.files.store.store import Store

Write = Callable[[Store], object]

RETRY = 1.0
"""Seconds between two attempts at a write that failed."""

PATIENCE = 10.0
"""Seconds that reading, closing or the end of the program wait for what is still being written."""


@dataclass(frozen=True, eq=False)
class _PutReview:
    """A review to write, which a later one of the same sample may replace."""

    review: Review
    entries: tuple[LogEntry, ...]

    def __call__(self, store: Store) -> None:
        store.put_review(self.review, self.entries)


class StoreWriter:
    """Hands writes to a store one after the other, without making the caller wait.

    A write starts as soon as those before it are done: with nothing in the way it is on the disk
    a few milliseconds after it was submitted. One that fails, the disk being full, say, stays
    first in line and is tried again every second, with all later ones behind it.

    Nothing is written to a read-only store; `refusal` is the reason.

    Parameters
    ----------
    store : Store
        The store, which may be read meanwhile.
    on_error : callable
        Called in the writer's thread with the error when a write fails; not again for the same
        error before a write succeeds.
    on_saved : callable, optional
        Called in the writer's thread without arguments when, after an error, all that waited is
        saved.
    retry : float
        Seconds between two attempts.

    Attributes
    ----------
    store : Store
        The store; another one after `recover`.
    """

    def __init__(
        self,
        store: Store,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
        *,
        retry: float = RETRY,
    ) -> None:
        self.store = store
        self._on_error = on_error
        self._on_saved = on_saved
        self._retry = retry
        self._waiting: deque[Write] = deque()
        self._submitted = self._done = 0
        self._reported = ""
        self._stopping = self._held = self._at_work = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        if not store.read_only:
            self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
            self._thread.start()
            # A daemon: a program that ends without closing would hang. It is emptied at exit.
            atexit.register(self.close)

    @property
    def refusal(self) -> str:
        """Why nothing can be saved; empty if it can."""
        if self._thread is not None:
            return ""
        return f"Read-only, nothing is saved: {self.store.reason} ({self.store.path})."

    @property
    def pending(self) -> int:
        """How many writes are not on the disk yet."""
        with self._changed:
            return len(self._waiting)

    def submit(self, write: Write) -> None:
        """Call `write` with the store, after all that was submitted before.

        It may be called again after a SaveError, so it must either work or leave nothing behind,
        as the methods of Store do.
        """
        with self._changed:
            if self._is_open():
                self._waiting.append(write)
                self._submitted += 1
                self._changed.notify_all()

    def put_review(self, review: Review, entries: Sequence[LogEntry] = ()) -> None:
        """Write a review; it replaces one of the same sample that waits last in line.

        Only the later review is written, in one transaction with the log entries of both.
        """
        with self._changed:
            if not self._is_open():
                return
            last = self._waiting[-1] if len(self._waiting) > 1 else None  # the first is under way
            if isinstance(last, _PutReview) and last.review.sample_id == review.sample_id:
                self._waiting[-1] = _PutReview(review, (*last.entries, *entries))
            else:
                self._waiting.append(_PutReview(review, tuple(entries)))
                self._submitted += 1
            self._changed.notify_all()

    def put_facts(self, facts: Mapping[str, StampedFacts], *, last: bool = False) -> bool:
        """Write facts read from files; without `last`, only if nothing else waits: else False."""
        if self.pending and not last:
            return False
        self.submit(lambda store: store.put_many_facts(facts))
        return True

    def review(self, sample_id: str, image: ImageNow | None = None) -> Review | None:
        """Return the last review of a sample, on the disk or waiting in `put_review`.

        Parameters
        ----------
        sample_id : str
            The sample.
        image : ImageNow, optional
            Its image, for what is read from the disk; see `Store.review`.

        Raises
        ------
        InputError
            If the store cannot be read.
        """
        with self._changed:
            waiting, store = self._waiting_review(sample_id), self.store
        return waiting or store.review(sample_id, image)

    def short_review(self, sample_id: str) -> Review | None:
        """Return the last review as `review` does, perhaps without maps, decisions and masks."""
        with self._changed:
            waiting, store = self._waiting_review(sample_id), self.store
        return waiting or store.short_review(sample_id)

    def _waiting_review(self, sample_id: str) -> Review | None:
        """Return the last review of a sample that is not on the disk yet."""
        puts = (write for write in reversed(self._waiting) if isinstance(write, _PutReview))
        return next((put.review for put in puts if put.review.sample_id == sample_id), None)

    def log(self, sample_id: str) -> list[Logged]:
        """Return the log of a sample, oldest entry first, when its reviews are written.

        Raises
        ------
        InputError
            If the store cannot be read.
        """
        with self._changed:
            waits = self._waiting_review(sample_id) is not None
        if waits:
            self.flush()
        return self.store.log(sample_id)

    def written(self) -> Store:
        """Return the store, with all that was submitted so far written to it.

        Raises
        ------
        SaveError
            If some of it cannot be written.
        """
        if not self.flush():
            raise SaveError(f"some changes could not be saved: {self.store.path}.")
        return self.store

    def flush(self, timeout: float = PATIENCE) -> bool:
        """Wait until all that was submitted so far is on the disk; False if it is not in time."""
        with self._changed:
            target = self._submitted
            self._changed.notify_all()  # a failed write need not wait for its next attempt
            return self._changed.wait_for(lambda: self._done >= target, timeout)

    def close(self, timeout: float = PATIENCE) -> bool:
        """Save what waits and end the thread.

        Returns
        -------
        bool
            False if something could not be saved in time; the writer keeps trying until
            `abandon`.
        """
        if not self.flush(timeout):
            return False
        self.abandon()
        return True

    def abandon(self) -> int:
        """End the thread, and return how many writes were given up."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self.close)
        return self.pending

    def recover(self) -> Recovery:
        """Replace a damaged store, which is kept, by one with all that can be read of it.

        Waiting writes go to the new one.

        Raises
        ------
        SeplError
            If there is no room for a copy, or nothing may be written here. Writes wait on, and
            this can be called again.
        """
        path, who = self.store.path, self.store.who
        if self.refusal:
            raise SaveError(self.refusal)
        with self.held():
            self.store.close()
            recovery = recover(path, who=who)
            with self._changed:
                self.store = Store.open(path, who=who)
        return recovery

    def move(self, path: Path, sample_id: str) -> None:
        """Continue in another record, with what this one holds of a sample.

        Raises
        ------
        InputError
            If the other record holds a review of the sample already, or cannot be read.
        SaveError
            If one of the two cannot be written. This one is used on then, as after InputError.
        """
        here = self.written()
        with self.held():
            there = Store.open(path, who=here.who)
            try:
                if there.read_only:
                    raise SaveError(f"is read-only here: {path} ({there.reason}).")
                known = there.summaries(sample_id).get(sample_id)
                if known is not None and (known.is_touched or known.review.note):
                    raise InputError(
                        path,
                        found=f"a review of an image named {sample_id}",
                        expected="none; open the image with this output folder, or choose another",
                    )
                review = here.review(sample_id)
                if review is not None:
                    there.put_review(review, [one.entry for one in here.log(sample_id)])
            except SeplError:
                there.close()
                raise
            with self._changed:
                self.store = there
        here.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Write nothing inside the ``with`` block; what is submitted waits."""
        with self._changed:
            self._held = True
            self._changed.wait_for(lambda: not self._at_work)
        try:
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def _is_open(self) -> bool:
        """Return whether writes are accepted; SaveError if the writer was closed."""
        if self._stopping:
            raise SaveError(f"nothing more can be saved: {self.store.path} was closed.")
        return self._thread is not None

    # --- in the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                if self._stopping:
                    return
                write, store, self._at_work = self._waiting[0], self.store, True
            done = self._attempt(write, store)
            with self._changed:
                self._at_work = False
                self._changed.notify_all()
                if not done and not self._stopping:
                    self._changed.wait(self._retry)
            if done:
                self._finish()

    def _has_work(self) -> bool:
        return self._stopping or (bool(self._waiting) and not self._held)

    def _attempt(self, write: Write, store: Store) -> bool:
        """Return whether a write is done or given up."""
        try:
            write(store)
        except (SaveError, StoreCorruptError) as error:
            self._report(error)
            return False
        except Exception as error:  # noqa: BLE001  a fault in one write must not stop the others
            fault = SaveError(f"a change is lost by an internal error: {store.path}: {error!r}.")
            fault.__cause__ = error
            _call(lambda: self._on_error(fault))
        return True

    def _report(self, error: SeplError) -> None:
        if str(error) != self._reported:
            self._reported = str(error)
            _call(lambda: self._on_error(error))

    def _finish(self) -> None:
        with self._changed:
            self._waiting.popleft()
            self._done += 1
            recovered = bool(self._reported) and not self._waiting
            self._changed.notify_all()
        if recovered:
            self._reported = ""
            if self._on_saved is not None:
                _call(self._on_saved)


def _call(callback: Callable[[], None]) -> None:
    """Call back; an error in it goes to `threading.excepthook`, and the thread continues."""
    try:
        callback()
    except Exception:  # noqa: BLE001
        current = (*sys.exc_info(), threading.current_thread())
        threading.excepthook(threading.ExceptHookArgs(current))
