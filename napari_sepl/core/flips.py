"""At which thresholds masks are taken or refused: the marks on the sliders."""

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.overlap import Overlap
from napari_sepl.core.params import Params, Strategy

_NONE = np.zeros(0, np.float64)


def find_flips(overlap: Overlap, params: Params) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a move of one threshold would take or refuse a mask, the other one staying.

    Parameters
    ----------
    overlap : Overlap
        The table of masks against pseudo-labels.
    params : Params
        The settings now. Under `tree` masks depend on each other, and no marks are known.

    Returns
    -------
    (A,) float64, (B,) float64
        Values of t1 and of t2, ascending, each once, without 0.
    """
    if params.strategy is Strategy.PAPER:
        o_s, o_p = overlap.best_o_s, overlap.best_o_p
        by_o_s, by_o_p = o_s > params.t1, o_p > params.t2
    elif params.strategy is Strategy.RELEASED:
        o_s, o_p = overlap.o_s.max(axis=1, initial=0), overlap.o_p.max(axis=1, initial=0)
        by_o_s, by_o_p = o_s > params.t1, o_p >= params.t2
    else:
        return _NONE, _NONE
    at_t1, at_t2 = np.unique(o_s[~by_o_p]), np.unique(o_p[~by_o_s])
    return at_t1[at_t1 > 0], at_t2[at_t2 > 0]
