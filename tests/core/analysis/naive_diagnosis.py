"""The causes of failure, written from their definitions on decoded masks."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from napari_sepl.core.algorithm.assignment import Assignment
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.analysis.diagnosis.types import Cause
from tests.core.naive import above, parents_of

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
BY_STRATEGY = (Rule.BY_O_S, Rule.BY_O_P, Rule.BY_BOTH, Rule.BY_LEVEL)
REJECTED_BY_STRATEGY = (Rule.NO_CLASS, Rule.POOR_FIT, Rule.OTHER_LEVEL, Rule.BELOW)


def strengths_of(
    pseudo: Labels, masks: list[Mask], assignment: Assignment, enhanced: Labels
) -> dict[tuple[Cause, int], float]:
    """Return the strength of each cause and class, 0 where there is none."""
    seeds = {k: pseudo == k for k in np.unique(pseudo).tolist() if k not in (0, 255)}
    strengths = {}
    covered = np.zeros(pseudo.shape, bool)
    for mask in masks:
        covered |= mask
    for k, seed in seeds.items():
        area, now = int(seed.sum()), int((enhanced == k).sum())
        met = any(best_class(mask, seeds) == k for mask in masks)
        strengths[Cause.UNMET, k] = float(not met)
        strengths[Cause.SCATTERED, k] = 1 - largest_piece(seed) / area
        strengths[Cause.UNCOVERED, k] = (seed & ~covered).sum() / area if met else 0
        strengths[Cause.SHRUNK, k] = max(0, 1 - now / area)
        strengths[Cause.GROWN, k] = max(0, 1 - 2 * area / now) if now else 0
        strengths[Cause.CONTESTED, k] = contested(k, masks, assignment)
        selected = selected_for(k, masks, assignment)
        strengths[Cause.SWALLOWING, k] = max(
            (rejected_within(m, seed, masks, assignment) for m in selected), default=0
        )
        strengths[Cause.OUTSIDE, k] = max(
            (outside(m, seed, masks, assignment) for m in selected), default=0
        )
        strengths[Cause.STRADDLING, k] = max(
            (
                (mask & seed).sum() / area
                for n, mask in enumerate(masks)
                if assignment.rules[n] in BY_STRATEGY and assignment.class_ids[n] != k
            ),
            default=0,
        )
    return strengths


def best_class(mask: Mask, seeds: dict[int, Mask]) -> int:
    """Return the class that a mask shares most pixels with, 0 for none."""
    shared = {k: int((mask & seed).sum()) for k, seed in seeds.items()}
    most = max(shared.values(), default=0)
    return min((k for k, pixels in shared.items() if pixels == most > 0), default=0)


def selected_for(k: int, masks: list[Mask], assignment: Assignment) -> list[int]:
    """Return the masks that the strategy selected for a class."""
    return [
        n for n in range(len(masks))
        if assignment.rules[n] in BY_STRATEGY and assignment.class_ids[n] == k
    ]  # fmt: skip


def largest_piece(seed: Mask) -> int:
    """Return the pixels of the largest connected piece."""
    numbers, count = label(seed)
    return max(int((numbers == number + 1).sum()) for number in range(count))


def rejected_within(whole: int, seed: Mask, masks: list[Mask], assignment: Assignment) -> float:
    """Return the share of a mask that lies off its class in outermost rejected masks in it."""
    parents = parents_of(masks)
    off = 0
    for part in range(len(masks)):
        chain = above(parents, part)
        selected = [n for n in chain if assignment.rules[n] > Rule.BELOW]
        if not selected or selected[0] != whole:
            continue
        between = chain[: chain.index(whole)]
        if is_off(part, seed, masks, assignment) and not any(
            is_off(n, seed, masks, assignment) for n in between
        ):
            off += int((masks[part] & ~seed).sum())
    return min(off, int((masks[whole] & ~seed).sum())) / int(masks[whole].sum())


def is_off(n: int, seed: Mask, masks: list[Mask], assignment: Assignment) -> bool:
    """Tell whether a mask was rejected by the strategy and lies on a class by half at most."""
    rejected = assignment.rules[n] in REJECTED_BY_STRATEGY
    return bool(rejected and 2 * (masks[n] & seed).sum() <= masks[n].sum())


def outside(n: int, seed: Mask, masks: list[Mask], assignment: Assignment) -> float:
    """Return the share of a selected mask outside its class, if that is half or more."""
    on = int((masks[n] & seed).sum())
    area = int(masks[n].sum())
    weak = assignment.rules[n] in (Rule.BY_O_P, Rule.BY_LEVEL)
    return (area - on) / area if weak and 2 * on <= area else 0


def contested(k: int, masks: list[Mask], assignment: Assignment) -> float:
    """Return the share of what a class claims that another class claims too."""
    claims = {c: np.zeros(assignment.kept.regions.shape, bool) for c in range(256)}
    for n, mask in enumerate(masks):
        if assignment.rules[n] in BY_STRATEGY:
            claims[int(assignment.class_ids[n])] |= mask
    for n, c in enumerate(assignment.kept.class_ids.tolist()):
        if not assignment.kept.by_person[n]:
            claims[c] |= assignment.kept.regions.decode(n)
    others = np.any([claim for c, claim in claims.items() if c != k], axis=0)
    return float((claims[k] & others).sum() / max(1, claims[k].sum()))
