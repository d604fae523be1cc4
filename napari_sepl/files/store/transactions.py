"""Reading and writing the files of a store, one transaction at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from napari_sepl.core.errors import InputError
from napari_sepl.files.store._sqlite import is_disk_trouble, reading, saving, unsaved
from napari_sepl.files.store.access import Access, identity
from napari_sepl.files.store.errors import StoreCorruptError, StoreReadOnlyError
from napari_sepl.files.store.lock import Holder


class Transactions:
    """The open files of a store, for any thread. Reading never waits for writing.

    A transaction that fails leaves nothing behind, and the files can be used on as soon as the
    disk has room again or their folder is back.

    Parameters
    ----------
    path : Path
        The file.
    who : str
        The reviewer, noted with each write.
    access : Access
        Its connections.
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading, reading(self.path):
            if self._closed:
                raise InputError(self.path, found="a store that was closed", expected="an open one")
            yield self._access.reader

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
