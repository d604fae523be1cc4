"""The strategies: each declares here, in one `Method`, all that is its own.

Nothing else in the package asks which strategy is set. To add one, add a member to `Strategy`; what
it computes may stand in a file of its own, as that of `tree` does in `levels.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.levels import keep_beside_levels, select_levels
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.runs import Runs, paint_runs, runs_of_labels

Selected = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Class ids and rules, (N,) uint8 each, as in `Assignment`."""

RetainedSeeds = tuple[NDArray[np.uint8], Runs]
"""Class ids (M,) uint8 and their pixels, one region each."""


@dataclass(frozen=True)
class Borders:
    """How thresholds divide the masks where each is judged by itself: o_s > t1, or o_p by t2.

    Parameters
    ----------
    any_class : bool
        Whether a mask may be taken for every class, not only for the one it shares most with.
    reaches_t2 : bool
        Whether o_p = t2 is enough.
    """

    any_class: bool = False
    reaches_t2: bool = False

    def passes_t2(self, o_p: NDArray[np.float64], t2: float) -> NDArray[np.bool_]:
        """Tell which values of o_p are enough."""
        return o_p >= t2 if self.reaches_t2 else o_p > t2


@dataclass(frozen=True)
class Method:
    """All that is one strategy's own.

    Parameters
    ----------
    summary : str
        What it does, for help texts.
    select : callable
        Takes the table, t1, t2 and the indices (D,) intp of masks on which a person decided, and
        judges the masks. What it says of decided masks is overruled, so where masks compete it
        must leave them out.
    keep : callable
        Takes the table, t1, t2, and class ids and rules with the decisions in them, and tells which
        pseudo-labels are kept beside the masks taken.
    kept : str
        Why pseudo-labels of a class are kept, in words.
    kept_beside : str
        The same where masks are taken for the class, if that is another reason.
    borders : Borders, optional
        How thresholds divide the masks. Without, the window draws no threshold lines and marks,
        and explanations compare no share with a threshold.
    counts_by_corners : bool
        Whether a sweep may count by `sweep.count_by_corners`, which knows the rules of `paper`;
        else it paints.
    keeps_ignore : bool
        Whether ignore pixels that nobody claims stay so; else they become background.
    of_t1, of_t2 : str
        What the thresholds do where that is not what `paper` does, for help texts.
    """

    summary: str
    select: Callable[[Overlap, float, float, NDArray[np.intp]], Selected]
    keep: Callable[[Overlap, float, float, NDArray[np.uint8], NDArray[np.uint8]], RetainedSeeds]
    kept: str
    borders: Borders | None = None
    kept_beside: str = ""
    counts_by_corners: bool = False
    keeps_ignore: bool = True
    of_t1: str = ""
    of_t2: str = ""


def _select_by_paper(
    overlap: Overlap, t1: float, t2: float, _decided: NDArray[np.intp]
) -> Selected:
    """Follow Algorithm 1: each mask may be taken for the class it shares most pixels with."""
    shares = overlap.best_o_s, overlap.best_o_p
    return overlap.best_class, _judge(overlap.best, *shares, overlap.refusals, t1, t2)


@jit
def _judge(
    best: NDArray[np.intp],
    o_s: NDArray[np.float64],
    o_p: NDArray[np.float64],
    refusals: NDArray[np.uint8],
    t1: float,
    t2: float,
) -> NDArray[np.uint8]:
    """Return a rule for each mask."""
    rules = refusals.copy()
    for mask in range(rules.size):
        passed = (o_s[mask] > t1) + 2 * (o_p[mask] > t2)
        if passed and best[mask] >= 0:
            rules[mask] += np.uint8(passed)
    return rules


def _keep_by_paper(
    overlap: Overlap,
    _t1: float,
    _t2: float,
    class_ids: NDArray[np.uint8],
    rules: NDArray[np.uint8],
) -> RetainedSeeds:
    """Keep P_k of the classes without masks."""
    columns = _without_masks(overlap.class_ids, class_ids, rules)
    return overlap.class_ids[columns], overlap.seeds.choose(columns)


