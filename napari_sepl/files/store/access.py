"""The open files of a store: its lock and its connections."""

import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.store._sqlite import reading, reason_of
from napari_sepl.files.store.lock import Holder, StoreLock, read_holder
from napari_sepl.files.store.opening import (
    check,
    check_version,
    connect_to_read,
    connect_to_write,
    make_file,
)
from napari_sepl.files.store.rows import read_store_id
from napari_sepl.files.store.schema import read_version


@dataclass(frozen=True)
class Right:
    """Whether a store may be written to, or why not.

    Parameters
    ----------
    lock : StoreLock or None
        The lock, if it may.
    reason : str
        Why it may not; empty if it may.
    holder : Holder or None
        Who has the lock, if another window or process has.
    """

    lock: StoreLock | None
    reason: str = ""
    holder: Holder | None = None

    @classmethod
    def ask(cls, path: Path, who: str) -> "Right":
        """Take the lock of a store, if it is free and its folder can be written to."""
        try:
            lock = StoreLock.take(path, who)
        except OSError as error:
            return cls(None, f"its folder cannot be written to ({error.strerror or error})")
        if lock is not None:
            return cls(lock)
        holder = read_holder(path)
        return cls(None, f"it is open in another window ({holder or 'of an unknown user'})", holder)


@dataclass(frozen=True, eq=False)
class Access:
    """A store's connections, and the lock while it may be written to.

    Parameters
    ----------
    reader : sqlite3.Connection
        Never writes.
    writer : sqlite3.Connection or None
        None if the store can only be read.
    right : Right
        The lock, or why there is none.
    identity : tuple of int
        Device and number of the file, which show whether it is still the one at its path.
    store_id : str
        What tells the store from all others, wherever its file lies.
    """

    reader: sqlite3.Connection
    writer: sqlite3.Connection | None
    right: Right
    identity: tuple[int, int]
    store_id: str

    @classmethod
    def gain(cls, path: Path, who: str, *, write: bool, make: bool) -> "Access":
        """Open a store, for writing if `write` and if it may be written to.

        Raises
        ------
        InputError
            If it is no store that this program reads, or is not there and `make` is not set.
        SaveError
            If it is not there and cannot be made.
        """
        if write and make:
            make_folder(path.parent)
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
        with reading(path):
            reader = connect_to_read(path)
        writer = None
        try:
            check(path, reader, may_migrate=right.lock is not None)
            if right.lock is not None:
                writer, right = _connect_if_writable(path, right)
                if writer is None:  # so it was not migrated either
                    check_version(path, read_version(reader), may_migrate=False)
            with reading(path):
                return cls(reader, writer, right, identity(path), read_store_id(reader))
        except BaseException:
            reader.close()
            if writer is not None:
                writer.close()
            raise

    def stop_writing(self) -> None:
        """Let others write; reading goes on."""
        if self.writer is not None:
            with suppress(sqlite3.Error):  # what was saved is safe; a lost disk cannot close well
                self.writer.close()
        if self.right.lock is not None:
            self.right.lock.release()

    def close(self) -> None:
        """Close all files and let others write."""
        with suppress(sqlite3.Error):
            self.reader.close()
        self.stop_writing()


def identity(path: Path) -> tuple[int, int]:
    """Return device and number of a file; FileNotFoundError if it is gone."""
    status = os.stat(path)  # noqa: PTH116  a third of the time, at each write
    return status.st_dev, status.st_ino


def _make(path: Path, who: str, right: Right, *, make: bool) -> None:
    if not make:
        raise InputError(path, found="no such file", expected="the store of a review")
    if right.lock is None:
        raise SaveError(f"{path}: the store could not be made: {right.reason}.")
    make_file(path, who)


def _connect_if_writable(path: Path, right: Right) -> tuple[sqlite3.Connection | None, Right]:
    """Return the writing connection; on a full or closed disk the reason for there being none."""
    try:
        return connect_to_write(path), right
    except sqlite3.OperationalError as error:
        reason = reason_of(error)
        if reason is None:
            raise
        if right.lock is not None:
            right.lock.release()
        return None, Right(None, f"it cannot be written to ({reason})")
