"""Rows of a store: read them, and write them inside a transaction."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from napari_sepl.core.params import Params
from napari_sepl.files.store.encoding import decode_params, encode_params, parse_object
from napari_sepl.files.store.review import FACTS, LogEntry, Logged, Review, Status, StatusRow, Value

SAVED = "saved"
"""Kind of the entry that tells, by `digest_labels`, which labels were saved."""

WHOLE_DATASET = ""
"""The sample id of log entries that concern no single sample."""


class Stamp(NamedTuple):
    """Who wrote something and when."""

    who: str
    at: str


class StampedFacts(NamedTuple):
    """What was read off the files of a sample, and off which state of them.

    Parameters
    ----------
    stamp : str
        Tells this state of the files, and this kind of facts, from all others.
    facts : mapping
        The facts, as JSON can hold them.
    """

    stamp: str
    facts: Mapping[str, Any]


def _put(table: str, key: str, *columns: str, also: str = "") -> str:
    """Return the statement that puts values into a row, which is made if need be."""
    marks = ", ".join("?" * (1 + len(columns)))
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join((key, *columns))}) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {sets}{also}"
    )


_SHORT = tuple(name for name, fact in FACTS.items() if not fact.long)
_LONG = tuple(name for name, fact in FACTS.items() if fact.long)
_READ_LONG = (f"(SELECT value FROM {name} WHERE sample_id = id)" for name in _LONG)  # noqa: S608
_REVIEW = f"SELECT {', '.join((*_SHORT, *_READ_LONG))} FROM sample WHERE id = ?"  # noqa: S608
_STATUSES = f"SELECT id, {', '.join(StatusRow._fields)} FROM sample"  # noqa: S608
_STAMP = ("who", "updated_at")
_PUT_REVIEW = _put("sample", "id", *_STAMP, *_SHORT)
_PUT_STATUS = _put("sample", "id", "status", *_STAMP)
_PUT_NOTE = _put("sample", "id", "note", *_STAMP)
# Labels saved with other settings are no longer those of this state, nor is their change.
_PUT_PARAMS = _put("sample", "id", "params", *_STAMP, also=", labels = '', changed = NULL")
_PUT_SESSION = _put("session", "key", "value")
_PUT_FACTS = _put("sample_facts", "sample_id", "stamp", "facts")
_LOG = "INSERT INTO edit_log (sample_id, at, who, kind, payload, blob) VALUES (?, ?, ?, ?, ?, ?)"


def read_store_id(connection: sqlite3.Connection) -> str:
    """Return what tells this store from all others."""
    row = connection.execute("SELECT id FROM store").fetchone()
    return "" if row is None else str(row[0])


def read_review(connection: sqlite3.Connection, sample_id: str) -> Review | None:
    """Return the review of a sample; ValueError or TypeError if its row makes no sense."""
    row = connection.execute(_REVIEW, (sample_id,)).fetchone()
    if row is None:
        return None
    values = zip((*_SHORT, *_LONG), row, strict=True)
    return Review(sample_id, **{name: FACTS[name].read(value) for name, value in values})


def read_statuses(connection: sqlite3.Connection) -> dict[str, StatusRow]:
    """Return what the queue shows of each sample that has a row."""
    statuses = {str(status): status for status in Status}
    return {
        sample_id: StatusRow(statuses[status], *rest)
        for sample_id, status, *rest in connection.execute(_STATUSES)
    }


def read_session(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what was noted of the window, by key."""
    rows = connection.execute("SELECT key, value FROM session").fetchall()
    return {key: json.loads(value) for key, value in rows}


def write_review(
    connection: sqlite3.Connection, review: Review, entries: Sequence[LogEntry], stamp: Stamp
) -> None:
    """Put a review in the place of the one that is there, and log what led to it."""
    before, labels = _standing_of(connection, review.sample_id)
    connection.execute(_PUT_REVIEW, (review.sample_id, *stamp, *short_facts(review)))
    connection.execute(
        "UPDATE sample SET edits = edits + ? WHERE id = ?", (len(entries), review.sample_id)
    )
    for name in _LONG:
        value = FACTS[name].write(getattr(review, name))
        if value is None:
            connection.execute(f"DELETE FROM {name} WHERE sample_id = ?", (review.sample_id,))  # noqa: S608
        else:
            connection.execute(_put(name, "sample_id", "value"), (review.sample_id, value))
    logged = list(entries)
    if before != review.status:
        logged.append(logged_change("status", before, review.status))
    if review.labels not in ("", labels):
        logged.append(LogEntry(SAVED, {"labels": review.labels}))
    write_log(connection, review.sample_id, logged or [LogEntry("review")], stamp)


def short_facts(review: Review) -> list[Value]:
    """Return what the samples' table keeps of a review, in its order."""
    return [FACTS[name].write(getattr(review, name)) for name in _SHORT]


