"""Samples prepared before they are asked for, and kept for a while after."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.context import Prepared
from napari_sepl.gui.worker import Background

Done = Callable[[Prepared], None]
Failed = Callable[[SeplError], None]

KEEP_SAMPLES = 8
KEEP_BYTES = 2**30

_AFTER_FRAME = 50
"""Milliseconds until reading ahead begins: first the sample that was asked for is drawn."""


class Prefetch:
    """A bounded store of prepared samples by their row.

    Parameters
    ----------
    background : Background
        Where samples are prepared.
    prepare : callable
        Reads a row's sample; runs off the window's thread.
    keep_samples, keep_bytes : int
        How many samples, and how much memory, may be held; one is held in any case.
    """

    def __init__(
        self,
        background: Background,
        prepare: Callable[[int], Prepared],
        keep_samples: int = KEEP_SAMPLES,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self._background = background
        self._prepare = prepare
        self._keep_samples = keep_samples
        self._keep_bytes = keep_bytes
        self._held: OrderedDict[int, Prepared] = OrderedDict()
        self._under_way: dict[int, list[tuple[Done, Failed]]] = {}
        self._round = 0

    @property
    def rows(self) -> list[int]:
        """The rows held, the longest unused first."""
        return list(self._held)

    def take(self, row: int, done: Done, failed: Failed) -> None:
        """Hand over a row's sample: now if it is held, else when it has been prepared."""
        if row in self._held:
            self._held.move_to_end(row)
            done(self._held[row])
            return
        self._start(row, [(done, failed)])

    def want(self, rows: Iterable[int]) -> None:
        """Prepare these rows too, a little later, so that they can be taken at once."""
        wanted, asked = tuple(rows), self._round

        def start() -> None:
            for row in wanted:
                if asked == self._round and row not in self._held:
                    self._start(row, [])

        self._background.later("ahead", _AFTER_FRAME, start)

    def forget(self) -> None:
        """Drop all that is held or under way: what was stored of it has changed."""
        self._round += 1
        self._held.clear()
        self._under_way.clear()

    def _start(self, row: int, listeners: list[tuple[Done, Failed]]) -> None:
        if row in self._under_way:
            self._under_way[row] += listeners
            return
        self._under_way[row] = listeners
        started = self._round

        def done(opened: Prepared) -> None:
            if started != self._round:
                return
            self._hold(row, opened)
            for tell, _ in self._under_way.pop(row):
                tell(opened)

        def failed(error: SeplError) -> None:
            if started == self._round:
                for _, tell in self._under_way.pop(row):
                    tell(error)

        self._background.run(f"ahead {row}", lambda: self._prepare(row), done, failed)

    def _hold(self, row: int, opened: Prepared) -> None:
        self._held[row] = opened
        self._held.move_to_end(row)
        while len(self._held) > 1 and (
            len(self._held) > self._keep_samples
            or sum(held.nbytes for held in self._held.values()) > self._keep_bytes
        ):
            self._held.popitem(last=False)
