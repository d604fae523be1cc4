"""The record's one SQLite file, in the output folder."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.document.edits import Status
from napari_sepl.files.store.access import Access, Transactions
from napari_sepl.files.store.connections import check_pages, connect_to_read, corrupt, now, reading
from napari_sepl.files.store.encoding import decode_params, encode_params, parse_object
from napari_sepl.files.store.review import (
    FACTS,
    SAVED,
    STATUS,
    WHOLE_DATASET,
    LogEntry,
    Logged,
    Review,
    ReviewSummary,
    StampedFacts,
    StatusRow,
    Value,
)

FILE_NAME = "napari-sepl.sqlite"


def store_file(out: Path) -> Path:
    """Return the store of the output folder `out`."""
    return out / FILE_NAME


class Stamp(NamedTuple):
    """The annotator and the time of a write."""

    who: str
    at: str


def _put(table: str, key: str, *columns: str, also: str = "") -> str:
    """Return the statement that updates or inserts a row."""
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
_SUMMARIES = f"SELECT id, edits, who, {', '.join(_SHORT)} FROM sample"  # noqa: S608
_STATUSES = f"SELECT id, {', '.join(StatusRow._fields)} FROM sample"  # noqa: S608
_STAMP = ("who", "updated_at")
_PUT_REVIEW = _put("sample", "id", *_STAMP, *_SHORT)
_PUT_STATUS = _put("sample", "id", "status", *_STAMP)
_PUT_LABELS = _put("sample", "id", "labels", *_STAMP)
_PUT_NOTE = _put("sample", "id", "note", *_STAMP)
# Labels saved with other settings are no longer those of this state, nor is their change.
_PUT_PARAMS = _put("sample", "id", "params", *_STAMP, also=", labels = '', changed = NULL")
_PUT_SESSION = _put("session", "key", "value")
_PUT_FACTS = _put("sample_facts", "sample_id", "stamp", "facts")
_PUT_LOG = (
    "INSERT INTO edit_log (sample_id, at, who, kind, payload, blob) VALUES (?, ?, ?, ?, ?, ?)"
)
_LOG = "SELECT seq, at, who, kind, payload, blob FROM edit_log WHERE sample_id = ? ORDER BY seq"


class Store(Transactions):
    """The record of a dataset; a write is on the disk when its method returns.

    Each write is one transaction, which also adds to the log, unless it is of facts. See
    `Transactions`. Made by `open`.

    Attributes
    ----------
    path : Path
        The file.
    who : str
        The annotator, stored with each write.
    """

    @classmethod
    def open(cls, path: Path, *, who: str, write: bool = True) -> "Store":
        """Open a store, or make it if there is none.

        If it cannot be written to, for another window has it or its folder is read-only, it is
        opened for reading; see `read_only`.

        Parameters
        ----------
        path : Path
            The file; see `store_file`. Its folder is made if needed.
        who : str
            The annotator.
        write : bool
            Whether to write; False needs an existing store, and takes no lock.

        Raises
        ------
        StoreNewerError
            If a later version of this program made it.
        StoreCorruptError
            If it is damaged; `recover` saves what can be read.
        InputError
            If it cannot be read, is another program's, or does not exist and `write` is False.
        SaveError
            If it does not exist and cannot be made.
        """
        return cls(path, who, Access.gain(path, who, write=write, make=write))

    # --- reading

    def review(self, sample_id: str) -> Review | None:
        """Return the review of a sample; None if there is none.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its row is damaged.
        """
        with self._read() as connection:
            try:
                row = connection.execute(_REVIEW, (sample_id,)).fetchone()
                if row is None:
                    return None
                values = zip((*_SHORT, *_LONG), row, strict=True)
                return Review(
                    sample_id, **{name: FACTS[name].read(value) for name, value in values}
                )
            except (ValueError, TypeError) as error:
                raise self._damaged_row(sample_id, error) from error

    def statuses(self) -> dict[str, StatusRow]:
        """Return the row of each sample in the record, by its id."""
        statuses = {str(status): status for status in Status}
        with self._read() as connection:
            try:
                return {
                    sample_id: StatusRow._make((statuses[status], *rest))
                    for sample_id, status, *rest in connection.execute(_STATUSES)
                }
            except KeyError as error:
                raise corrupt(self.path, f"the status {error}") from error

    def summaries(self, sample_id: str | None = None) -> dict[str, ReviewSummary]:
        """Return what is short of each review, or of that of one sample, by the sample's id."""
        where, values = ("", ()) if sample_id is None else (" WHERE id = ?", (sample_id,))
        with self._read() as connection:
            rows = connection.execute(_SUMMARIES + where, values).fetchall()
        return {row[0]: ReviewSummary.of_row(row, self._damaged_row) for row in rows}

    def session(self) -> dict[str, Any]:
        """Return the window's state: current sample, filters, thresholds, panels."""
        with self._read() as connection:
            try:
                held = connection.execute("SELECT key, value FROM session").fetchall()
                return {key: json.loads(value) for key, value in held}
            except ValueError as error:
                raise corrupt(self.path, f"the session: {error}") from error

    def log(self, sample_id: str) -> list[Logged]:
        """Return the log of a sample, oldest entry first; "" for the whole dataset.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its entries are damaged.
        """
        with self._read() as connection:
            try:
                return [
                    Logged(seq, sample_id, at, who, LogEntry(kind, parse_object(payload), blob))
                    for seq, at, who, kind, payload, blob in connection.execute(_LOG, (sample_id,))
                ]
            except (ValueError, TypeError) as error:
                raise self._damaged_row(sample_id, error) from error

    def facts(self, sample_ids: Iterable[str]) -> dict[str, StampedFacts]:
        """Return the facts of these samples that there are.

        Damaged facts are left out, for they can be computed again.
        """
        query = "SELECT stamp, facts FROM sample_facts WHERE sample_id = ?"
        found = {}
        with self._read() as connection:
            for sample_id in sample_ids:
                row = connection.execute(query, (sample_id,)).fetchone()
                if row is not None:
                    with suppress(ValueError, TypeError):
                        found[sample_id] = StampedFacts(str(row[0]), parse_object(row[1]))
        return found

    def check(self) -> None:
        """Check every page of the file for damage.

        `open` does so for stores up to `CHECKED_AT_ONCE` bytes only, for it takes as long as the
        disk needs to read the file. Other calls do not wait for it.

        Raises
        ------
        StoreCorruptError
            If a page is damaged; `recover` saves what can be read.
        """
        with reading(self.path), closing(connect_to_read(self.path)) as connection:
            check_pages(self.path, connection)

    def _damaged_row(self, sample_id: str, error: Exception) -> InputError:
        return InputError(
            f"{self.path}, sample {sample_id}",
            found=f"a damaged record ({' '.join(str(error).split())[:120]})",
            expected="a record that this version wrote; recovery saves what can be read",
        )

    # --- writing: each method raises SaveError if the disk does not confirm the write

    def put_review(self, review: Review, entries: Sequence[LogEntry] = ()) -> None:
        """Replace the review of a sample.

        Parameters
        ----------
        review : Review
            The new review.
        entries : sequence of LogEntry
            The steps since the last review, for the log; see `entry_of`.
        """
        with self._transaction() as connection:
            write_review(connection, review, entries, self._stamp())

    def put_status(self, sample_id: str, status: Status, *, note: str | None = None) -> None:
        """Set the status of a sample, and its note if one is given; keep the rest."""
        with self._transaction() as connection:
            stamp = self._stamp()
            _write_statuses(connection, {sample_id: status}, stamp)
            if note is not None:
                connection.execute(_PUT_NOTE, (sample_id, note, *stamp))
                write_log(connection, sample_id, [LogEntry("note", {"after": note})], stamp)

    def put_labels(self, sample_id: str, labels: str) -> None:
        """Note, by `digest_labels`, which labels of a sample are about to be saved."""
        with self._transaction() as connection:
            stamp = self._stamp()
            connection.execute(_PUT_LABELS, (sample_id, labels, *stamp))
            write_log(connection, sample_id, [LogEntry(SAVED, {"labels": labels})], stamp)

    def put_many_statuses(self, changes: Mapping[str, Status]) -> dict[str, Status]:
        """Set the statuses of many samples.

        Returns
        -------
        dict of str to Status
            The old statuses of samples that changed, for undo.
        """
        with self._transaction() as connection:
            return _write_statuses(connection, changes, self._stamp())

    def put_many_params(self, changes: Mapping[str, Params | None]) -> dict[str, Params | None]:
        """Set the settings of many samples.

        Returns
        -------
        dict of str to Params or None
            The old settings of samples that changed, for undo.
        """
        with self._transaction() as connection:
            stamp = self._stamp()
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
            _log_each(connection, "params", before, changes, stamp)
            return before

    def put_session(self, values: Mapping[str, Any]) -> None:
        """Set parts of the window's state, as JSON holds them; other keys stay."""
        with self._transaction() as connection:
            held = [(key, json.dumps(value)) for key, value in values.items()]
            connection.executemany(_PUT_SESSION, held)
            entry = LogEntry("session", {"keys": sorted(values)})
            write_log(connection, WHOLE_DATASET, [entry], self._stamp())

    def put_many_facts(self, facts: Mapping[str, StampedFacts]) -> None:
        """Set facts of samples, which are not logged."""
        with self._transaction() as connection:
            connection.executemany(
                _PUT_FACTS,
                [(name, one.stamp, json.dumps(one.facts)) for name, one in facts.items()],
            )

    def put_many_stamps(self, stamps: Mapping[str, Mapping[str, str]]) -> None:
        """Set the stamps of files that were found unchanged, which are not logged."""
        write = FACTS["stamps"].write
        with self._transaction() as connection:
            rows = [(write(one), sample_id) for sample_id, one in stamps.items()]
            connection.executemany("UPDATE sample SET stamps = ? WHERE id = ?", rows)

    def log_edit(self, sample_id: str, entry: LogEntry) -> None:
        """Add an entry to the log."""
        with self._transaction() as connection:
            write_log(connection, sample_id, [entry], self._stamp())

    def _stamp(self) -> Stamp:
        return Stamp(self.who, now())


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
    for name in _LONG:
        value = FACTS[name].write(getattr(review, name))
        if value is None:
            connection.execute(f"DELETE FROM {name} WHERE sample_id = ?", (review.sample_id,))  # noqa: S608
        else:
            connection.execute(_put(name, "sample_id", "value"), (review.sample_id, value))
    logged = list(entries)
    set_to = [entry.payload["after"] for entry in entries if entry.kind == STATUS]
    if review.status != (set_to or [before])[-1]:
        logged.append(_logged_change(STATUS, before, review.status))
    if review.labels not in ("", labels):
        logged.append(LogEntry(SAVED, {"labels": review.labels}))
    write_log(connection, review.sample_id, logged or [LogEntry("review")], stamp)


def short_facts(review: Review) -> list[Value]:
    """Return the values of a review in the samples' table, in order."""
    return [FACTS[name].write(getattr(review, name)) for name in _SHORT]


def _write_statuses(
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
    _log_each(connection, STATUS, before, changes, stamp)
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


def _log_each(
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
