"""Limits on what SQLite does with a store, which another person may have made.

A file can name one page many times, so that a few of its bytes stand for rows or texts without
end. So reading ends where a store takes more steps, or gives more text, than its size allows.
"""

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from typing import Any

MOST_BYTES = 2**27
"""Bytes of one value at most: six times the overlay of 4096² pixels of noise."""

_INTERVAL = 2**20
"""Steps of SQLite's machine between two looks at the budget: 10 to 20 ms."""

READING = 2**24
"""Steps that reading may take for a store of any size: 0.2 s."""

WRITING = 2**30
"""Steps that a transaction may take for a store of any size: a million samples at once."""

_STEPS_A_BYTE = 2  # the shortest row has 60 bytes and takes 20 steps
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MOST_BYTES,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 2**16,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 4,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 16,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 4,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


class _Budget:
    """Steps and bytes that are left until the budget is renewed."""

    def __init__(self) -> None:
        self.intervals = 0
        self.bytes = 0

    def spend(self) -> bool:
        """Return whether SQLite must stop, after another interval."""
        self.intervals -= 1
        return self.intervals < 0


class LimitedConnection(sqlite3.Connection):
    """A connection that trusts no schema, and stops where a store takes more than its size allows.

    Until `allow` is called, one interval of steps is allowed: enough for any schema of ours.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for kind, most in _LIMITS.items():
            self.setlimit(kind, most)
        if sys.version_info >= (3, 12):
            self.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
            self.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
        self.execute("PRAGMA trusted_schema = OFF")
        self.execute("PRAGMA cell_size_check = ON")
        self._budget = _Budget()
        self.set_progress_handler(self._budget.spend, _INTERVAL)

    def allow(self, size: int, steps: int = READING) -> None:
        """Renew the budget for a store of `size` bytes."""
        self._budget.intervals = (steps + _STEPS_A_BYTE * size) // _INTERVAL
        self._budget.bytes = size

    def allow_all(self) -> None:
        """Take away the budget, for a file that this program just made."""
        self.set_progress_handler(None, 0)

    @property
    def is_spent(self) -> bool:
        """Whether the store took more than its size allows."""
        return min(self._budget.intervals, self._budget.bytes) < 0

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, as long as they hold no more text than the store has bytes.

        Raises
        ------
        sqlite3.DatabaseError
            If they hold more.
        """
        for row in self.execute(query, values):
            self._budget.bytes -= sum(len(one) for one in row if isinstance(one, str | bytes))
            if self._budget.bytes < 0:
                raise sqlite3.DatabaseError("more text than its size allows")
            yield row
