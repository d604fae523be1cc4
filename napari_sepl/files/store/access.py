"""The open files of a store: its lock, its connections and its transactions."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.lock import NO_LOCKS, FileLock, Holder, read_holder
from napari_sepl.files.store.connections import (
    StoreCorruptError,
    StoreReadOnlyError,
    check,
    connect_to_read,
    connect_to_write,
    is_disk_trouble,
    make_file,
    reading,
    reason_of,
    saving,
    unsaved,
)
from napari_sepl.files.store.limits import WRITING, LimitedConnection
from napari_sepl.files.store.place import check_place, lock_file, network_disk, size_of


@dataclass(frozen=True)
class Right:
    """The right to write to a store, or the reason why there is none.

    Parameters
    ----------
    lock : FileLock or None
        The lock; None without the right.
    reason : str
        Why there is no right; empty with it.
    holder : Holder or None
        The holder of the lock, if it is another window or process.
    """

    lock: FileLock | None
    reason: str = ""
    holder: Holder | None = None

    @classmethod
    def ask(cls, path: Path, who: str) -> "Right":
        """Lock a store, if it is not locked and its folder can be written to.

        The lock is tried twice: on a disk that grants it twice, nobody is kept from writing.
        """
        try:
            lock = FileLock.take(lock_file(path), who)
            second = None if lock is None else FileLock.take(lock_file(path), who)
        except OSError as error:
            why = error.strerror or error
            if error.errno in NO_LOCKS:
                return cls(None, f"its disk has no locks ({network_disk(path.parent) or why})")
            return cls(None, f"its folder cannot be written to ({why})")
        if lock is None:
            holder = read_holder(lock_file(path))
            reason = f"it is open in another window ({holder or 'of an unknown user'})"
            return cls(None, reason, holder)
        if second is not None:
            second.release()
            lock.release()
            disk = network_disk(path.parent) or "of an unknown type"
            return cls(None, f"the locks of its disk keep nobody from writing ({disk})")
        return cls(lock)


def refusal_of(path: Path, who: str) -> str:
    """Return why a store could not be written to if it was opened now; empty if it could."""
    right = Right.ask(path, who)
    if right.lock is not None:
        right.lock.release()
    return right.reason


@dataclass(frozen=True, eq=False)
class Access:
    """A store's connections and its lock.

    Parameters
    ----------
    reader : LimitedConnection
        The connection for reading.
    writer : LimitedConnection or None
        None if the store is read-only.
    right : Right
        The lock, or the reason why there is none.
    identity : tuple of int
        Device and number of the file, which show whether it is still the one at its path.
    store_id : str
        The unique id of the store, which a copy of its file has too.
    disk : str
        The type of the network disk that it is on; empty if it is on none.
    """

    reader: LimitedConnection
    writer: LimitedConnection | None
    right: Right
    identity: tuple[int, int]
    store_id: str
    disk: str

    @classmethod
    def gain(cls, path: Path, who: str, *, write: bool, make: bool) -> "Access":
        """Open a store, for writing if `write` is set and the right is given.

        Raises
        ------
        InputError
            If it is no store of this version, or does not exist and `make` is not set.
        SaveError
            If it does not exist and cannot be made.
        """
        if write and make:
            make_folder(path.parent)
        check_place(path)
        right = Right.ask(path, who) if write else Right(None, "it was opened to be read")
        try:
            if not path.exists():
                _make(path, who, right, make=make)
            return cls._open(path, right)
        except BaseException:
            if right.lock is not None:
                right.lock.release()
            raise

    @classmethod
    def _open(cls, path: Path, right: Right) -> "Access":
        disk = network_disk(path.parent)
        with reading(path):
            reader = connect_to_read(path)
        writer = None
        try:
            check(path, reader)
            if right.lock is not None:
                writer, right = _connect_if_writable(path, right, disk)
            with reading(path):
                return cls(reader, writer, right, identity(path), _store_id(reader), disk)
        except BaseException:
            reader.close()
            if writer is not None:
                writer.close()
            raise

    def stop_writing(self) -> None:
        """Release the lock; reading continues."""
        if self.writer is not None:
            with suppress(sqlite3.Error):  # saved changes are safe; on a lost disk closing fails
                self.writer.close()
        if self.right.lock is not None:
            self.right.lock.release()

    def close(self) -> None:
        """Close all files and release the lock."""
        with suppress(sqlite3.Error):
            self.reader.close()
        self.stop_writing()


def identity(path: Path) -> tuple[int, int]:
    """Return device and number of a file; FileNotFoundError if it is gone."""
    status = os.stat(path)  # noqa: PTH116  a third of the time, at each write
    return status.st_dev, status.st_ino


def _store_id(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT id FROM store").fetchone()
    return "" if row is None else str(row[0])


def _make(path: Path, who: str, right: Right, *, make: bool) -> None:
    if not make:
        raise InputError(path, found="no such file", expected="the store of a review")
    if right.lock is None:
        raise SaveError(f"the store could not be made: {path}: {right.reason}.")
    make_file(path, who)


def _connect_if_writable(
    path: Path, right: Right, disk: str
) -> tuple[LimitedConnection | None, Right]:
    """Return the writing connection; None, with the reason, on a full or read-only disk."""
    try:
        return connect_to_write(path, shared=bool(disk)), right
    except sqlite3.OperationalError as error:
        reason = reason_of(error)
        if reason is None:
            raise
        if right.lock is not None:
            right.lock.release()
        return None, Right(None, f"it cannot be written to ({reason})")


class Transactions:
    """The open files of a store, for any thread. Reading never waits for writing.

    A failed transaction changes nothing; later ones work as soon as the disk has room again or
    the folder is back.

    Parameters
    ----------
    path : Path
        The file.
    who : str
        The annotator, stored with each write.
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
        """Whether nothing can be written; see `reason` and `holder`."""
        return self._right.lock is None

    @property
    def reason(self) -> str:
        """Why the store is read-only; empty if it is not."""
        return self._right.reason

    @property
    def disk(self) -> str:
        """A sentence about the network disk that the store is on; empty if it is on none."""
        if not self._access.disk:
            return ""
        return (
            f"The record is on a network drive: {self.path} ({self._access.disk}). "
            "Edit it from one computer at a time."
        )

    @property
    def holder(self) -> Holder | None:
        """The holder of the lock, if that is why the store is read-only."""
        return self._right.holder

    def close(self) -> None:
        """Close the files; calling it again does nothing."""
        with self._writing, self._reading:
            self._closed = True
            self._access.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _read(self) -> Iterator[LimitedConnection]:
        with self._reading, reading(self.path):
            if self._closed:
                raise InputError(self.path, found="a store that was closed", expected="an open one")
            self._access.reader.allow(size_of(self.path))
            yield self._access.reader

    @contextmanager
    def _transaction(self) -> Iterator[LimitedConnection]:
        with self._writing, saving(self.path):
            connection = self._writer()
            connection.allow(size_of(self.path), WRITING)
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._doubtful = is_disk_trouble(error)
                with suppress(sqlite3.Error):  # the first error is the one to report
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise

    def _writer(self) -> LimitedConnection:
        """Return the writing connection, reopened if the disk was away since the last write."""
        if self.read_only:
            raise StoreReadOnlyError(f"the record is read-only: {self.reason} ({self.path}).")
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
        """Reopen the files, unless they are those of another store."""
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
