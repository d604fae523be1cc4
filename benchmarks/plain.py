"""Algorithm 1 of the paper as one writes it with numpy, the baseline of the ratios."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Count = Callable[[NDArray[Any]], Any]


def plain_paper(
    pseudo: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    t1: float,
    t2: float,
    count: Count = np.sum,
) -> NDArray[np.uint8]:
    """Enhance (H, W) labels with decoded masks (N, H, W).

    `count` counts the pixels of a bool array: ``np.sum``, as most people write it, or
    ``np.count_nonzero``, which is several times faster.
    """
    seeds = {int(k): pseudo == k for k in np.unique(pseudo) if k not in (0, 255)}
    sizes = {k: count(seed) for k, seed in seeds.items()}
    taken: dict[int, list[NDArray[np.bool_]]] = {k: [] for k in seeds}
    for mask in masks:
        shared = {k: count(mask & seed) for k, seed in seeds.items()}
        best = max(shared, key=lambda k: (shared[k], -k), default=0)
        if best and shared[best] > 0:
            o_s, o_p = shared[best] / count(mask), shared[best] / sizes[best]
            if o_s > t1 or o_p > t2:
                taken[best].append(mask)
    enhanced = np.where(pseudo == 255, 255, 0).astype(np.uint8)
    for k, seed in seeds.items():
        for region in taken[k] or [seed]:
            enhanced[region] = k
    return enhanced


def plain_table(pseudo: NDArray[np.uint8], masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the (N, K) pixels that each decoded mask shares with each class."""
    seeds = [pseudo == k for k in np.unique(pseudo) if k not in (0, 255)]
    return np.array([[np.sum(mask & seed) for seed in seeds] for mask in masks], np.int64)