@jit
def _without_masks(
    present: NDArray[np.uint8], class_ids: NDArray[np.uint8], rules: NDArray[np.uint8]
) -> NDArray[np.intp]:
    """Return the columns of the classes that no mask was taken for."""
    won = np.zeros(256, np.bool_)
    for mask in range(rules.size):
        won[class_ids[mask]] |= rules[mask] >= _TAKEN
    return np.flatnonzero(~won[present])


_TAKEN = int(Rule.BY_O_S)
"""The first rule of those by which masks are taken; kernels know no enumerations."""

_RELEASED = Borders(any_class=True, reaches_t2=True)


def _select_as_released(
    overlap: Overlap, t1: float, t2: float, _decided: NDArray[np.intp]
) -> Selected:
    """Follow the authors' code: the lowest class takes first, from all masks still free."""
    class_ids = overlap.best_class.copy()
    rules = overlap.refusals.copy()
    free = rules != Rule.EMPTY
    for column, class_id in enumerate(overlap.class_ids):
        by_o_s = overlap.o_s[:, column] > t1
        by_o_p = _RELEASED.passes_t2(overlap.o_p[:, column], t2)
        chosen = free & (by_o_s | by_o_p)
        class_ids[chosen] = class_id
        rules[chosen] = Rule.BELOW + by_o_s[chosen] + 2 * by_o_p[chosen]
        free &= ~chosen
    return class_ids, rules


def _keep_as_released(
    overlap: Overlap,
    _t1: float,
    _t2: float,
    class_ids: NDArray[np.uint8],
    rules: NDArray[np.uint8],
) -> RetainedSeeds:
    """Keep the pixels of each P_k that no mask covers that was free when k's turn came.

    A mask that class c took is free for all classes up to c, a refused one for all. So it is
    enough to know, at each pixel, the last class for which some mask there was free.
    """
    last_turn = np.where(rules >= Rule.BY_O_S, class_ids, np.uint8(IGNORE))
    order = np.argsort(last_turn, kind="stable")
    free_until = np.zeros(len(overlap.pseudo_columns), np.uint8)
    paint_runs(free_until, *overlap.masks.runs.arrays, order, last_turn[order])
    _erase_covered(overlap.pseudo_columns, free_until)
    return runs_of_labels(free_until, overlap.shape)


@jit
def _erase_covered(pseudo: NDArray[np.uint8], free_until: NDArray[np.uint8]) -> None:
    """Turn `free_until`, in place, into the labels of the pixels that are left uncovered."""
    for i in range(pseudo.size):
        label = pseudo[i]
        free_until[i] = label if free_until[i] < label else 0  # 255 is left out by the caller


class Strategy(StrEnum):
    """How masks are chosen for a class.

    Attributes
    ----------
    method : Method
        All that is the strategy's own.
    """

    method: Method

    def __new__(cls, name: str, method: Method) -> "Strategy":
        """Make a member of its name and its method."""
        strategy = str.__new__(cls, name)
        strategy._value_ = name
        strategy.method = method
        return strategy

    PAPER = (
        "paper",
        Method(
            "Algorithm 1 of the paper",
            _select_by_paper,
            _keep_by_paper,
            kept="kept: no mask was selected for it",
            borders=Borders(),
            counts_by_corners=True,
        ),
    )
    """Algorithm 1 of arXiv 2305.05803."""

    RELEASED = (
        "released",
        Method(
            "what the authors' code computes",
            _select_as_released,
            _keep_as_released,
            kept="kept where no mask is",
            borders=_RELEASED,
            keeps_ignore=False,
        ),
    )

    TREE = (
        "tree",
        Method(
            "of masks that lie in one another, the level that fits the class best",
            select_levels,
            keep_beside_levels,
            kept="kept: no mask was selected for it",
            kept_beside="kept where no mask speaks against it",
            of_t1=(
                "higher values select smaller masks, and keep fewer pseudo-labels in masks that "
                "are not selected"
            ),
            of_t2=(
                "if the selected masks cover more than this share of a connected piece of the "
                "pseudo-labels, its uncovered pixels are dropped"
            ),
        ),
    )
