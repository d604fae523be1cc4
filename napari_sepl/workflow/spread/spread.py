"""One function over many items: in this process, in several, or on a cluster.

A `Spread` hands out a bounded number of items at a time and gives the answers in the order of the
items. A process that dies, as where the memory is full, loses nothing: its items are done again
elsewhere. An item that processes keep dying of is given up after `TRIES`, and the rest goes on.
"""

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AHEAD = 4
"""Items, or bundles of quick ones, handed out for each process: none waits for its next."""

TRIES = 2
"""How many processes an item may end, each having nothing else to do, before it is given up."""

GIVEN_UP = 3
"""After so many items that were given up, with no answer to any, there is no point in going on."""

DIED = "the process that worked on it ended without a word; its memory may have been too little"
"""Why an item was given up."""


class Spread(Protocol):
    """Calls a function on many items."""

    @property
    def local(self) -> bool:
        """Whether this computer does it all, so that files can be forced to the disk from here."""
        ...

    def run(
        self,
        function: Callable[[Item], Answer],
        items: Iterable[Item],
        lost: Callable[[Item, str], Answer],
    ) -> Generator[Answer, None, None]:
        """Call a function on items.

        Parameters
        ----------
        function : callable
            It can be pickled, and so can what it takes and returns. It may be called again on an
            item that a process died of. What it raises ends the run.
        items : iterable
            Asked for as they are needed.
        lost : callable
            Called here with an item that is given up, and the reason; returns the answer.

        Yields
        ------
        object
            Each answer, in the order of the items.

        Raises
        ------
        SeplError
            If there is nothing left that works.
        """
        ...
