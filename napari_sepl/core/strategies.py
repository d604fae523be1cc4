"""Which masks are taken, and why: the strategies `paper` and `released`, and the way to `tree`.

A strategy reads the overlap table and gives an `Assignment`. What of the pseudo-labels is kept
beside the masks is part of it, because the strategies differ most there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.levels import choose_levels
from napari_sepl.core.overlap import IGNORE, Overlap
from napari_sepl.core.overrides import Kept, check_overrides, override_masks, override_seeds
from napari_sepl.core.params import Params, Strategy
from napari_sepl.core.rules import Rule
from napari_sepl.core.runs import Runs, paint_runs, runs_of_labels


@dataclass(frozen=True, eq=False)
class Assignment:
    """What one strategy decided for one image.

    Parameters
    ----------
    class_ids : (N,) uint8
        The class each mask was taken for or, if refused, shares most pixels with; 0 for none.
    rules : (N,) uint8
        A `Rule` for each mask.
    kept : Kept
        The pixels of pseudo-labels that are kept beside them.
    decided : bool
        Whether a person decided on any of it.
    """

    class_ids: NDArray[np.uint8]
    rules: NDArray[np.uint8]
    kept: Kept
    decided: bool = False

    @property
    def taken(self) -> NDArray[np.bool_]:
        """(N,) bool: which masks were taken."""
        return self.rules >= Rule.BY_O_S


_NOTHING: Mapping[int, int] = {}


def assign(overlap: Overlap, params: Params, overrides: Mapping[int, int] = _NOTHING) -> Assignment:
    """Choose the masks of one image.

    Parameters
    ----------
    overlap : Overlap
        The table of masks against pseudo-labels.
    params : Params
        Names the strategy and its thresholds.
    overrides : mapping of int to int
        A person's decisions, which beat the strategy's; see `core.overrides`. A mask that a
        person took counts as taken in all that follows: in `paper` and `tree`, its class no
        longer keeps P_k for want of a mask.

    Raises
    ------
    InputError
        If an override names a mask or pseudo-label that the image has not.
    """
    if overrides:
        check_overrides(overlap, overrides)
    if params.strategy is Strategy.RELEASED:
        return _assign_released(overlap, params.t1, params.t2, overrides)
    if params.strategy is Strategy.TREE:
        return _assign_tree(overlap, params.t1, params.t2, overrides)
    return _assign_paper(overlap, params.t1, params.t2, overrides)


def _assign_paper(
    overlap: Overlap, t1: float, t2: float, overrides: Mapping[int, int]
) -> Assignment:
    """Follow Algorithm 1: one class for each mask; a class without masks keeps P_k."""
    rules, won = _judge(
        overlap.best, overlap.best_o_s, overlap.best_o_p, overlap.refusals, t1, t2,
        np.zeros(len(overlap.class_ids), np.bool_),
    )  # fmt: skip
    class_ids = overlap.best_class
    if overrides:
        class_ids, rules = override_masks(class_ids, rules, overrides)
        won = np.isin(overlap.class_ids, class_ids[rules >= Rule.BY_O_S])
    columns = np.flatnonzero(~won)
    kept = Kept.by_strategy(overlap.class_ids[columns], overlap.seeds.choose(columns))
    if overrides:
        kept = override_seeds(kept, overlap, overrides)
    return Assignment(class_ids, rules, kept, decided=bool(overrides))


@jit
def _judge(
    best: NDArray[np.intp],
    o_s: NDArray[np.float64],
    o_p: NDArray[np.float64],
    refusals: NDArray[np.uint8],
    t1: float,
    t2: float,
    won: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a rule for each mask, and mark in `won` the classes that a mask was taken for."""
    rules = refusals.copy()
    for mask in range(rules.size):
        passed = (o_s[mask] > t1) + 2 * (o_p[mask] > t2)
        if passed and best[mask] >= 0:
            rules[mask] += np.uint8(passed)
            won[best[mask]] = True
    return rules, won


def _assign_tree(
    overlap: Overlap, t1: float, t2: float, overrides: Mapping[int, int]
) -> Assignment:
    """Take the best level of each nest, and keep what the masks leave unexplained."""
    class_ids, rules, kept = choose_levels(overlap, t1, t2, overrides)
    if overrides:
        kept = override_seeds(kept, overlap, overrides)
    return Assignment(class_ids, rules, kept, decided=bool(overrides))


def _assign_released(
    overlap: Overlap, t1: float, t2: float, overrides: Mapping[int, int]
) -> Assignment:
    """Follow the authors' code: the lowest class takes first, from all masks still free."""
    class_ids = overlap.best_class.copy()
    rules = overlap.refusals.copy()
    free = rules != Rule.EMPTY
    for column, class_id in enumerate(overlap.class_ids):
        by_o_s = overlap.o_s[:, column] > t1
        by_o_p = overlap.o_p[:, column] >= t2
        chosen = free & (by_o_s | by_o_p)
        class_ids[chosen] = class_id
        rules[chosen] = Rule.BELOW + by_o_s[chosen] + 2 * by_o_p[chosen]
        free &= ~chosen
    class_ids, rules = override_masks(class_ids, rules, overrides)
    kept = Kept.by_strategy(*_uncovered(overlap, class_ids, rules))
    kept = override_seeds(kept, overlap, overrides)
    return Assignment(class_ids, rules, kept, decided=bool(overrides))


def _uncovered(
    overlap: Overlap, class_ids: NDArray[np.uint8], rules: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], Runs]:
    """Return the pixels of each P_k that no mask covers that was free when k's turn came.

    A mask that class c took is free for all classes up to c, a refused one for all. So it is
    enough to know, at each pixel, the last class for which some mask there was free.
    """
    runs = overlap.masks.runs
    last_turn = np.where(rules >= Rule.BY_O_S, class_ids, np.uint8(IGNORE))
    order = np.argsort(last_turn, kind="stable")
    free_until = np.zeros(len(overlap.pseudo_columns), np.uint8)
    paint_runs(free_until, runs.starts, runs.stops, runs.offsets, order, last_turn[order])
    _erase_covered(overlap.pseudo_columns, free_until)
    return runs_of_labels(free_until, overlap.shape)


@jit
def _erase_covered(pseudo: NDArray[np.uint8], free_until: NDArray[np.uint8]) -> None:
    """Turn `free_until`, in place, into the labels of the pixels that are left uncovered."""
    for i in range(pseudo.size):
        label = pseudo[i]
        free_until[i] = label if free_until[i] < label else 0  # 255 is left out by the caller
