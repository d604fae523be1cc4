"""Recovery of a damaged store into a new one; the damaged file is kept."""

import os
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SaveError, counted
from napari_sepl.document.edits import Status
from napari_sepl.files.store import schema
from napari_sepl.files.store.access import Right
from napari_sepl.files.store.connections import UNREADABLE, connect, free_name, now, saving
from napari_sepl.files.store.encoding import parse_decisions
from napari_sepl.files.store.limits import LimitedConnection
from napari_sepl.files.store.place import check_place, companions, size_of
from napari_sepl.files.store.review import WHOLE_DATASET, LogEntry, Review
from napari_sepl.files.store.schema import PAGE_SIZE, TABLES, Table
from napari_sepl.files.store.values import parse_object
from napari_sepl.files.store.writes import Stamp, short_facts, write_log

Row = tuple[Any, ...]

_HEADER_SIZE = 100
_LAST_ROW = 2**40  # no row has a higher number
_WAL = b"\2\2"  # the file may have a write-ahead log
_NOBODY = "recovery"  # the annotator of rows that were restored from the log


@dataclass(frozen=True)
class Recovery:
    """The result of a recovery.

    Parameters
    ----------
    kept : Path
        The damaged file, byte for byte, with SQLite's files beside it.
    samples, overlays, decisions, entries : int
        Samples with a status, samples with painted pixels, decisions on masks, log entries.
    gaps : int
        Places that could not be read; each may hide one row or many.
    """

    kept: Path
    samples: int
    overlays: int
    decisions: int
    entries: int
    gaps: int

    def __str__(self) -> str:
        return (
            f"Recovered {counted(self.samples, 'sample')}, "
            f"{self.overlays:,} of them with painted pixels, "
            f"{self.decisions:,} decisions on masks and {self.entries:,} log entries; "
            f"{self.gaps:,} places could not be read. The damaged file is kept: {self.kept}"
        )


@dataclass
class Salvage:
    """The rows that could be read.

    Parameters
    ----------
    rows : dict of str to list of tuple
        Valid rows by table.
    gaps : int
        Places with unreadable or invalid rows.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    gaps: int = 0

    @property
    def count(self) -> int:
        """How many rows were read."""
        return sum(map(len, self.rows.values()))


def recover(path: Path, *, who: str) -> Recovery:
    """Replace a damaged store by a new one with all rows that can be read.

    The damaged file is kept under a new name beside it. If the recovery is stopped, there is
    still a store at `path`, damaged or recovered, and every byte of the damaged one under one of
    the names; it can be repeated.

    Parameters
    ----------
    path : Path
        The damaged store.
    who : str
        The annotator, for the log.

    Raises
    ------
    InputError
        If a link, a pipe or the like is in its place or beside it.
    SaveError
        If another window has the store open, or the disk has no room for a copy.
    """
    check_place(path)
    right = Right.ask(path, who)
    if right.lock is None:
        raise SaveError(f"could not be recovered: {path}: {right.reason}.")
    try:
        return _recover(path, who)
    except OSError as error:
        if isinstance(error, SaveError):
            raise
        raise SaveError(
            f"could not be recovered: {path} ({error.strerror or error}); it is untouched."
        ) from error
    finally:
        right.lock.release()


def _recover(path: Path, who: str) -> Recovery:
    kept = _keep(path)
    with tempfile.TemporaryDirectory(prefix=".sepl-", dir=path.parent) as folder, saving(path):
        copy, fresh = Path(folder) / "copy", Path(folder) / "fresh"
        for source, target in zip(
            (kept, *companions(kept)), (copy, *companions(copy)), strict=True
        ):
            if source.exists():
                shutil.copyfile(source, target)
        with closing(connect(fresh, mode="rwc")) as connection:
            schema.fill_new(connection, now(), who)
            found = _salvage(copy, fresh)
            recovery = _fill(connection, found, kept, who)
        for companion in companions(path):  # SQLite would take them for the new store's
            companion.unlink(missing_ok=True)
        fresh.replace(path)
    return recovery


def _keep(path: Path) -> Path:
    """Give the damaged file a second name, and copy SQLite's files beside it."""
    kept = free_name(path, "damaged")
    for source, target in zip(companions(path), companions(kept), strict=True):
        if source.exists():
            shutil.copy2(source, target)
    try:
        os.link(path, kept)
    except OSError:  # a disk without links, as of cameras
        shutil.copy2(path, kept)
    return kept


def _fill(connection: sqlite3.Connection, found: Salvage, kept: Path, who: str) -> Recovery:
    rows = _joined(found)
    connection.execute("BEGIN IMMEDIATE")
    if rows["store"]:
        connection.execute("DELETE FROM store")
    for table, held in rows.items():
        places = ", ".join("?" * len(held[0])) if held else ""
        if places:
            connection.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", held)  # noqa: S608
    samples, overlays, entries = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in ("sample", "overlay", "edit_log")
    )
    decided = connection.execute("SELECT value FROM decisions")
    decisions = sum(len(parse_decisions(text)) for (text,) in decided)
    recovery = Recovery(kept, samples, overlays, decisions, entries, found.gaps)
    facts = {"kept": kept.name, "gaps": found.gaps, "samples": recovery.samples}
    write_log(connection, WHOLE_DATASET, [LogEntry("recovered", facts)], Stamp(who, now()))
    connection.execute("COMMIT")
    return recovery


