"""The record of a review: one SQLite file beside the labels."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.core.params import Params
from napari_sepl.files.store import rows
from napari_sepl.files.store._sqlite import corrupt, is_disk_trouble, reading, saving, unsaved
from napari_sepl.files.store.access import Access, identity
from napari_sepl.files.store.errors import StoreCorruptError, StoreReadOnlyError
from napari_sepl.files.store.lock import Holder
from napari_sepl.files.store.opening import check_pages, connect_to_read, now
from napari_sepl.files.store.review import LogEntry, Logged, Review, Status, StatusRow

FILE_NAME = "napari-sepl.sqlite"


def store_file(out: Path) -> Path:
    """Return the store of the output folder `out`."""
    return out / FILE_NAME


class Store:
    """What was said about each sample, safe from the moment that a method returns.

    Any thread may call it. Reading never waits for writing. Each write is one transaction, which
    also adds to the log; one that fails leaves nothing behind, and the store can be used on as
    soon as the disk has room again or its folder is back.

    Made by `open`.

    Attributes
    ----------
    path : Path
        The file.
    who : str
        The reviewer, noted with each write.
    """

    def __init__(self, path: Path, who: str, access: Access) -> None:
        self.path = path
        self.who = who
        self._access = access
        self._right = access.right
        self._store_id = access.store_id
        self._doubtful = False
        self._closed = False
        self._reading = threading.Lock()
        self._writing = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, who: str, write: bool = True) -> "Store":
        """Open a store, or make it if there is none.

        Where it cannot be written to, because another window has it or its folder is closed to
        writing, it is opened to be read; see `read_only`.

        Parameters
        ----------
        path : Path
            The file; see `store_file`. Its folder is made if need be.
        who : str
            The reviewer.
        write : bool
            Whether to write; False needs a store that is there, and asks for no lock.

        Raises
        ------
        StoreNewerError
            If a later version of this program made it.
        StoreCorruptError
            If it is damaged; `recover` saves what can be read.
        InputError
            If it cannot be read, is another program's, or is not there to be read.
        SaveError
            If there is none and none can be made.
        """
        return cls(path, who, Access.gain(path, who, write=write, make=write))

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written; `reason` and `holder` tell why."""
        return self._right.lock is None

    @property
    def reason(self) -> str:
        """Why nothing can be written, to follow "the store is read-only: "; empty if it can."""
        return self._right.reason

    @property
    def holder(self) -> Holder | None:
        """Who has the store open for writing, if that is why nothing can be written here."""
        return self._right.holder

    def close(self) -> None:
        """Let go of the file; calling it again does nothing."""
        with self._writing, self._reading:
            self._closed = True
            self._access.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- reading

    def review(self, sample_id: str) -> Review | None:
        """Return what was said about a sample; None if nothing was.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its row is damaged.
        """
        with self._read() as connection:
            try:
                return rows.read_review(connection, sample_id)
            except (ValueError, TypeError) as error:
                raise self._damaged_row(sample_id, error) from error

    def overrides(self, sample_id: str, masks_digest: str) -> Mapping[int, int]:
        """Return mask index to class as it was said of the masks with this digest."""
        with self._read() as connection:
            return rows.read_overrides(connection, sample_id, masks_digest)

    def statuses(self) -> dict[str, StatusRow]:
        """Return a row for each sample that anything was said about, by its id."""
        with self._read() as connection:
            try:
                return rows.read_statuses(connection)
            except KeyError as error:
                raise corrupt(self.path, f"the status {error}") from error

    def session(self) -> dict[str, Any]:
        """Return what was noted of the window: current sample, filters, thresholds, panels."""
        with self._read() as connection:
            try:
                return rows.read_session(connection)
            except ValueError as error:
                raise corrupt(self.path, f"the session: {error}") from error

    def log(self, sample_id: str) -> list[Logged]:
        """Return what was done to a sample, oldest first; "" for the whole dataset.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its entries are damaged.
        """
        with self._read() as connection:
            try:
                return rows.read_log(connection, sample_id)
            except (ValueError, TypeError) as error:
                raise self._damaged_row(sample_id, error) from error

    def check(self) -> None:
        """Look at every page of the file, for damage that may lie where nobody has read yet.

        Opening does so with stores up to `CHECKED_AT_ONCE` bytes only, for a large one takes as
        long as its disk needs to read it. Nothing waits for this meanwhile.

        Raises
        ------
        StoreCorruptError
            If a page is damaged; `recover` saves what can be read.
        """
        with reading(self.path), closing(connect_to_read(self.path)) as connection:
            check_pages(self.path, connection)

    def _damaged_row(self, sample_id: str, error: Exception) -> InputError:
        return InputError(
            f"{self.path}, sample {sample_id}",
            found=f"a damaged record ({' '.join(str(error).split())[:120]})",
            expected="a record that this version wrote; recovery saves what can be read",
        )

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading, reading(self.path):
            if self._closed:
                raise InputError(self.path, found="a store that was closed", expected="an open one")
            yield self._access.reader

    # --- writing: each raises SaveError if it did not reach the disk

    def put_review(self, review: Review, entries: Sequence[LogEntry] = ()) -> None:
        """Put a review in place of the one that is there.

        Parameters
        ----------
        review : Review
            All that a person said about the sample.
        entries : sequence of LogEntry
            The steps that led from the last one to it, for the log; see `entry_of`.
        """
        with self._transaction() as connection:
            rows.write_review(connection, review, entries, self._stamp())

    def put_status(self, sample_id: str, status: Status, *, note: str | None = None) -> None:
        """Set how far a sample is, and its remark if one is given; leave all else as it is."""
        with self._transaction() as connection:
            rows.write_statuses(connection, {sample_id: status}, self._stamp())
            if note is not None:
                rows.write_note(connection, sample_id, note, self._stamp())

    def put_many_statuses(self, changes: Mapping[str, Status]) -> dict[str, Status]:
        """Set how far many samples are.

        Returns
        -------
        dict of str to Status
            What the samples that changed had before; to undo it, put that.
        """
        with self._transaction() as connection:
            return rows.write_statuses(connection, changes, self._stamp())

    def put_many_params(self, changes: Mapping[str, Params | None]) -> dict[str, Params | None]:
        """Set the settings of many samples.

        Returns
        -------
        dict of str to Params or None
            What the samples that changed had before; to undo it, put that.
        """
        with self._transaction() as connection:
            return rows.write_params(connection, changes, self._stamp())

    def put_session(self, values: Mapping[str, Any]) -> None:
        """Note something of the window, as JSON can hold it; other keys stay."""
        with self._transaction() as connection:
            rows.write_session(connection, values, self._stamp())

    def log_edit(self, sample_id: str, entry: LogEntry) -> None:
        """Add to the log what no other method tells it."""
        with self._transaction() as connection:
            rows.write_log(connection, sample_id, [entry], self._stamp())

    def _stamp(self) -> rows.Stamp:
        return rows.Stamp(self.who, now())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, saving(self.path):
            connection = self._writer()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._doubtful = is_disk_trouble(error)
                with suppress(sqlite3.Error):  # the first error is the one to tell
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise

    def _writer(self) -> sqlite3.Connection:
        """Return the writing connection, anew if the disk was away since the last write."""
        if self.read_only:
            raise StoreReadOnlyError(f"{self.path}: the store is read-only: {self.reason}.")
        if self._closed:
            raise unsaved(self.path, "the store was closed")
        try:
            there = identity(self.path)
        except OSError as error:
            raise unsaved(self.path, f"the store is gone: {error.strerror or error}") from error
        if self._doubtful or there != self._access.identity:
            self._regain()
        if self._access.writer is None:
            raise unsaved(self.path, self._access.right.reason)
        return self._access.writer

    def _regain(self) -> None:
        """Open the files anew, unless they are those of another store."""
        self._access.stop_writing()
        self._doubtful = True
        try:
            access = Access.gain(self.path, self.who, write=True, make=False)
        except StoreCorruptError:
            raise
        except InputError as error:
            raise unsaved(self.path, str(error)) from error
        if access.store_id != self._store_id:
            access.close()
            raise unsaved(self.path, "another store has taken its place")
        with self._reading:
            self._access.close()
            self._access, self._doubtful = access, access.writer is None
