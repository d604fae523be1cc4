"""The strategies, each with its `Method`.

No other module checks which strategy is set. To add one, add a member to `Strategy`; its functions
may be in a file of their own, as those of `tree` are in `levels.py`.
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
    """How thresholds select masks where each is judged by itself: by o_s > t1, or by o_p and t2.

    Parameters
    ----------
    any_class : bool
        Whether a mask may be selected for any class, not only for the one it overlaps most.
    reaches_t2 : bool
        Whether o_p = t2 is enough.
    """

    any_class: bool = False
    reaches_t2: bool = False

    def passes_t2(self, o_p: NDArray[np.float64], t2: float) -> NDArray[np.bool_]:
        """Return which values of o_p are enough."""
        return o_p >= t2 if self.reaches_t2 else o_p > t2


@dataclass(frozen=True)
class Method:
    """What one strategy does, and its texts.

    Parameters
    ----------
    summary : str
        What it does, for help texts.
    select : callable
        Takes the overlap table, t1, t2 and the indices (D,) intp of masks with a decision, and
        returns classes and rules. Those of decided masks are overruled, so where masks compete it
        must leave them out.
    keep : callable
        Takes the table, t1, t2, and class ids and rules with decisions applied, and returns the
        pseudo-labels that are kept beside the selected masks.
    kept : str
        Why pseudo-labels of a class are kept, in words.
    kept_beside : str
        The same if masks are selected for the class, where the reason differs.
    borders : Borders, optional
        How thresholds select masks. Without it, the window draws no threshold lines and marks,
        and explanations compare no share with a threshold.
    fast_sweep : bool
        Whether a sweep may use `sweep.sweep_paper`, which follows the rules of `paper`.
    keeps_ignore : bool
        Whether unclaimed ignore pixels stay so; else they become background.
    of_t1, of_t2 : str
        Effects of the thresholds where they differ from `paper`, for help texts.
    """

    summary: str
    select: Callable[[Overlap, float, float, NDArray[np.intp]], Selected]
    keep: Callable[[Overlap, float, float, NDArray[np.uint8], NDArray[np.uint8]], RetainedSeeds]
    kept: str
    borders: Borders | None = None
    kept_beside: str = ""
    fast_sweep: bool = False
    keeps_ignore: bool = True
    of_t1: str = ""
    of_t2: str = ""


def _select_by_paper(
    overlap: Overlap, t1: float, t2: float, _decided: NDArray[np.intp]
) -> Selected:
    """Follow Algorithm 1: each mask may be selected for the class it overlaps most."""
    shares = overlap.best_o_s, overlap.best_o_p
    return overlap.best_class, _judge(overlap.best, *shares, overlap.rejections, t1, t2)


@jit
def _judge(
    best: NDArray[np.intp],
    o_s: NDArray[np.float64],
    o_p: NDArray[np.float64],
    rejections: NDArray[np.uint8],
    t1: float,
    t2: float,
) -> NDArray[np.uint8]:
    """Return a rule for each mask."""
    rules = rejections.copy()
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
    columns = _columns_without_masks(overlap.class_ids, class_ids, rules)
    return overlap.class_ids[columns], overlap.seeds.choose(columns)


@jit
def _columns_without_masks(
    present: NDArray[np.uint8], class_ids: NDArray[np.uint8], rules: NDArray[np.uint8]
) -> NDArray[np.intp]:
    """Return the columns of the classes without a selected mask."""
    has_mask = np.zeros(256, np.bool_)
    for mask in range(rules.size):
        has_mask[class_ids[mask]] |= rules[mask] >= _FIRST_SELECTED
    return np.flatnonzero(~has_mask[present])


_FIRST_SELECTED = int(Rule.BY_O_S)
"""The first rule of selected masks; kernels cannot use enumerations."""

_RELEASED = Borders(any_class=True, reaches_t2=True)


def _select_as_released(
    overlap: Overlap, t1: float, t2: float, _decided: NDArray[np.intp]
) -> Selected:
    """Follow the authors' code: from the lowest class up, each selects among the masks left."""
    class_ids = overlap.best_class.copy()
    rules = overlap.rejections.copy()
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
    """Keep the pixels of each P_k that are in none of the masks left when k selects.

    A mask selected for class c is left for all classes up to c, a rejected one for all. So the last
    class for which a mask is left decides at each pixel.
    """
    last_turn = np.where(rules >= Rule.BY_O_S, class_ids, np.uint8(IGNORE))
    order = np.argsort(last_turn, kind="stable")
    free_until = np.zeros(len(overlap.pseudo_columns), np.uint8)
    paint_runs(free_until, *overlap.masks.runs.arrays, order, last_turn[order])
    _erase_covered(overlap.pseudo_columns, free_until)
    return runs_of_labels(free_until, overlap.shape)


@jit
def _erase_covered(pseudo: NDArray[np.uint8], free_until: NDArray[np.uint8]) -> None:
    """Turn `free_until`, in place, into the labels of the uncovered pixels."""
    for i in range(pseudo.size):
        label = pseudo[i]
        free_until[i] = label if free_until[i] < label else 0  # the caller drops 255


class Strategy(StrEnum):
    """How masks are selected for a class.

    Attributes
    ----------
    method : Method
        What the strategy does, and its texts.
    """

    method: Method

    def __new__(cls, name: str, method: Method) -> "Strategy":
        """Make a member."""
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
            fast_sweep=True,
        ),
    )
    """Algorithm 1 of arXiv 2305.05803."""

    RELEASED = (
        "released",
        Method(
            "what the authors' code computes",
            _select_as_released,
            _keep_as_released,
            kept="kept where no mask covers it",
            borders=_RELEASED,
            keeps_ignore=False,
        ),
    )

    TREE = (
        "tree",
        Method(
            "among nested masks, the level that fits the class best",
            select_levels,
            keep_beside_levels,
            kept="kept: no mask was selected for it",
            kept_beside="kept where all covering masks fit the class",
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
