"""The record of a review: one SQLite file beside the labels."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.core.params import Params
from napari_sepl.files.store import rows
from napari_sepl.files.store.access import Access, Transactions
from napari_sepl.files.store.connections import check_pages, connect_to_read, corrupt, now, reading
from napari_sepl.files.store.review import LogEntry, Logged, Review, Status, StatusRow
from napari_sepl.files.store.rows import Stamp, StampedFacts

FILE_NAME = "napari-sepl.sqlite"


def store_file(out: Path) -> Path:
    """Return the store of the output folder `out`."""
    return out / FILE_NAME


class Store(Transactions):
    """What was said about each sample, safe from the moment that a method returns.

    Any thread may call it. Reading never waits for writing. Each write is one transaction, which
    also adds to the log, unless it is of facts; one that fails leaves nothing behind, and the
    store can be used on as soon as the disk has room again or its folder is back.

    Made by `open`.

    Attributes
    ----------
    path : Path
        The file.
    who : str
        The reviewer, noted with each write.
    """

    @classmethod
    def open(cls, path: Path, *, who: str, write: bool = True) -> "Store":
        """Open a store, or make it if there is none.

        Where it cannot be written to, because another window has it or its folder is closed to
        writing, it is opened to be read; see `read_only`.

        Parameters
        ----------
        path : Path
            The file; see `store_file`. Its folder is made if need be.
        who : str
            The reviewer.
        write : bool
            Whether to write; False needs a store that is there, and asks for no lock.

        Raises
        ------
        StoreNewerError
            If a later version of this program made it.
        StoreCorruptError
            If it is damaged; `recover` saves what can be read.
        InputError
            If it cannot be read, is another program's, or is not there to be read.
        SaveError
            If there is none and none can be made.
        """
        return cls(path, who, Access.gain(path, who, write=write, make=write))

    # --- reading

    def review(self, sample_id: str) -> Review | None:
        """Return what was said about a sample; None if nothing was.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its row is damaged.
        """
        with self._read() as connection:
            try:
                return rows.read_review(connection, sample_id)
            except (ValueError, TypeError) as error:
                raise self._damaged_row(sample_id, error) from error

    def statuses(self) -> dict[str, StatusRow]:
        """Return a row for each sample that anything was said about, by its id."""
        with self._read() as connection:
            try:
                return rows.read_statuses(connection)
            except KeyError as error:
                raise corrupt(self.path, f"the status {error}") from error

    def session(self) -> dict[str, Any]:
        """Return what was noted of the window: current sample, filters, thresholds, panels."""
        with self._read() as connection:
            try:
                return rows.read_session(connection)
            except ValueError as error:
                raise corrupt(self.path, f"the session: {error}") from error

    def log(self, sample_id: str) -> list[Logged]:
        """Return what was done to a sample, oldest first; "" for the whole dataset.

        Raises
        ------
        InputError
            If it cannot be read; naming the sample if only its entries are damaged.
        """
        with self._read() as connection:
            try:
                return rows.read_log(connection, sample_id)
            except (ValueError, TypeError) as error:
                raise self._damaged_row(sample_id, error) from error

    def facts(self, sample_ids: Iterable[str]) -> dict[str, StampedFacts]:
        """Return what was read off the files of these samples, of those where anything was.

        What makes no sense is left out, for it can be read anew.
        """
        with self._read() as connection:
            return rows.read_facts(connection, sample_ids)

    def check(self) -> None:
        """Look at every page of the file, for damage that may lie where nobody has read yet.

        Opening does so with stores up to `CHECKED_AT_ONCE` bytes only, for a large one takes as
        long as its disk needs to read it. Nothing waits for this meanwhile.

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

    # --- writing: each raises SaveError if it did not reach the disk

    def put_review(self, review: Review, entries: Sequence[LogEntry] = ()) -> None:
        """Put a review in place of the one that is there.

        Parameters
        ----------
        review : Review
            All that a person said about the sample.
        entries : sequence of LogEntry
            The steps that led from the last one to it, for the log; see `entry_of`.
        """
        with self._transaction() as connection:
            rows.write_review(connection, review, entries, self._stamp())

    def put_status(self, sample_id: str, status: Status, *, note: str | None = None) -> None:
        """Set how far a sample is, and its remark if one is given; leave all else as it is."""
        with self._transaction() as connection:
            rows.write_statuses(connection, {sample_id: status}, self._stamp())
            if note is not None:
                rows.write_note(connection, sample_id, note, self._stamp())

    def put_many_statuses(self, changes: Mapping[str, Status]) -> dict[str, Status]:
        """Set how far many samples are.

        Returns
        -------
        dict of str to Status
            What the samples that changed had before; to undo it, put that.
        """
        with self._transaction() as connection:
            return rows.write_statuses(connection, changes, self._stamp())

    def put_many_params(self, changes: Mapping[str, Params | None]) -> dict[str, Params | None]:
        """Set the settings of many samples.

        Returns
        -------
        dict of str to Params or None
            What the samples that changed had before; to undo it, put that.
        """
        with self._transaction() as connection:
            return rows.write_params(connection, changes, self._stamp())

    def put_session(self, values: Mapping[str, Any]) -> None:
        """Note something of the window, as JSON can hold it; other keys stay."""
        with self._transaction() as connection:
            rows.write_session(connection, values, self._stamp())

    def put_many_facts(self, facts: Mapping[str, StampedFacts]) -> None:
        """Keep what was read off the files of samples; these are no edits, and not logged."""
        with self._transaction() as connection:
            rows.write_facts(connection, facts)

    def log_edit(self, sample_id: str, entry: LogEntry) -> None:
        """Add to the log what no other method tells it."""
        with self._transaction() as connection:
            rows.write_log(connection, sample_id, [entry], self._stamp())

    def _stamp(self) -> Stamp:
        return Stamp(self.who, now())
