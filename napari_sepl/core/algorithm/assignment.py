"""Assign masks to classes by a strategy, and apply a person's decisions.

A decision maps a region to the class it is selected for, 0 for background, or to `REJECT`. A region
is the index of a mask, or ``-k`` for the pseudo-labels of class k.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.runs import Runs

REJECT = -1
"""The class in a decision that rejects a region: it claims no pixel."""


class Kept(NamedTuple):
    """Pixels of pseudo-labels that are kept beside the masks.

    Parameters
    ----------
    class_ids : (M,) uint8
        The class that each region is painted as.
    regions : Runs
        The pixels, one region for each class id.
    by_person : (M,) bool
        Whether a person decided it.
    """

    class_ids: NDArray[np.uint8]
    regions: Runs
    by_person: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Assignment:
    """The decisions of a strategy and a person on one image.

    Parameters
    ----------
    class_ids : (N,) uint8
        The class each mask is selected for or, if rejected, overlaps most; 0 for none.
    rules : (N,) uint8
        A `Rule` for each mask.
    kept : Kept
        The pixels of pseudo-labels kept beside the masks.
    decisions : mapping of int to int
        A person's decisions by region; the above contains their effects.
    """

    class_ids: NDArray[np.uint8]
    rules: NDArray[np.uint8]
    kept: Kept
    decisions: Mapping[int, int] = field(default_factory=dict)

    @property
    def selected(self) -> NDArray[np.bool_]:
        """(N,) bool: which masks are selected."""
        return self.rules >= Rule.BY_O_S

    @property
    def decided(self) -> NDArray[np.bool_]:
        """(N,) bool: on which masks a person decided."""
        return np.isin(self.rules, (Rule.REJECTED, Rule.BY_PERSON))

    def class_of(self, region: int) -> int:
        """Return the class of a region, selected or rejected; 0 for none."""
        decided = self.decisions.get(region, REJECT)
        if decided != REJECT:
            return decided
        return -region if region < 0 else int(self.class_ids[region])


_NOTHING: Mapping[int, int] = {}


def assign(
    overlap: Overlap,
    params: Params,
    decisions: Mapping[int, int] = _NOTHING,
    vanished: Collection[int] = (),
) -> Assignment:
    """Select the masks of one image.

    A mask with a label by the class that it brings is selected for that, whatever the strategy
    says; a person's decision overrules both.

    Parameters
    ----------
    overlap : Overlap
        The overlap table.
    params : Params
        The strategy and its thresholds.
    decisions : mapping of int to int
        A person's decisions, which overrule the strategy's. A mask that a person selected counts
        as selected: in `paper` and `tree`, its class no longer keeps all of P_k.
    vanished : collection of int
        Classes whose pseudo-labels have no pixel now: decisions on them wait.

    Raises
    ------
    InputError
        If a decision is on a mask or pseudo-label that the image does not have.
    """
    method, t1, t2 = params.strategy.method, params.t1, params.t2
    check_decisions(overlap, decisions, vanished)
    on_masks = {region: class_id for region, class_id in decisions.items() if region >= 0}
    brought = overlap.masks.brought_labels
    apart, brings = np.array(list(on_masks), np.intp), bool(brought.any())
    if brings:
        apart = np.union1d(np.flatnonzero(brought), apart).astype(np.intp)
    class_ids, rules = method.select(overlap, t1, t2, apart)
    if brings:
        class_ids = np.where(brought, brought, class_ids)
        rules = np.where((brought > 0) & (rules != Rule.EMPTY), np.uint8(Rule.BROUGHT), rules)
    if on_masks:
        class_ids, rules = _decide_masks(class_ids, rules, on_masks)
    seeds, regions = method.keep(overlap, t1, t2, class_ids, rules)
    kept = Kept(seeds, regions, np.zeros(len(seeds), np.bool_))
    if len(decisions) > len(on_masks):
        kept = _decide_seeds(kept, overlap, decisions)
    return Assignment(class_ids, rules, kept, decisions)


def check_decisions(
    overlap: Overlap, regions: Collection[int], vanished: Collection[int] = ()
) -> None:
    """Raise InputError if a decision is on a region that the image does not have."""
    classes = {*overlap.class_ids.tolist(), *vanished} if regions else set()
    for region in regions:
        if region >= len(overlap.masks) or (region < 0 and -region not in classes):
            name = f"mask {region}" if region >= 0 else f"the pseudo-labels of class {-region}"
            raise InputError(
                "decision of a reviewer",
                found=name,
                expected=f"one of {len(overlap.masks)} masks, or of classes {sorted(classes)}",
            )


def _decide_masks(
    class_ids: NDArray[np.uint8], rules: NDArray[np.uint8], on_masks: Mapping[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return classes and rules, both (N,) uint8, with a person's decisions applied.

    A rejected mask keeps the class it overlaps most; an empty mask stays as it is.
    """
    class_ids, rules = class_ids.copy(), rules.copy()
    for mask, class_id in on_masks.items():
        if rules[mask] == Rule.EMPTY:
            continue
        rules[mask] = Rule.REJECTED if class_id == REJECT else Rule.BY_PERSON
        if class_id != REJECT:
            class_ids[mask] = class_id
    return class_ids, rules


def _decide_seeds(kept: Kept, overlap: Overlap, decisions: Mapping[int, int]) -> Kept:
    """Return the kept pixels with a person's decisions on pseudo-labels applied.

    Decided pseudo-labels are kept whole, as the class in the decision, or not at all.
    """
    decided = {k: decisions[-k] for k in overlap.class_ids.tolist() if -k in decisions}
    left = np.flatnonzero(~np.isin(kept.class_ids, list(decided)))
    chosen = {k: class_id for k, class_id in decided.items() if class_id != REJECT}
    columns = overlap.class_ids.searchsorted(list(chosen))
    given = np.array(list(chosen.values()), np.uint8)
    return Kept(
        np.concatenate([kept.class_ids[left], given]),
        kept.regions.choose(left).followed_by(overlap.seeds.choose(columns)),
        np.concatenate([kept.by_person[left], np.ones(len(given), np.bool_)]),
    )


def find_critical_thresholds(
    overlap: Overlap, params: Params
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values of each threshold at which a mask changes, the other one fixed.

    Parameters
    ----------
    overlap : Overlap
        The overlap table.
    params : Params
        The current parameters. Where masks depend on each other, as under `tree`, the result is
        empty.

    Returns
    -------
    (A,) float64, (B,) float64
        Values of t1 and of t2, ascending, each once, without 0.
    """
    borders = params.strategy.method.borders
    if borders is None:
        return np.zeros(0), np.zeros(0)
    o_s, o_p = overlap.best_o_s, overlap.best_o_p
    if borders.any_class:
        o_s, o_p = overlap.o_s.max(axis=1, initial=0), overlap.o_p.max(axis=1, initial=0)
    by_o_s, by_o_p = o_s > params.t1, borders.passes_t2(o_p, params.t2)
    at_t1, at_t2 = np.unique(o_s[~by_o_p]), np.unique(o_p[~by_o_s])
    return at_t1[at_t1 > 0], at_t2[at_t2 > 0]