def _joined(found: Salvage) -> dict[str, list[Row]]:
    """Return the rows, with lost rows of samples restored from the log."""
    rows = {table.name: list(found.rows.get(table.name, ())) for table in TABLES}
    known = {row[0] for row in rows["sample"]}
    facts: dict[str, dict[str, Any]] = {
        sample_id: {} for table in TABLES if table.of_samples for sample_id, *_ in rows[table.name]
    }
    for _seq, sample_id, _at, _who, kind, payload, _blob in rows["edit_log"]:
        if sample_id != WHOLE_DATASET:
            facts.setdefault(sample_id, {})[kind] = parse_object(payload).get("after")
    # A lost row had the digest of the masks that the sample's decisions hold for.
    rows["decisions"] = [row for row in rows["decisions"] if row[0] in known]
    rows["sample"] += [
        _sample_row(sample_id, last) for sample_id, last in facts.items() if sample_id not in known
    ]
    return rows


def _sample_row(sample_id: str, last: Mapping[str, Any]) -> Row:
    """Return the row of a sample, restored from its last log entries by kind."""
    review = Review(sample_id, note=str(last.get("note") or ""))
    with suppress(ValueError):  # if the log is damaged, as a new sample
        status = Status(last.get("status") or review.status)
        settings = last.get("params")
        params = None if settings is None else Params.model_validate(settings)
        review = replace(review, status=status, params=params)
    return review.sample_id, 0, *short_facts(review), _NOBODY, now()


# --- reading what can be read


def _salvage(copy: Path, sound: Path) -> Salvage:
    """Return all readable rows of a copy of a damaged store; the copy is changed.

    It is tried as it is, with the first bytes of an intact store, and with its whole first page,
    which holds the places of the tables; the most rows count.

    Parameters
    ----------
    copy : Path
        The copy, with its -wal beside it if there was one.
    sound : Path
        A new store of this version.
    """
    page = sound.read_bytes()[:PAGE_SIZE]
    if not copy.stat().st_size:  # SQLite would delete the log of an empty file
        _graft(copy, page)
    best = _read_all(copy)
    if not best.gaps:
        return best
    for length in (_HEADER_SIZE, PAGE_SIZE):
        _graft(copy, page[:length])
        found = _read_all(copy)
        if found.count > best.count:
            best = found
    return best


def _graft(copy: Path, beginning: bytes) -> None:
    """Replace the first bytes of a database, and set its true length in them."""
    with copy.open("r+b") as file:
        page = bytearray(file.read(PAGE_SIZE).ljust(PAGE_SIZE, b"\0"))
        page[: len(beginning)] = beginning
        pages = -(-max(os.fstat(file.fileno()).st_size, PAGE_SIZE) // PAGE_SIZE)
        struct.pack_into(">III", page, 28, pages, 0, 0)  # and no free pages
        page[18:20] = _WAL
        page[92:96] = page[24:28]  # the length counts only if both change counters agree
        file.seek(0)
        file.write(page)
        file.truncate(pages * PAGE_SIZE)


def _read_all(copy: Path) -> Salvage:
    found = Salvage()
    with closing(connect(copy, mode="rw")) as connection:
        if not _has_our_tables(connection):
            found.gaps += 1
            return found
        for table in TABLES:
            if not table.recovered:
                continue
            connection.allow(size_of(copy))
            held = found.rows[table.name] = []
            for row in _read_table(connection, table):
                if row is not None and _is_valid(table, row):
                    held.append(row)
                else:
                    found.gaps += 1
    return found


def _has_our_tables(connection: LimitedConnection) -> bool:
    """Return whether the tables are exactly a store's; others, and views, may not be read."""
    try:
        return schema.read_tables(connection) == schema.expected_tables()
    except UNREADABLE:
        return False


def _read_table(connection: LimitedConnection, table: Table) -> Iterator[Row | None]:
    """Yield the rows in order, and None for each unreadable place."""
    names = ", ".join(column.name for column in table.columns)
    query = f"SELECT rowid, {names} FROM {table.name} WHERE rowid > ? ORDER BY rowid"  # noqa: S608

    def next_after(number: int) -> Row | None:
        row: Row | None = connection.execute(f"{query} LIMIT 1", (number,)).fetchone()
        return row

    last: int | None = 0
    while last is not None:
        try:
            for number, *row in connection.rows(query, (last,)):
                if last < number <= _LAST_ROW:  # else the page is damaged, and so is the order
                    last = number
                    yield tuple(row)
        except UNREADABLE:
            yield None
            last = None if connection.is_spent else _readable_after(next_after, last)
        else:
            return


def _readable_after(next_after: Callable[[int], Row | None], last: int) -> int | None:
    """Return the lowest row number above `last` that is followed by a readable row."""

    def readable(number: int) -> bool:
        try:
            return next_after(number) is not None
        except UNREADABLE:
            return False

    step = 1
    while not readable(last + step):
        step *= 2
        if last + step > _LAST_ROW:
            return None
    bad, good = last + step // 2, last + step
    while good - bad > 1:
        middle = (bad + good) // 2
        bad, good = (bad, middle) if readable(middle) else (middle, good)
    return good


def _is_valid(table: Table, row: Row) -> bool:
    try:
        table.check(row)
    except (ValueError, TypeError):
        return False
    return True
