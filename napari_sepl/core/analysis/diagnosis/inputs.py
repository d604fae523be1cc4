"""What a diagnosis measures of pseudo-labels and masks alone, before a slider moves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.masks.runs import Runs, paint_runs
from napari_sepl.core.masks.superpixels import piece_areas


@dataclass(frozen=True, eq=False)
class InputShares:
    """Causes of failure that lie in pseudo-labels and masks alone, measured for K classes.

    Parameters
    ----------
    uncovered, unmet, scattered : (K,) float64
        The shares that `Cause` defines.
    """

    uncovered: NDArray[np.float64]
    unmet: NDArray[np.float64]
    scattered: NDArray[np.float64]


def measure_inputs(masks: Runs, seeds: Runs, best: NDArray[np.intp]) -> InputShares:
    """Measure the pseudo-labels of an image.

    Parameters
    ----------
    masks : Runs
        The pixels of the N masks.
    seeds : Runs
        P_k of each of the K classes.
    best : (N,) intp
        Column of the class that each mask shares most pixels with, -1 for none.
    """
    covered = np.zeros(masks.shape[0] * masks.shape[1], np.uint8)
    every = np.arange(len(masks))
    paint_runs(covered, *masks.arrays, every, np.ones(len(masks), np.uint8))
    bare = np.zeros(len(seeds), np.int64)
    _count_bare(covered, *seeds.arrays, bare)
    largest = np.zeros(len(seeds), np.int64)
    for column in range(len(seeds)):
        largest[column] = piece_areas(*seeds.of(column), seeds.shape[0]).max()
    met = np.isin(np.arange(len(seeds)), best)
    unmet = (~met).astype(np.float64)
    return InputShares(np.where(met, bare / seeds.areas, 0), unmet, 1 - largest / seeds.areas)


@jit
def _count_bare(
    covered: NDArray[np.uint8],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    bare: NDArray[np.int64],
) -> None:
    """Add to `bare` the pixels of each region that are not covered."""
    for region in range(bare.size):
        for run in range(offsets[region], offsets[region + 1]):
            for at in range(starts[run], stops[run]):
                bare[region] += covered[at] == 0
