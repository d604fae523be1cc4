"""Reading what can be read of a damaged database."""

import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_sepl.files.store._sqlite import UNREADABLE, connect
from napari_sepl.files.store.fields import parse_class_ids, parse_object, read_params
from napari_sepl.files.store.overlays import decode_overlay
from napari_sepl.files.store.prompted import decode_prompted
from napari_sepl.files.store.review import Status
from napari_sepl.files.store.schema import PAGE_SIZE

Row = tuple[Any, ...]

_HEADER_SIZE = 100
_LAST_ROW = 2**40  # no row has a higher number
_WAL = b"\2\2"  # the file may have a write-ahead log
# sample_facts is left out on purpose: what it held is read off the samples' files anew
COLUMNS = {
    "sample": (
        "id, status, edits, changed, note, seconds, who, updated_at, params, digests, labels"
    ),
    "overlay": "sample_id, runs",
    "mask_override": "sample_id, masks_digest, mask_index, class_id",
    "protection": "sample_id, class_ids, runs",
    "prompted_mask": "sample_id, mask_index, rle, predicted_iou",
    "edit_log": "seq, sample_id, at, who, kind, payload, blob",
    "session": "key, value",
    "store": "id, made_at, who",
}


_YOUNG = frozenset({"protection", "prompted_mask"})
"""Tables that stores of older versions have not."""


@dataclass
class Salvage:
    """Rows that were read, by table, and how often reading failed.

    Parameters
    ----------
    rows : dict of str to list of tuple
        Rows in which every value makes sense.
    gaps : int
        Places where one or more rows could not be read, or one made no sense.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    gaps: int = 0

    @property
    def count(self) -> int:
        """How many rows were read."""
        return sum(map(len, self.rows.values()))


def salvage(copy: Path, sound: Path) -> Salvage:
    """Read what can be read of a copy of a damaged store, which is changed on the way.

    Tried as it is, with the first bytes of a sound store, and with all of its first page, which
    says where the tables are: whichever gives most.

    Parameters
    ----------
    copy : Path
        The copy, with its -wal beside it if there was one.
    sound : Path
        A store as this version makes it.
    """
    page = sound.read_bytes()[:PAGE_SIZE]
    if not copy.stat().st_size:  # SQLite would throw the log of an empty file away
        _graft(copy, page)
    best = _read_all(copy)
    if not best.gaps:
        return best
    for taken in (_HEADER_SIZE, PAGE_SIZE):
        _graft(copy, page[:taken])
        found = _read_all(copy)
        if found.count > best.count:
            best = found
    return best


def _graft(copy: Path, beginning: bytes) -> None:
    """Put other first bytes in the place of a database's own, and its true length in them."""
    content = bytearray(copy.read_bytes())
    content.extend(bytes(-len(content) % PAGE_SIZE or PAGE_SIZE * (not content)))
    content[: len(beginning)] = beginning
    pages, changes = len(content) // PAGE_SIZE, content[24:28]
    struct.pack_into(">III", content, 28, pages, 0, 0)  # and no free pages
    content[18:20] = _WAL
    content[92:96] = changes  # the length counts only if both change counters agree
    copy.write_bytes(content)


def _read_all(copy: Path) -> Salvage:
    found = Salvage()
    with closing(connect(copy, mode="rw")) as connection:
        try:
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        except UNREADABLE:
            found.gaps += 1
            return found
        for table, columns in COLUMNS.items():
            found.rows[table] = []
            if table in _YOUNG - there:
                continue
            for row in _read_table(connection, table, columns):
                if row is not None and _makes_sense(table, row):
                    found.rows[table].append(row)
                else:
                    found.gaps += 1
    return found


def _read_table(connection: sqlite3.Connection, table: str, columns: str) -> Iterator[Row | None]:
    """Yield rows in order, and None for each place where some could not be read."""
    query = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid"  # noqa: S608  names above

    def next_after(number: int) -> Row | None:
        row: Row | None = connection.execute(f"{query} LIMIT 1", (number,)).fetchone()
        return row

    last: int | None = 0
    while last is not None:
        try:
            for number, *row in connection.execute(query, (last,)):
                if last < number <= _LAST_ROW:  # else the page is damaged, and so is the order
                    last = number
                    yield tuple(row)
        except UNREADABLE:
            yield None
            last = _readable_after(next_after, last)
        else:
            return


def _readable_after(next_after: Callable[[int], Row | None], last: int) -> int | None:
    """Return the lowest row number above `last` after which a row can be read."""

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


def _makes_sense(table: str, row: Row) -> bool:
    """Tell whether a store that holds this row can be used."""
    try:
        _CHECKS[table](row)
    except (ValueError, TypeError):
        return False
    return True


def _check_sample(row: Row) -> None:
    sample_id, status, edits, changed, note, seconds, who, at, params, digests, labels = row
    _check_texts(sample_id, note, who, at, labels)
    Status(status)
    _check_numbers(edits, seconds, changed or 0.0)
    read_params(params)
    parse_object(digests)


def _check_overlay(row: Row) -> None:
    _check_texts(row[0])
    decode_overlay(row[1])


def _check_override(row: Row) -> None:
    sample_id, digest, mask_index, class_id = row
    _check_texts(sample_id, digest)
    _check_numbers(mask_index, class_id)
    if mask_index < -254 or not -1 <= class_id < 255:
        raise ValueError(f"mask {mask_index}, class {class_id}")


def _check_protection(row: Row) -> None:
    _check_texts(row[0])
    parse_class_ids(row[1])
    decode_overlay(row[2])


def _check_prompted(row: Row) -> None:
    sample_id, mask_index, rle, predicted_iou = row
    _check_texts(sample_id)
    _check_numbers(mask_index)
    decode_prompted(rle, predicted_iou)


def _check_entry(row: Row) -> None:
    _seq, sample_id, at, who, kind, payload, _blob = row
    _check_texts(sample_id, at, who, kind)
    parse_object(payload)


def _check_session(row: Row) -> None:
    _check_texts(row[0])
    parse_object(f'{{"value": {row[1]}}}')


def _check_store(row: Row) -> None:
    _check_texts(*row)


def _check_texts(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("text is no text")


def _check_numbers(*values: object) -> None:
    if not all(isinstance(value, int | float) for value in values):
        raise TypeError("a number is none")


_CHECKS: dict[str, Callable[[Row], None]] = {
    "sample": _check_sample,
    "overlay": _check_overlay,
    "mask_override": _check_override,
    "protection": _check_protection,
    "prompted_mask": _check_prompted,
    "edit_log": _check_entry,
    "session": _check_session,
    "store": _check_store,
}
