"""Making a usable store out of a damaged one, which is kept."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import SaveError
from napari_sepl.core.params import Params
from napari_sepl.files.store import schema
from napari_sepl.files.store._sqlite import connect, saving
from napari_sepl.files.store.access import Right
from napari_sepl.files.store.fields import parse_object
from napari_sepl.files.store.log import WHOLE_DATASET, Stamp, write_log
from napari_sepl.files.store.opening import companions, free_name, now
from napari_sepl.files.store.review import LogEntry, Review, Status
from napari_sepl.files.store.salvage import COLUMNS, Row, Salvage, salvage

_NOBODY = "recovery"  # who wrote a row that was made anew from the log


@dataclass(frozen=True)
class Recovery:
    """What was saved of a damaged store.

    Parameters
    ----------
    kept : Path
        The damaged file, byte for byte; what SQLite kept beside it is beside it still.
    samples, overlays, overrides, entries : int
        Samples with a status, samples with painted pixels, decisions on masks, log entries.
    gaps : int
        Places where something could not be read; each may hide one row or many.
    """

    kept: Path
    samples: int
    overlays: int
    overrides: int
    entries: int
    gaps: int

    def __str__(self) -> str:
        return (
            f"Recovered {self.samples:,} samples, {self.overlays:,} of them with painted pixels, "
            f"{self.overrides:,} decisions on masks and {self.entries:,} log entries; "
            f"{self.gaps:,} places could not be read. The damaged file is kept: {self.kept}"
        )


def recover(path: Path, *, who: str) -> Recovery:
    """Put a sound store in the place of a damaged one, with all rows that can be read.

    The damaged file is kept under a new name beside it. Whenever this is stopped, there is a
    store at `path`, damaged or sound, and every byte of the damaged one is kept under one name or
    the other; it can be called again.

    Parameters
    ----------
    path : Path
        The damaged store.
    who : str
        The reviewer, for the log.

    Raises
    ------
    SaveError
        If another window has the store open, or the disk has no room for a copy.
    """
    right = Right.ask(path, who)
    if right.lock is None:
        raise SaveError(f"{path}: it could not be recovered: {right.reason}.")
    try:
        return _recover(path, who)
    except OSError as error:
        if isinstance(error, SaveError):
            raise
        raise SaveError(
            f"{path}: it could not be recovered ({error.strerror or error}); it is untouched."
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
            found = salvage(copy, fresh)
            recovery = _fill(connection, found, kept, who)
        for companion in companions(path):  # SQLite would take them for the new store's
            companion.unlink(missing_ok=True)
        fresh.replace(path)
    return recovery


def _keep(path: Path) -> Path:
    """Give the damaged file a second name, and copy what SQLite keeps beside it."""
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
    samples, overlays, overrides, entries = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in ("sample", "overlay", "mask_override", "edit_log")
    )
    recovery = Recovery(kept, samples, overlays, overrides, entries, found.gaps)
    told = {"kept": kept.name, "gaps": found.gaps, "samples": recovery.samples}
    write_log(connection, WHOLE_DATASET, [LogEntry("recovered", told)], Stamp(who, now()))
    connection.execute("COMMIT")
    return recovery


def _joined(found: Salvage) -> dict[str, list[Row]]:
    """Return the rows, with samples that lost their own made anew from the log."""
    rows = {table: list(found.rows.get(table, ())) for table in COLUMNS}
    known = {row[0] for row in rows["sample"]}
    told: dict[str, dict[str, Any]] = {
        sample_id: {}
        for table in ("overlay", "mask_override", "protection", "prompted_mask")
        for sample_id, *_ in rows[table]
    }
    for _seq, sample_id, _at, _who, kind, payload, _blob in rows["edit_log"]:
        if sample_id != WHOLE_DATASET:
            told.setdefault(sample_id, {})[kind] = parse_object(payload).get("after")
    rows["sample"] += [
        _sample_row(sample_id, last) for sample_id, last in told.items() if sample_id not in known
    ]
    return rows


def _sample_row(sample_id: str, last: Mapping[str, Any]) -> Row:
    """Return the row of a sample of which only the last entries of the log are known, by kind."""
    review = Review(sample_id, note=str(last.get("note") or ""))
    with suppress(ValueError):  # as new, if the log makes no sense
        status = Status(last.get("status") or review.status)
        settings = last.get("params")
        params = None if settings is None else Params.model_validate(settings)
        review = replace(review, status=status, params=params)
    params_text = None if review.params is None else review.params.model_dump_json()
    return (
        sample_id, review.status, 0, None, review.note, 0.0, _NOBODY, now(), params_text, "{}", "",
    )  # fmt: skip
