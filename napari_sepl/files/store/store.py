"""The record's one SQLite file, in the output folder."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.document.edits import Status
from napari_sepl.files._opening import brief
from napari_sepl.files.store.access import Access, Transactions
from napari_sepl.files.store.connections import check_pages, connect_to_read, corrupt, now, reading
from napari_sepl.files.store.review import (
    FACTS,
    SAVED,
    WHOLE_DATASET,
    ImageNow,
    LogEntry,
    Logged,
    Review,
    ReviewSummary,
    StampedFacts,
    StatusRow,
)
from napari_sepl.files.store.values import parse_json, parse_object, parse_sample_id, parse_text
from napari_sepl.files.store.writes import (
    LONG,
    SHORT,
    STAMP,
    Stamp,
    put,
    write_log,
    write_params,
    write_review,
    write_statuses,
)

FILE_NAME = "napari-sepl.sqlite"


def store_file(out: Path) -> Path:
    """Return the store of the output folder `out`."""
    return out / FILE_NAME


_READ_LONG = (f"(SELECT value FROM {name} WHERE sample_id = id)" for name in LONG)  # noqa: S608
_REVIEW = f"SELECT {', '.join((*SHORT, *_READ_LONG))} FROM sample WHERE id = ?"  # noqa: S608
_SHORT_REVIEW = f"SELECT {', '.join(SHORT)} FROM sample WHERE id = ?"  # noqa: S608
_SUMMARIES = f"SELECT id, edits, who, {', '.join(SHORT)} FROM sample"  # noqa: S608
_STATUSES = f"SELECT id, {', '.join(StatusRow._fields)} FROM sample"  # noqa: S608
_PUT_LABELS = put("sample", "id", "labels", *STAMP)
# A look changes nothing: the annotator stays who changed the sample last, if anybody did.
_PUT_SECONDS = (
    "INSERT INTO sample (id, who, updated_at, seconds) VALUES (?, '', ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET seconds = excluded.seconds"
)
_PUT_NOTE = put("sample", "id", "note", *STAMP)
_PUT_SESSION = put("session", "key", "value")
_PUT_FACTS = put("sample_facts", "sample_id", "stamp", "facts")
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

    def review(self, sample_id: str, image: ImageNow | None = None) -> Review | None:
        """Return the review of a sample; None if there is none.

        Parameters
        ----------
        sample_id : str
            The sample.
        image : ImageNow, optional
            Its image, whose size maps and masks must have; see `Review.of_row`.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its row is damaged.
        """
        return self._review(sample_id, (*SHORT, *LONG), _REVIEW, image)

    def short_review(self, sample_id: str) -> Review | None:
        """Return the review of a sample without maps, decisions and masks, as `review` does."""
        return self._review(sample_id, SHORT, _SHORT_REVIEW, None)

    def _review(
        self, sample_id: str, names: Sequence[str], query: str, image: ImageNow | None
    ) -> Review | None:
        with self._read() as connection, self._of_sample(sample_id):
            rows = list(connection.rows(query, (sample_id,)))
            if not rows:
                return None
            return Review.of_row(sample_id, dict(zip(names, rows[0], strict=True)), image)

    def statuses(self) -> dict[str, StatusRow]:
        """Return the row of each sample in the record, by its id."""
        found = {}
        with self._read() as connection, self._damaged_by() as current:
            for sample_id, *row in connection.rows(_STATUSES):
                current[0] = sample_id
                found[parse_sample_id(sample_id)] = StatusRow.of_row(row)
        return found

    def summaries(self, sample_id: str | None = None) -> dict[str, ReviewSummary]:
        """Return what is short of each review, or of that of one sample, by the sample's id."""
        where, values = ("", ()) if sample_id is None else (" WHERE id = ?", (sample_id,))
        found = {}
        with self._read() as connection, self._damaged_by() as current:
            for row in connection.rows(_SUMMARIES + where, values):
                current[0] = row[0]
                found[parse_sample_id(row[0])] = ReviewSummary.of_row(row, self._damaged_row)
        return found

    @contextmanager
    def _damaged_by(self) -> Iterator[list[object]]:
        """Name the sample that the list holds, whose row makes the whole store damaged."""
        current: list[object] = [""]
        try:
            yield current
        except (ValueError, TypeError) as error:
            raise corrupt(self.path, f"sample {brief(current[0])}: {error}") from error

    def session(self) -> dict[str, Any]:
        """Return the window's state: current sample, filters, thresholds, panels."""
        with self._read() as connection:
            try:
                held = connection.rows("SELECT key, value FROM session")
                return {parse_text(key): parse_json(value) for key, value in held}
            except (ValueError, TypeError) as error:
                raise corrupt(self.path, f"the session: {error}") from error

    def log(self, sample_id: str) -> list[Logged]:
        """Return the log of a sample, oldest entry first; "" for the whole dataset.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its entries are damaged.
        """
        with self._read() as connection, self._of_sample(sample_id):
            return [Logged.of_row(row, sample_id) for row in connection.rows(_LOG, (sample_id,))]

    def facts(self, sample_ids: Iterable[str] | None = None) -> dict[str, StampedFacts]:
        """Return the facts of these samples that there are; of all if none are given.

        Damaged facts are left out, for they can be computed again.
        """
        every = "SELECT sample_id, stamp, facts FROM sample_facts"
        one = f"{every} WHERE sample_id = ?"
        asked = [(every, ())] if sample_ids is None else [(one, (name,)) for name in sample_ids]
        with self._read() as connection:
            rows = [row for query, values in asked for row in connection.execute(query, values)]
        found = {}
        for name, stamp, facts in rows:
            with suppress(ValueError, TypeError):
                found[name] = StampedFacts(str(stamp), parse_object(facts))
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

    @contextmanager
    def _of_sample(self, sample_id: str) -> Iterator[None]:
        """Name the sample whose row makes no sense."""
        try:
            yield
        except (ValueError, TypeError) as error:
            raise self._damaged_row(sample_id, error) from error

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
            write_statuses(connection, {sample_id: status}, stamp)
            if note is not None:
                connection.execute(_PUT_NOTE, (sample_id, note, *stamp))
                write_log(connection, sample_id, [LogEntry("note", {"after": note})], stamp)

    def put_labels(self, sample_id: str, labels: str) -> None:
        """Note, by `digest_labels`, which labels of a sample are about to be saved."""
        with self._transaction() as connection:
            stamp = self._stamp()
            connection.execute(_PUT_LABELS, (sample_id, labels, *stamp))
            write_log(connection, sample_id, [LogEntry(SAVED, {"labels": labels})], stamp)

    def put_seconds(self, sample_id: str, seconds: float) -> None:
        """Set how long a sample was looked at, in all; nothing else of it changes."""
        with self._transaction() as connection:
            stamp = self._stamp()
            connection.execute(_PUT_SECONDS, (sample_id, stamp.at, seconds))
            write_log(connection, sample_id, [LogEntry("look", {"after": seconds})], stamp)

    def put_many_statuses(self, changes: Mapping[str, Status]) -> dict[str, Status]:
        """Set the statuses of many samples.

        Returns
        -------
        dict of str to Status
            The old statuses of samples that changed, for undo.
        """
        with self._transaction() as connection:
            return write_statuses(connection, changes, self._stamp())

    def put_many_params(self, changes: Mapping[str, Params | None]) -> dict[str, Params | None]:
        """Set the settings of many samples.

        Returns
        -------
        dict of str to Params or None
            The old settings of samples that changed, for undo.
        """
        with self._transaction() as connection:
            return write_params(connection, changes, self._stamp())

    def put_session(self, values: Mapping[str, Any]) -> None:
        """Set parts of the window's state, as JSON holds them; other keys stay."""
        with self._transaction() as connection:
            held = [(key, json.dumps(value)) for key, value in values.items()]
            connection.executemany(_PUT_SESSION, held)
            entry = LogEntry("session", {"keys": sorted(values)})
            write_log(connection, WHOLE_DATASET, [entry], self._stamp())

    def put_many_facts(self, facts: Mapping[str, StampedFacts]) -> None:
        """Set facts of samples, which are not logged."""
        rows = [(name, one.stamp, json.dumps(one.facts)) for name, one in facts.items()]
        with self._transaction() as connection:
            connection.executemany(_PUT_FACTS, rows)

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
