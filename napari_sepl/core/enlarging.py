"""Enlarging coarse scores to the size of their image."""

import numpy as np
from numpy.typing import NDArray

_COARSEST = 32
"""No network of the field sees coarser than one pixel of 32 × 32."""


def enlarge(maps: NDArray[np.float32], factor: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Enlarge maps bilinearly by a whole factor and cut them to an image's size.

    As networks of that stride see it: a coarse pixel stands for `factor` × `factor` pixels, from
    the upper left corner on, and the last ones reach beyond the image. Values are those of
    torch's ``interpolate(mode="bilinear", align_corners=False)``.

    Parameters
    ----------
    maps : (K, h, w) float32
        The coarse maps, h = ceil(H / factor) and w = ceil(W / factor).
    factor : int
        Pixels of the image along one of theirs.
    shape : tuple of int
        H and W.

    Returns
    -------
    (K, H, W) float32
    """
    low, high, share = _between(maps.shape[1], factor, shape[0])
    share = share[:, np.newaxis]
    rows = maps[:, low] * (1 - share) + maps[:, high] * share
    low, high, share = _between(maps.shape[2], factor, shape[1])
    fine = rows[:, :, low] * (1 - share) + rows[:, :, high] * share
    return fine.astype(np.float32, copy=False)


def _between(
    coarse: int, factor: int, fine: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the two coarse positions around each fine one, and the share of the second."""
    place = np.maximum((np.arange(fine) + 0.5) / factor - 0.5, 0)
    low = place.astype(np.intp)
    return low, np.minimum(low + 1, coarse - 1), (place - low).astype(np.float32)


def find_factor(coarse: tuple[int, int], shape: tuple[int, int]) -> int | None:
    """Return the whole factor from 2 on by which a network of that stride makes a size coarse.

    Where several fit, a power of two, as most strides are, goes before all others, then the
    smaller one. None if there is no such factor up to 32.
    """
    factors = range(2, min(*shape, _COARSEST) + 1)
    for factor in sorted(factors, key=lambda factor: factor.bit_count() > 1):
        if all(-(-fine // factor) == small for fine, small in zip(shape, coarse, strict=True)):
            return factor
    return None
