"""Pixels that regions have in common, counted on their runs."""

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.runs import Runs


def count_shared(
    regions: Runs, starts: NDArray[np.int32], stops: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return (N,) int64: the pixels that each of N regions shares with one more.

    Parameters
    ----------
    regions : Runs
        The N regions.
    starts, stops : (R,) int32
        The runs of the other one, column-major and ascending.
    """
    shared = np.zeros(len(regions), np.int64)
    _intersect(regions.starts, regions.stops, regions.offsets, starts, stops, shared)
    return shared


@jit
def _intersect(
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    seed_starts: NDArray[np.int32],
    seed_stops: NDArray[np.int32],
    shared: NDArray[np.int64],
) -> None:
    """Add to `shared` the pixels each region has in common with one class's runs."""
    for region in range(shared.size):
        first, last = offsets[region], offsets[region + 1]
        if first == last:
            continue
        seed = np.searchsorted(seed_stops, starts[first], side="right")
        for run in range(first, last):
            while seed < seed_stops.size and seed_stops[seed] <= starts[run]:
                seed += 1
            at = seed
            while at < seed_starts.size and seed_starts[at] < stops[run]:
                shared[region] += min(stops[run], seed_stops[at]) - max(
                    starts[run], seed_starts[at]
                )
                at += 1
