"""The file of a store: connections to SQLite, its errors as ours, and checks of the file.

SeplError
├── InputError
│   ├── StoreNewerError    a later version of this program made the store
│   └── StoreCorruptError  the store is damaged; `recover` saves what can be read
└── SaveError
    └── StoreReadOnlyError the store was opened to be read only
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.files._opening import unopened
from napari_sepl.files.store import schema
from napari_sepl.files.store.limits import LimitedConnection
from napari_sepl.files.store.place import companions, size_of


class StoreNewerError(InputError):
    """A store that a later version of this program made; the file is untouched."""


class StoreCorruptError(InputError):
    """A store that is damaged; the file is untouched, and `recover` keeps it aside."""


class StoreReadOnlyError(SaveError):
    """A write to a store that was opened read-only."""


WAIT = 2.0
"""Seconds to wait for another program that writes to the same file."""

CHECKED_AT_ONCE = 64 * 2**20
"""Bytes up to which a store is read whole when it is opened: a second at 64 MB per second."""

_CLOSED_FOLDER = (
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
)  # fmt: skip
_MOST_VERSIONS = 10_000  # a higher number is damage

UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""Errors of reading a damaged store; the latter where SQLite's message quotes damaged text."""

_BUGS = (
    sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.IntegrityError,
    sqlite3.NotSupportedError,
)  # fmt: skip
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_INTERRUPT)
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
    sqlite3.SQLITE_TOOBIG: "a value is too large",
}


def connect(path: Path, *, mode: str) -> LimitedConnection:
    """Open a database for any thread, one at a time, without transactions of Python's own.

    Parameters
    ----------
    path : Path
        The file.
    mode : str
        "ro" or "rw" for an existing file, "rwc" to make it.
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=WAIT,
        factory=LimitedConnection,
    )
    if mode == "rwc":
        connection.allow_all()
    return connection


def error_code(error: Exception) -> int | None:
    """Return SQLite's primary error code; None for errors of Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def reason_of(error: sqlite3.Error) -> str | None:
    """Return why SQLite failed; None if the reason is not the disk."""
    return _REASONS.get(error_code(error) or 0)


def is_disk_trouble(error: BaseException) -> bool:
    """Return whether an error shows that the disk was away, so that the files must be reopened."""
    return isinstance(error, sqlite3.Error) and error_code(error) in _AWAY


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise StoreCorruptError or InputError for errors of reading a store."""
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
        # the rest is damage: a missing table too, or, without a code, text that is no UTF-8
        raise corrupt(path, error) from error


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Raise SaveError or StoreCorruptError for errors of writing to a store."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise corrupt(path, error) from error
    except sqlite3.Error as error:
        code = error_code(error)
        if code in _DAMAGE:
            raise corrupt(path, error) from error
        if code not in _REASONS:  # a wrong statement
            raise
        raise unsaved(path, _REASONS[code]) from error


def unsaved(path: Path, reason: str) -> SaveError:
    """Return the SaveError of a change that was not saved."""
    return SaveError(
        f"the change could not be saved: {path} ({reason}); what was saved before is untouched."
    )


def corrupt(path: Path, reason: object) -> SeplError:
    """Return the StoreCorruptError of a damaged store."""
    if isinstance(reason, sqlite3.Error) and error_code(reason) == sqlite3.SQLITE_INTERRUPT:
        reason = "more rows than its size allows"
    return StoreCorruptError(
        path,
        found=f"a damaged store ({' '.join(str(reason).split())[:120]})",
        expected="the store of a review; recovery keeps the file and saves what can be read",
    )


# --- the file


def now() -> str:
    """Return the time in UTC in the store's format."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_file(path: Path, who: str) -> None:
    """Make a new store under a temporary name and rename it.

    So a file of that name is a whole store, and an empty one is damaged. Only the holder of the
    lock may call it.

    Raises
    ------
    SaveError
        If it cannot be made.
    """
    part = path.with_name(f".sepl-{secrets.token_hex(8)}.part")
    with saving(path):
        try:
            with closing(connect(part, mode="rwc")) as connection:
                schema.fill_new(connection, now(), who)
            _keep_leftovers(path)
            part.replace(path)
        except OSError as error:
            raise unsaved(path, error.strerror or str(error)) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _keep_leftovers(path: Path) -> None:
    """Rename the files of a store that is gone: SQLite would merge them into the new one."""
    for companion in companions(path):
        if companion.exists():
            companion.rename(free_name(companion, "leftover"))


