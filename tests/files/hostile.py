"""What a person who means harm does to a store, and how its refusal is checked."""

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import PixelRuns
from napari_sepl.document.edits import StrokeEdit
from napari_sepl.files.store import (
    ImageNow,
    Store,
    steps_of,
)
from tests.files.test_store import DIGESTS

NOW = ImageNow((2, 3), DIGESTS["image"])
MOST = 40 * 2**20
"""Bytes of memory that a refusal may take at its peak; each bomb would take 256 MB or more."""

LOOP = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
STROKE = StrokeEdit(
    PixelRuns(
        np.array([0], np.int32),
        np.array([2], np.int32),
        np.array([-1], np.int16),
        np.array([3], np.int16),
    ),
    "brush",
)


def change(path: Path, script: str, *values: object) -> None:
    """Change a store as its maker could, past all rules."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA foreign_keys = OFF")
        for trigger in ("keeps", "stays"):
            connection.execute(f"DROP TRIGGER edit_log_{trigger}")
        if values:
            connection.execute(script, values)
        else:
            connection.executescript(script)
        for trigger, event in (("keeps", "DELETE"), ("stays", "UPDATE")):
            connection.execute(
                f"CREATE TRIGGER edit_log_{trigger} BEFORE {event} ON edit_log "
                "BEGIN SELECT RAISE(ABORT, 'the edit log only grows'); END"
            )


def put(path: Path, table: str, column: str, value: object, where: str = "") -> None:
    """Write a value that no review gives."""
    change(path, f"UPDATE {table} SET {column} = ? {where}", value)  # noqa: S608


@contextmanager
def refused(*parts: str) -> Iterator[None]:
    """Expect an InputError of one line, in little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            yield
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 700
    for part in parts:
        assert part in text
    text.encode()


def use(path: Path) -> None:
    """Open a store and read all of it, as the window does."""
    with Store.open(path, who="ana") as store:
        store.statuses()
        store.session()
        store.review("a", NOW)
        steps_of(store.log("a"), NOW.shape)
