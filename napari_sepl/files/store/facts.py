"""Facts of samples: what was read off their files, kept so that it need not be read again.

They are no edits: nobody said them, the log does not tell of them, and what is lost of them,
in a recovery say, is read off the files anew.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from napari_sepl.files.store.fields import parse_object


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


_PUT = """
    INSERT INTO sample_facts (sample_id, stamp, facts) VALUES (?, ?, ?)
    ON CONFLICT (sample_id) DO UPDATE SET stamp = excluded.stamp, facts = excluded.facts
"""


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
        _PUT,
        [(sample_id, told.stamp, json.dumps(told.facts)) for sample_id, told in facts.items()],
    )
