"""Locks of the operating system on files, which end with the process."""

import errno
import json
import logging
import os
import socket
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

from napari_sepl.core.errors import SaveError
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import clear_abandoned, make_folder, remove_empty

RUN_LOCK = ".napari-sepl-lock"
"""The hidden file that is locked while a run writes into a folder; it is gone after the run."""

_MOST_BYTES = 4096
"""Bytes that the text in a lock has at most."""

_LOCKED_BYTE = 2**30  # beyond the text, which Windows would not let others read otherwise
NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}  # some network disks


@dataclass(frozen=True)
class Holder:
    """The holder of a lock.

    Parameters
    ----------
    who : str
        The annotator, or the command.
    host : str
        The computer.
    process : int
        The number of the process.
    since : str
        The time of locking, in UTC.
    """

    who: str
    host: str
    process: int
    since: str

    def __str__(self) -> str:
        return f"{self.who} on {self.host}, process {self.process}, since {self.since}"


class FileLock:
    """A file locked for this process, until it is released or the process ends.

    Parameters
    ----------
    descriptor : int
        The open and locked file.
    """

    _held: ClassVar["weakref.WeakSet[FileLock]"] = weakref.WeakSet()

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._held.add(self)

    @classmethod
    def take(cls, path: Path, who: str) -> Self | None:
        """Lock a file, made if needed; None if another process or thread holds the lock.

        Raises
        ------
        OSError
            If the file cannot be made or locked.
        """
        # a link could lead to an input, which the name of the holder would overwrite
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            taken = _try_lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        if not taken:
            os.close(descriptor)
            return None
        _write_holder(descriptor, who)
        return cls(descriptor)

    def is_of(self, path: Path) -> bool:
        """Return whether the locked file still has this name."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), path.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Release the lock; calling it again does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        self._held.discard(self)
        if descriptor is not None:
            os.close(descriptor)

    @classmethod
    def leave_to_parent(cls) -> None:
        """Release this process's copies of its parent's locks, which would outlive the parent."""
        for lock in list(cls._held):
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FileLock.leave_to_parent)


def read_holder(path: Path) -> Holder | None:
    """Return the holder of the lock on a file; None if the file names none."""
    try:
        content = read_bytes(path, "the holder of a lock", _MOST_BYTES)
        return Holder(**json.loads(content))
    except (ValueError, TypeError, RecursionError):  # no holder, or its owner is about to write it
        return None


@contextmanager
def sole_run(folder: Path, who: str) -> Iterator[None]:
    """Make a folder and lock it against other runs within the block.

    Parts of files that a killed run left are removed, and so is a new folder that stays empty. On
    a disk without locks a warning is logged.

    Parameters
    ----------
    folder : Path
        The folder.
    who : str
        The command, for the message to another run.

    Raises
    ------
    SaveError
        If another run writes there, or the folder cannot be made or written to.
    """
    made = make_folder(folder)
    try:
        with _locked(folder / RUN_LOCK, who, folder):
            clear_abandoned(folder)
            yield
    finally:
        remove_empty(made)


@contextmanager
def sole_writer(file: Path | None, who: str) -> Iterator[None]:
    """Lock a result file against other runs within the block; None for no file.

    Raises
    ------
    SaveError
        If another run is to write the file, or its folder cannot be written to.
    """
    if file is None:
        yield
        return
    with _locked(file.with_name(f".{file.name}.sepl-lock"), who, file):
        yield


@contextmanager
def _locked(path: Path, who: str, place: Path) -> Iterator[None]:
    """Lock the file of this name within the block, then remove it."""
    lock = _take_named(path, who, place)
    try:
        yield
    finally:
        if lock is not None:
            _remove(path, lock)


def _take_named(path: Path, who: str, place: Path) -> FileLock | None:
    """Lock the file of this name, on behalf of `place`; None on a disk without locks."""
    while True:
        try:
            lock = FileLock.take(path, who)
        except OSError as error:
            if error.errno in NO_LOCKS:
                text = "%s: this disk has no locks; start no second run that writes here"
                logging.getLogger(__name__).warning(text, place)
                return None
            why = error.strerror or error
            raise SaveError(f"cannot write here: {path.parent} ({why}).") from error
        if lock is None:
            raise SaveError(
                f"another run writes here: {place} ({read_holder(path) or 'just begun'}); "
                "wait for its end or name another place."
            )
        if lock.is_of(path):
            return lock
        lock.release()  # its last owner removed it in between


def _remove(path: Path, lock: FileLock) -> None:
    """Remove a locked file, then its lock: a process that waits for it finds the name gone."""
    if not lock.is_of(path):  # in a process forked from the one that holds it
        lock.release()
        return
    if sys.platform != "win32":  # which removes no open file
        with suppress(OSError):
            path.unlink()
    lock.release()
    if sys.platform == "win32":
        with suppress(OSError):
            path.unlink()


def _write_holder(descriptor: int, who: str) -> None:
    since = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    holder = Holder(who, socket.gethostname(), os.getpid(), since)
    with suppress(OSError):  # on a full disk the lock holds, and only the name is missing
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(asdict(holder)).encode())


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        # flock, not lockf: closing any other descriptor of the file would undo lockf's
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