def free_name(path: Path, why: str) -> Path:
    """Return an unused name beside `path`, with the reason and the time in it."""
    name = f"{path.name}.{why}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names = (path.with_name(f"{name}{f'-{number}' * (number > 1)}") for number in count(1))
    return next(free for free in names if not any(map(os.path.lexists, (free, *companions(free)))))


def connect_to_read(path: Path) -> LimitedConnection:
    """Open a store for reading, also where its folder cannot be written to.

    SQLite writes beside a store even to read it, unless the file is declared immutable; which is
    true only if no changes wait beside it to be merged. Beside an empty file SQLite would delete
    such changes, so it never opens one.
    """
    if not path.stat().st_size:
        raise corrupt(path, "its file is empty")
    connection = connect(path, mode="ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except UNREADABLE as error:
        connection.close()
        if error_code(error) not in _CLOSED_FOLDER or _is_unmerged(path):
            raise
        connection = connect(path, mode="ro&immutable=1")
    return connection


def check(path: Path, connection: LimitedConnection) -> None:
    """Check whether a file is a store of this version; of a large one not every page.

    Raises
    ------
    StoreNewerError
        If a later version made it.
    StoreCorruptError
        If it is damaged.
    InputError
        If it is another program's, or of an earlier version.
    """
    with reading(path):
        tables = schema.read_tables(connection)
        _check_mark(path, connection, tables)
        _check_version(path, schema.read_version(connection), tables)
        if path.stat().st_size % schema.PAGE_SIZE and not _is_unmerged(path):
            raise corrupt(path, "its file was cut off")  # SQLite reads zeros beyond its end
        if path.stat().st_size <= CHECKED_AT_ONCE:
            check_pages(path, connection)


def check_pages(path: Path, connection: LimitedConnection) -> None:
    """Read all of a store and raise StoreCorruptError if any page of it is damaged."""
    with reading(path):
        connection.allow(size_of(path))
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise corrupt(path, verdict)


def _check_mark(
    path: Path, connection: sqlite3.Connection, tables: frozenset[tuple[str, ...]]
) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID:
        return
    if tables and not any("edit_log" in table for table in tables):
        raise InputError(
            path, found="a database of another program", expected="a store, or no file"
        )
    raise corrupt(path, "its first bytes are not a store's")


def _check_version(path: Path, version: int, tables: frozenset[tuple[str, ...]]) -> None:
    sound = tables == schema.expected_tables()
    if schema.VERSION < version <= _MOST_VERSIONS:
        raise StoreNewerError(
            path,
            found=f"a store of schema version {version}, made by a later napari-sepl",
            expected=f"version {schema.VERSION}; update napari-sepl",
        )
    if 0 < version < schema.VERSION and not sound:
        raise InputError(
            path,
            found=f"a store of schema version {version}, made by an earlier napari-sepl",
            expected=f"version {schema.VERSION}; move it away to begin a new one",
        )
    if version != schema.VERSION:
        raise corrupt(path, f"its schema version is {version}")
    if not sound:
        raise corrupt(path, _foreign(tables))


def _foreign(tables: frozenset[tuple[str, ...]]) -> str:
    """Return what makes tables not those of a store."""
    foreign = min(tables - schema.expected_tables(), default=None)
    if foreign is None:
        return "its tables are not a store's"
    kind, name, *_rest = foreign
    return f"its {kind} {name} is not a store's"


def _is_unmerged(path: Path) -> bool:
    """Return whether changes wait beside the file, which may be half-merged then."""
    wal = companions(path)[0]
    return wal.exists() and wal.stat().st_size > 0


def connect_to_write(path: Path, *, shared: bool = False) -> LimitedConnection:
    """Open a checked store for writing.

    Each transaction is forced to the disk before it counts as done (synchronous = FULL), so it
    outlives a killed process and a pulled plug. Where the disk allows no WAL, as some network
    disks, SQLite stays with its rollback journal, which keeps the same promise and is slower. On a
    `shared` disk, which other computers read, a new store keeps it: a WAL needs common memory.
    """
    connection = connect(path, mode="rw")
    try:
        if not shared:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        _try_to_write(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _try_to_write(connection: sqlite3.Connection) -> None:
    """Raise SQLite's error if nothing can be written; BEGIN alone raises none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = schema.read_version(connection)
        connection.execute(f"PRAGMA user_version = {version}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
