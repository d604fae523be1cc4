"""Samples read before the user asks for them, and held for a while after."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.context import Prepared
from napari_sepl.gui.worker import Background

Done = Callable[[Prepared], None]
Failed = Callable[[SeplError], None]

READ_AHEAD = (1, 2, -1)
"""The samples read ahead, as steps from the open one in the list."""

_AFTER_FRAME = 50
"""Milliseconds until other samples are read: the requested one is drawn first."""


class Prefetch:
    """A bounded cache of prepared samples by their row.

    Parameters
    ----------
    background : Background
        Prepares samples.
    prepare : callable
        Reads the sample of a row; called off the window's thread.
    keep_samples, keep_bytes : int
        The most samples and bytes to hold; one sample is always held.
    """

    def __init__(
        self,
        background: Background,
        prepare: Callable[[int], Prepared],
        keep_samples: int = 8,
        keep_bytes: int = 2**30,
    ) -> None:
        self._background = background
        self._prepare = prepare
        self._keep_samples = keep_samples
        self._keep_bytes = keep_bytes
        self._held: OrderedDict[int, Prepared] = OrderedDict()
        self._requested: dict[int, list[tuple[Done, Failed]]] = {}
        self._round = 0

    @property
    def rows(self) -> list[int]:
        """The held rows, the longest unused first."""
        return list(self._held)

    def take(self, row: int, done: Done, failed: Failed) -> None:
        """Call `done` with the sample of a row: now if it is held, else once it is prepared."""
        if row in self._held:
            self._held.move_to_end(row)
            done(self._held[row])
            return
        self._start(row, [(done, failed)])

    def want(self, rows: Iterable[int]) -> None:
        """Prepare these rows a little later, so that `take` returns them at once."""
        wanted, asked = tuple(rows), self._round

        def start() -> None:
            for row in wanted:
                if asked == self._round and row not in self._held:
                    self._start(row, [])

        self._background.later("ahead", _AFTER_FRAME, start)

    def forget(self) -> None:
        """Drop all held and requested samples: their files or annotations changed."""
        self._round += 1
        self._held.clear()
        self._requested.clear()

    def _start(self, row: int, listeners: list[tuple[Done, Failed]]) -> None:
        if row in self._requested:
            self._requested[row] += listeners
            return
        self._requested[row] = listeners
        started = self._round

        def done(prepared: Prepared) -> None:
            if started == self._round:
                self._hold(row, prepared)
                for on_done, _ in self._requested.pop(row):
                    on_done(prepared)

        def failed(error: SeplError) -> None:
            if started == self._round:
                for _, on_failed in self._requested.pop(row):
                    on_failed(error)

        self._background.run(f"ahead {row}", lambda: self._prepare(row), done, failed)

    def _hold(self, row: int, prepared: Prepared) -> None:
        self._held[row] = prepared
        self._held.move_to_end(row)
        while len(self._held) > 1 and (
            len(self._held) > self._keep_samples
            or sum(held.nbytes for held in self._held.values()) > self._keep_bytes
        ):
            self._held.popitem(last=False)
