"""Who writes to a store: one process at a time, told apart from one that was killed.

The operating system holds the lock and lets go of it when the process ends, however it ends, so
no lock outlives its owner. The lock file stays: removing it would let two owners in.
"""

import json
import os
import socket
import sys
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

_LOCKED_BYTE = 2**30  # beyond the text, which Windows would not let others read otherwise


@dataclass(frozen=True)
class Holder:
    """Who has a store open for writing.

    Parameters
    ----------
    who : str
        The reviewer.
    host : str
        The computer.
    process : int
        The process on it.
    since : str
        When it was opened, in UTC.
    """

    who: str
    host: str
    process: int
    since: str

    def __str__(self) -> str:
        return f"{self.who} on {self.host}, process {self.process}, since {self.since}"


class StoreLock:
    """The right to write to a store, held until it is released or the process ends.

    Parameters
    ----------
    descriptor : int
        The open and locked file.
    """

    _held: ClassVar["weakref.WeakSet[StoreLock]"] = weakref.WeakSet()

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._held.add(self)

    @classmethod
    def take(cls, store: Path, who: str) -> "StoreLock | None":
        """Return the lock of a store; None if another window or process has it.

        Raises
        ------
        OSError
            If the lock file cannot be made or locked.
        """
        descriptor = os.open(lock_file(store), os.O_RDWR | os.O_CREAT, 0o666)
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

    def release(self) -> None:
        """Let others write."""
        descriptor, self._descriptor = self._descriptor, None
        self._held.discard(self)
        if descriptor is not None:
            os.close(descriptor)

    @classmethod
    def leave_to_parent(cls) -> None:
        """Forget the locks of the process this one was forked from, which would outlive it here."""
        for lock in list(cls._held):
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=StoreLock.leave_to_parent)


def lock_file(store: Path) -> Path:
    """Return the file that is locked for a store."""
    return store.with_name(f"{store.name}-lock")


def read_holder(store: Path) -> Holder | None:
    """Return who holds the lock of a store, as far as the lock file tells."""
    try:
        told = json.loads(lock_file(store).read_text(encoding="utf-8"))
        return Holder(**told)
    except (OSError, ValueError, TypeError):  # unreadable, or its owner is about to write it
        return None


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
