"""Disjoint masks as one number a pixel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.masks.runs import Runs


def runs_of_numbers(numbers: NDArray[Any]) -> tuple[NDArray[Any], Runs]:
    """Return one region for each number in a map.

    Parameters
    ----------
    numbers : (H, W) integers
        Pixels of no region have 0; where there are negative numbers, those, and 0 is a region.

    Returns
    -------
    found : (N,) integers
        The numbers of regions, ascending.
    regions : Runs
        Their pixels, in the same order.
    """
    flat = numbers.ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], edges]).astype(np.int32)
    stops = np.append(edges, flat.size).astype(np.int32)
    values = flat[starts]
    inside = values >= 0 if values.min() < 0 else values != 0
    values, starts, stops = values[inside], starts[inside], stops[inside]
    order = np.argsort(values, kind="stable")
    found, first = np.unique(values[order], return_index=True)
    offsets = np.append(first, len(order)).astype(np.int64)
    shape = (int(numbers.shape[0]), int(numbers.shape[1]))
    return found, Runs(shape, starts[order], stops[order], offsets)
