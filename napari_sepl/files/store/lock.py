"""Who writes to a store: one process at a time, told apart from one that was killed.

The lock file stays: the record's folder is the annotator's, and its name tells who is at work.
"""

from pathlib import Path

from napari_sepl.files import lock
from napari_sepl.files.lock import FileLock, Holder

__all__ = ["Holder", "StoreLock", "lock_file", "read_holder"]


class StoreLock(FileLock):
    """The right to write to a store, held until it is released or the process ends."""

    @classmethod
    def take(cls, path: Path, who: str) -> "StoreLock | None":
        """Return the lock of a store; None if another window or process has it.

        Raises
        ------
        OSError
            If the lock file cannot be made or locked.
        """
        return super().take(lock_file(path), who)


def lock_file(store: Path) -> Path:
    """Return the file that is locked for a store."""
    return store.with_name(f"{store.name}-lock")


def read_holder(store: Path) -> Holder | None:
    """Return who holds the lock of a store, as far as the lock file tells."""
    return lock.read_holder(lock_file(store))
