"""The record of a review: its store, and the thread that writes to it."""

import getpass
from collections.abc import Callable, Mapping, Sequence

from napari_sepl.core.errors import SaveError, SeplError
from napari_sepl.files.store import LogEntry, Logged, Review, StampedFacts, Store, StoreWriter
from napari_sepl.files.store.recovery import Recovery, recover

_CLOSE = 10.0
"""Seconds that closing waits for what is still being written."""


class Record:
    """A store that is open, and what waits to be written to it.

    Parameters
    ----------
    store : Store
        The store; read-only if another window has it, and then nothing is written.
    on_error : callable
        Told, from the writing thread, why something could not be written.
    on_saved : callable, optional
        Called, from the writing thread, when after an error all is written.
    """

    def __init__(
        self,
        store: Store,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._writer = None if store.read_only else StoreWriter(store, on_error, on_saved)

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
    def refusal(self) -> str:
        """Why nothing can be saved; empty if all can."""
        if not self._store.read_only:
            return ""
        return f"{self._store.path} is read-only here: {self._store.reason}. Nothing is saved."

    def stored(self) -> Store:
        """Return the record with all that was done so far; for a thread beside the window's.

        Raises
        ------
        SaveError
            If some of it cannot be written.
        """
        if not self.flush():
            raise SaveError(f"{self._store.path}: not all that was done could be written to it.")
        return self._store

    def known_facts(self, sample_ids: Sequence[str]) -> dict[str, StampedFacts]:
        """Return what was read off the files of samples and kept; for a thread of its own."""
        return self._store.facts(sample_ids)

    def put_facts(self, facts: Mapping[str, StampedFacts], *, last: bool = False) -> bool:
        """Keep what was read off files; False, unless it is the last, while other things wait."""
        if self._writer is not None and self._writer.pending and not last:
            return False
        self.submit(lambda store: store.put_many_facts(facts))
        return True

    # --- of one sample

    def review(self, sample_id: str) -> Review | None:
        """Return the review of a sample, as it is or as it waits to be written."""
        return (self._writer or self._store).review(sample_id)

    def log(self, sample_id: str) -> list[Logged]:
        """Return what was done to a sample, oldest first, what waits being written before."""
        if self._writer is not None and self._writer.waits(sample_id):
            self._writer.flush(_CLOSE)
        return self._store.log(sample_id)

    # --- writing

    def put_review(self, review: Review, entries: Sequence[LogEntry] = ()) -> None:
        """Have a review written, and what led to it."""
        if self._writer is not None:
            self._writer.put_review(review, entries)

    def submit(self, write: Callable[[Store], object]) -> None:
        """Have something else written."""
        if self._writer is not None:
            self._writer.submit(write)

    def flush(self) -> bool:
        """Wait until all is written; False if some of it cannot be."""
        return self._writer is None or self._writer.flush(_CLOSE)

    def close(self) -> None:
        """Write what is left and close the store; what cannot be written yet goes on trying."""
        if self._writer is None or self._writer.close(_CLOSE):
            self._store.close()


def reviewer() -> str:
    """Return who is at work, for the record; "unknown" where the system has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