def write_statuses(
    connection: sqlite3.Connection, changes: Mapping[str, Status], stamp: Stamp
) -> dict[str, Status]:
    """Set many statuses and return those that were there before, of samples that changed."""
    rows = connection.execute("SELECT id, status FROM sample").fetchall()
    there = {sample_id: Status(status) for sample_id, status in rows}
    before = {
        sample_id: there.get(sample_id, Status.PENDING)
        for sample_id, status in changes.items()
        if there.get(sample_id, Status.PENDING) != status
    }
    connection.executemany(_PUT_STATUS, [(s, changes[s], *stamp) for s in before])
    log_each(connection, "status", before, changes, stamp)
    return before


def write_params(
    connection: sqlite3.Connection, changes: Mapping[str, Params | None], stamp: Stamp
) -> dict[str, Params | None]:
    """Set the settings of many samples and return those that were there before."""
    rows = connection.execute("SELECT id, params FROM sample").fetchall()
    there = {sample_id: text for sample_id, text in rows if sample_id in changes}
    parsed = {text: decode_params(text) for text in set(there.values())}
    before = {
        sample_id: parsed.get(there.get(sample_id))
        for sample_id, params in changes.items()
        if parsed.get(there.get(sample_id)) != params
    }
    texts = {params: encode_params(params) for params in set(changes.values())}
    connection.executemany(_PUT_PARAMS, [(s, texts[changes[s]], *stamp) for s in before])
    log_each(connection, "params", before, changes, stamp)
    return before


def write_note(connection: sqlite3.Connection, sample_id: str, note: str, stamp: Stamp) -> None:
    """Set the remark of a sample."""
    connection.execute(_PUT_NOTE, (sample_id, note, *stamp))
    write_log(connection, sample_id, [LogEntry("note", {"after": note})], stamp)


def write_session(connection: sqlite3.Connection, values: Mapping[str, Any], stamp: Stamp) -> None:
    """Set some of what is noted of the window, and log which."""
    rows = [(key, json.dumps(value)) for key, value in values.items()]
    connection.executemany(_PUT_SESSION, rows)
    write_log(connection, WHOLE_DATASET, [LogEntry("session", {"keys": sorted(values)})], stamp)


def _standing_of(connection: sqlite3.Connection, sample_id: str) -> tuple[str, str]:
    """Return a sample's status, and the digest of the labels that were saved from its state."""
    row: tuple[str, str] | None = connection.execute(
        "SELECT status, labels FROM sample WHERE id = ?", (sample_id,)
    ).fetchone()
    return (Status.PENDING, "") if row is None else row


# --- the log


def read_log(connection: sqlite3.Connection, sample_id: str) -> list[Logged]:
    """Return what was done to a sample, oldest first."""
    rows = connection.execute(
        "SELECT seq, at, who, kind, payload, blob FROM edit_log WHERE sample_id = ? ORDER BY seq",
        (sample_id,),
    ).fetchall()
    return [
        Logged(seq, sample_id, at, who, LogEntry(kind, parse_object(payload), blob))
        for seq, at, who, kind, payload, blob in rows
    ]


def write_log(
    connection: sqlite3.Connection, sample_id: str, entries: Iterable[LogEntry], stamp: Stamp
) -> None:
    """Add entries to the log."""
    connection.executemany(
        _LOG,
        [
            (sample_id, stamp.at, stamp.who, entry.kind, json.dumps(entry.payload), entry.blob)
            for entry in entries
        ],
    )


def log_each(
    connection: sqlite3.Connection,
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    stamp: Stamp,
) -> None:
    """Add an entry for each sample that changed."""
    for sample_id, value in before.items():
        write_log(connection, sample_id, [logged_change(kind, value, after[sample_id])], stamp)


def logged_change(kind: str, before: object, after: object) -> LogEntry:
    """Return the entry of a change, as the log keeps settings and statuses."""

    def told(value: object) -> object:
        return value.model_dump(mode="json") if isinstance(value, Params) else value

    return LogEntry(kind, {"before": told(before), "after": told(after)})


# --- facts


def read_facts(
    connection: sqlite3.Connection, sample_ids: Iterable[str]
) -> dict[str, StampedFacts]:
    """Return the facts of those samples that have any which make sense."""
    query = "SELECT stamp, facts FROM sample_facts WHERE sample_id = ?"
    found = {}
    for sample_id in sample_ids:
        row = connection.execute(query, (sample_id,)).fetchone()
        if row is not None:
            with suppress(ValueError, TypeError):  # damage: they will be read anew
                found[sample_id] = StampedFacts(str(row[0]), parse_object(row[1]))
    return found


def write_facts(connection: sqlite3.Connection, facts: Mapping[str, StampedFacts]) -> None:
    """Put the facts of samples in the place of those that are there."""
    connection.executemany(
        _PUT_FACTS,
        [(sample_id, told.stamp, json.dumps(told.facts)) for sample_id, told in facts.items()],
    )
