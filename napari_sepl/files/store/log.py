"""The log of a store: what was done to each sample, and by whom."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from napari_sepl.core.params import Params
from napari_sepl.files.store.fields import parse_object
from napari_sepl.files.store.review import LogEntry, Logged

_LOG = "INSERT INTO edit_log (sample_id, at, who, kind, payload, blob) VALUES (?, ?, ?, ?, ?, ?)"
SAVED = "saved"
"""Kind of the entry that tells, by `digest_labels`, which labels were saved."""

WHOLE_DATASET = ""
"""The sample id of log entries that concern no single sample."""


class Stamp(NamedTuple):
    """Who wrote something and when."""

    who: str
    at: str


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
