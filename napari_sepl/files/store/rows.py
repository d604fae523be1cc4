"""Rows of a store: read them, and write them inside a transaction."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from napari_sepl.core.params import Params
from napari_sepl.files.store.fields import parse_class_ids, parse_object, read_params
from napari_sepl.files.store.log import (
    SAVED,
    WHOLE_DATASET,
    Stamp,
    log_each,
    logged_change,
    write_log,
)
from napari_sepl.files.store.overlays import decode_overlay, encode_overlay
from napari_sepl.files.store.prompted import read_prompted, write_prompted
from napari_sepl.files.store.review import LogEntry, Review, Status, StatusRow

_REVIEW = """
    SELECT status, params, overlay.runs, class_ids, protection.runs, note, digests, seconds,
        changed, labels
    FROM sample LEFT JOIN overlay ON overlay.sample_id = id
        LEFT JOIN protection ON protection.sample_id = id
    WHERE id = ?
"""
_PUT_REVIEW = """
    INSERT INTO sample
        (id, status, edits, changed, note, seconds, who, updated_at, params, digests, labels)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        status = excluded.status, edits = edits + excluded.edits, changed = excluded.changed,
        note = excluded.note, seconds = excluded.seconds, who = excluded.who,
        updated_at = excluded.updated_at, params = excluded.params, digests = excluded.digests,
        labels = excluded.labels
"""
_PUT_STATUS = """
    INSERT INTO sample (id, status, who, updated_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        status = excluded.status, who = excluded.who, updated_at = excluded.updated_at
"""
_PUT_NOTE = """
    INSERT INTO sample (id, note, who, updated_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        note = excluded.note, who = excluded.who, updated_at = excluded.updated_at
"""
# Labels saved with other settings are no longer those of this state, nor is their change.
_PUT_PARAMS = """
    INSERT INTO sample (id, params, who, updated_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        params = excluded.params, who = excluded.who, updated_at = excluded.updated_at,
        labels = '', changed = NULL
"""
_PUT_OVERLAY = """
    INSERT INTO overlay (sample_id, runs) VALUES (?, ?)
    ON CONFLICT (sample_id) DO UPDATE SET runs = excluded.runs
"""
_PUT_PROTECTION = """
    INSERT INTO protection (sample_id, class_ids, runs) VALUES (?, ?, ?)
    ON CONFLICT (sample_id) DO UPDATE SET class_ids = excluded.class_ids, runs = excluded.runs
"""
_PUT_SESSION = """
    INSERT INTO session (key, value) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


def read_store_id(connection: sqlite3.Connection) -> str:
    """Return what tells this store from all others."""
    row = connection.execute("SELECT id FROM store").fetchone()
    return "" if row is None else str(row[0])


def read_review(connection: sqlite3.Connection, sample_id: str) -> Review | None:
    """Return the review of a sample; ValueError or TypeError if its row makes no sense."""
    connection.execute("BEGIN")  # all queries see one state
    try:
        row = connection.execute(_REVIEW, (sample_id,)).fetchone()
        if row is None:
            return None
        status, params, runs, class_ids, pins, note, digests, seconds, changed, labels = row
        digests = parse_object(digests)
        overrides = read_overrides(connection, sample_id, digests.get("masks", ""))
        prompted = read_prompted(connection, sample_id)
    finally:
        connection.execute("COMMIT")
    return Review(
        sample_id,
        Status(status),
        read_params(params),
        decode_overlay(runs),
        overrides,
        note,
        digests,
        float(seconds),
        None if changed is None else float(changed),
        labels,
        parse_class_ids(class_ids),
        decode_overlay(pins),
        prompted,
    )


def read_overrides(
    connection: sqlite3.Connection, sample_id: str, masks_digest: str
) -> dict[int, int]:
    """Return mask index to class for the masks with this digest."""
    return dict(
        connection.execute(
            "SELECT mask_index, class_id FROM mask_override "
            "WHERE sample_id = ? AND masks_digest = ? ORDER BY mask_index",
            (sample_id, masks_digest),
        ).fetchall()
    )


def read_statuses(connection: sqlite3.Connection) -> dict[str, StatusRow]:
    """Return what the queue shows of each sample that has a row."""
    statuses = {str(status): status for status in Status}
    rows = connection.execute("SELECT id, status, edits, changed, note FROM sample")
    return {
        sample_id: StatusRow(statuses[status], edits, changed, note)
        for sample_id, status, edits, changed, note in rows
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
    connection.execute(
        _PUT_REVIEW,
        (
            review.sample_id,
            review.status,
            len(entries),
            review.changed,
            review.note,
            review.seconds,
            *stamp,
            None if review.params is None else review.params.model_dump_json(),
            json.dumps(dict(review.digests)),
            review.labels,
        ),
    )
    _write_overlay(connection, review)
    _write_overrides(connection, review)
    _write_protection(connection, review)
    write_prompted(connection, review.sample_id, review.prompted)
    logged = list(entries)
    if before != review.status:
        logged.append(logged_change("status", before, review.status))
    if review.labels not in ("", labels):
        logged.append(LogEntry(SAVED, {"labels": review.labels}))
    write_log(connection, review.sample_id, logged or [LogEntry("review")], stamp)


def _write_overlay(connection: sqlite3.Connection, review: Review) -> None:
    runs = encode_overlay(review.overlay)
    if runs is None:
        connection.execute("DELETE FROM overlay WHERE sample_id = ?", (review.sample_id,))
    else:
        connection.execute(_PUT_OVERLAY, (review.sample_id, runs))


def _write_overrides(connection: sqlite3.Connection, review: Review) -> None:
    """Replace the overrides of these masks; those of other masks stay, should they come back."""
    masks = review.digests.get("masks", "")
    connection.execute(
        "DELETE FROM mask_override WHERE sample_id = ? AND masks_digest = ?",
        (review.sample_id, masks),
    )
    connection.executemany(
        "INSERT INTO mask_override VALUES (?, ?, ?, ?)",
        [
            (review.sample_id, masks, int(mask_index), int(class_id))
            for mask_index, class_id in review.overrides.items()
        ],
    )


def _write_protection(connection: sqlite3.Connection, review: Review) -> None:
    if review.protected:
        row = (json.dumps(sorted(review.protected)), encode_overlay(review.pins))
        connection.execute(_PUT_PROTECTION, (review.sample_id, *row))
    else:
        connection.execute("DELETE FROM protection WHERE sample_id = ?", (review.sample_id,))


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
    parsed = {text: read_params(text) for text in set(there.values())}
    before = {
        sample_id: parsed.get(there.get(sample_id))
        for sample_id, params in changes.items()
        if parsed.get(there.get(sample_id)) != params
    }
    texts = {params: params and params.model_dump_json() for params in set(changes.values())}
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
