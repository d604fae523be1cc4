"""Connections to SQLite, and its errors in this package's words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.files._opening import unopened
from napari_sepl.files.store.errors import StoreCorruptError

WAIT = 2.0
"""Seconds to wait for another program that writes to the same file."""

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged store raises; the latter where SQLite's message quotes damaged text."""

_BUGS = (
    sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.IntegrityError,
    sqlite3.NotSupportedError,
)  # fmt: skip
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_AWAY = (
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL,
)  # fmt: skip
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_READONLY: "the file or its folder cannot be written to",
    sqlite3.SQLITE_CANTOPEN: "the folder is gone or cannot be written to",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked",
    sqlite3.SQLITE_PROTOCOL: "another program keeps it locked",
    sqlite3.SQLITE_NOMEM: "the memory is full",
    sqlite3.SQLITE_TOOBIG: "it is too large",
}


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Open a database for any thread, one at a time, without transactions of Python's own.

    Parameters
    ----------
    path : Path
        The file.
    mode : str
        "ro" or "rw", neither of which makes the file, or "rwc", which does.
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=WAIT
    )


def error_code(error: Exception) -> int | None:
    """Return SQLite's primary error code; None for errors of Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def reason_of(error: sqlite3.Error) -> str | None:
    """Say why SQLite could not do its work; None if that is no fault of the disk's."""
    return _REASONS.get(error_code(error) or 0)


def is_disk_trouble(error: BaseException) -> bool:
    """Tell whether the files should be opened anew after an error, for the disk was away."""
    return isinstance(error, sqlite3.Error) and error_code(error) in _AWAY


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong with reading a store into StoreCorruptError or InputError."""
    try:
        yield
    except (*_BUGS, SeplError):
        raise
    except OSError as error:
        raise unopened(path, error, "the store of a review") from error
    except UnicodeDecodeError as error:
        raise corrupt(path, error) from error
    except sqlite3.Error as error:
        code = error_code(error)
        if code in _REASONS:
            raise InputError(
                path,
                found=f"a store that cannot be read ({_REASONS[code]})",
                expected="a readable file in a folder that is there",
            ) from error
        # the rest is damage, also a missing table or, without a code, text that is no UTF-8
        raise corrupt(path, error) from error


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turn what goes wrong with writing to a store into SaveError or StoreCorruptError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise corrupt(path, error) from error
    except sqlite3.Error as error:
        code = error_code(error)
        if code in _DAMAGE:
            raise corrupt(path, error) from error
        if code not in _REASONS:  # a wrong statement: not the disk's fault
            raise
        raise unsaved(path, _REASONS[code]) from error


def unsaved(path: Path, reason: str) -> SaveError:
    """Return the SaveError for a change that did not reach the store."""
    return SaveError(
        f"{path}: the change could not be saved ({reason}); what was saved before is untouched."
    )


def corrupt(path: Path, reason: object) -> SeplError:
    """Return the StoreCorruptError for a damaged store."""
    return StoreCorruptError(
        path,
        found=f"a damaged store ({' '.join(str(reason).split())[:120]})",
        expected="the store of a review; recovery keeps the file and saves what can be read",
    )
