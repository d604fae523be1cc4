"""Writes to the tables of a store, each within a transaction of its caller."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from napari_sepl.core.algorithm.params import Params
from napari_sepl.document.edits import Status
from napari_sepl.files.store.encoding import decode_params, encode_params
from napari_sepl.files.store.review import FACTS, SAVED, STATUS, LogEntry, Review, Value


class Stamp(NamedTuple):
    """The annotator and the time of a write."""

    who: str
    at: str


def put(table: str, key: str, *columns: str, also: str = "") -> str:
    """Return the statement that updates or inserts a row."""
    marks = ", ".join("?" * (1 + len(columns)))
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join((key, *columns))}) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {sets}{also}"
    )


SHORT = tuple(name for name, fact in FACTS.items() if not fact.long)
LONG = tuple(name for name, fact in FACTS.items() if fact.long)
STAMP = ("who", "updated_at")
_PUT_REVIEW = put("sample", "id", *STAMP, *SHORT)
_PUT_STATUS = put("sample", "id", "status", *STAMP)
# Labels saved with other settings are no longer those of this state, nor is their change.
_PUT_PARAMS = put("sample", "id", "params", *STAMP, also=", labels = '', changed = NULL")
_PUT_LOG = (
    "INSERT INTO edit_log (sample_id, at, who, kind, payload, blob) VALUES (?, ?, ?, ?, ?, ?)"
)


def write_review(
    connection: sqlite3.Connection, review: Review, entries: Sequence[LogEntry], stamp: Stamp
) -> None:
    """Replace the review of a sample, and log the steps since the last one."""
    before, labels = connection.execute(
        "SELECT status, labels FROM sample WHERE id = ?", (review.sample_id,)
    ).fetchone() or (Status.PENDING, "")
    connection.execute(_PUT_REVIEW, (review.sample_id, *stamp, *short_facts(review)))
    connection.execute(
        "UPDATE sample SET edits = edits + ? WHERE id = ?",
        (sum(not entry.of_status for entry in entries), review.sample_id),
    )
    for name in LONG:
        value = FACTS[name].write(getattr(review, name))
        if value is None:
            connection.execute(f"DELETE FROM {name} WHERE sample_id = ?", (review.sample_id,))  # noqa: S608
        else:
            connection.execute(put(name, "sample_id", "value"), (review.sample_id, value))
    logged = list(entries)
    set_to = [entry.payload["after"] for entry in entries if entry.kind == STATUS]
    if review.status != (set_to or [before])[-1]:
        logged.append(_logged_change(STATUS, before, review.status))
    if review.labels not in ("", labels):
        logged.append(LogEntry(SAVED, {"labels": review.labels}))
    write_log(connection, review.sample_id, logged or [LogEntry("review")], stamp)


def short_facts(review: Review) -> list[Value]:
    """Return the values of a review in the samples' table, in order."""
    return [FACTS[name].write(getattr(review, name)) for name in SHORT]


def write_statuses(
    connection: sqlite3.Connection, changes: Mapping[str, Status], stamp: Stamp
) -> dict[str, Status]:
    """Set many statuses and return the old ones of samples that changed."""
    rows = connection.execute("SELECT id, status FROM sample").fetchall()
    there = {sample_id: Status(status) for sample_id, status in rows}
    before = {
        sample_id: there.get(sample_id, Status.PENDING)
        for sample_id, status in changes.items()
        if there.get(sample_id, Status.PENDING) != status
    }
    connection.executemany(_PUT_STATUS, [(s, changes[s], *stamp) for s in before])
    log_each(connection, STATUS, before, changes, stamp)
    return before


def write_params(
    connection: sqlite3.Connection, changes: Mapping[str, Params | None], stamp: Stamp
) -> dict[str, Params | None]:
    """Set the settings of many samples and return the old ones of samples that changed."""
    held = connection.execute("SELECT id, params FROM sample").fetchall()
    there = {sample_id: text for sample_id, text in held if sample_id in changes}
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


def write_log(
    connection: sqlite3.Connection, sample_id: str, entries: Iterable[LogEntry], stamp: Stamp
) -> None:
    """Add entries to the log."""
    connection.executemany(
        _PUT_LOG,
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
    """Log the change of each sample in `before`."""
    for sample_id, value in before.items():
        write_log(connection, sample_id, [_logged_change(kind, value, after[sample_id])], stamp)


def _logged_change(kind: str, before: object, after: object) -> LogEntry:
    """Return the entry of a change of settings or of a status."""

    def as_json(value: object) -> object:
        return value.model_dump(mode="json") if isinstance(value, Params) else value

    return LogEntry(kind, {"before": as_json(before), "after": as_json(after)})
