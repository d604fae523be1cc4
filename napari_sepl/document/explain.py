"""Why regions were taken or rejected: in words, and as a table of all masks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.assignment import REJECT, Assignment
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.regions import area_of, name_region
from napari_sepl.document.resolve import Resolved


def explain_region(inputs: Inputs, resolved: Resolved, region: int) -> str:
    """Return one line on a mask, or on the pseudo-labels of a class.

    Parameters
    ----------
    inputs, resolved : Inputs, Resolved
        The image as it is.
    region : int
        A mask's index, or ``-k`` for the pseudo-labels of class k.
    """
    named = f"{name_region(inputs, region)} ({area_of(inputs, region):,} px)"
    if region < 0:
        return f"{named} · {_fate_of_seed(inputs, resolved, -region)}"
    rule = Rule(resolved.assignment.rules[region])
    parts = [named]
    class_id = int(resolved.assignment.class_ids[region])
    if class_id or rule is Rule.BY_PERSON:
        parts.append(inputs.classes.name(class_id))
    if class_id and rule is not Rule.BY_PERSON:
        parts.append(_shares(inputs, resolved, region, class_id))
    parts.append(rule.told)
    return " · ".join(parts + _scores(inputs, region))


def _fate_of_seed(inputs: Inputs, resolved: Resolved, class_id: int) -> str:
    """Say what became of the pseudo-labels of a class."""
    decided = resolved.assignment.decisions.get(-class_id)
    if decided is not None:
        if decided == REJECT:
            return "rejected by you"
        return f"{'kept' if decided else 'selected'} as {inputs.classes.name(decided)} by you"
    if class_id not in resolved.assignment.kept.class_ids:
        return "replaced by masks"
    method, assignment = resolved.params.strategy.method, resolved.assignment
    beside = class_id in assignment.class_ids[assignment.selected]
    return (method.kept_beside if beside else "") or method.kept


def _shares(inputs: Inputs, resolved: Resolved, mask_index: int, class_id: int) -> str:
    overlap, params = inputs.overlap, resolved.params
    column = int(np.flatnonzero(overlap.class_ids == class_id)[0])
    o_s = float(overlap.o_s[mask_index, column])
    o_p = float(overlap.o_p[mask_index, column])
    borders = params.strategy.method.borders
    if borders is None:
        return f"o_s {o_s:.3f}, o_p {o_p:.3f}"  # it weighs them against other masks
    at_least, below = ("≥", "<") if borders.reaches_t2 else (">", "≤")
    by_o_p = borders.passes_t2(overlap.o_p[mask_index, column], params.t2)
    return (
        f"o_s {o_s:.3f} {'>' if o_s > params.t1 else '≤'} {params.t1:g}, "
        f"o_p {o_p:.3f} {at_least if by_o_p else below} {params.t2:g}"
    )


def _scores(inputs: Inputs, mask_index: int) -> list[str]:
    scores = inputs.masks.scores
    named = (
        ("predicted IoU", float(scores.predicted_iou[mask_index])),
        ("stability", float(scores.stability_score[mask_index])),
    )
    return [f"{name} {value:.2f}" for name, value in named if not math.isnan(value)]


@dataclass(frozen=True, eq=False)
class MaskRows:
    """The masks of one image, a column each.

    Parameters
    ----------
    assignment : Assignment
        What was decided on each mask.
    areas : (N,) int64
        Pixels.
    o_s, o_p : (N,) float64
        Share of the mask on the class, and of the class in the mask; 0 if it meets none.
    predicted_iou, stability : (N,) float32
        SAM's ratings, NaN where there are none.
    depths : (N,) intp
        How many masks hold each mask.
    prompted : (N,) bool
        Whether a person made it by prompts.
    """

    assignment: Assignment
    areas: NDArray[np.int64]
    o_s: NDArray[np.float64]
    o_p: NDArray[np.float64]
    predicted_iou: NDArray[np.float32]
    stability: NDArray[np.float32]
    depths: NDArray[np.intp]
    prompted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.areas)

    def verdict(self, mask_index: int) -> str:
        """Return why a mask is taken or refused, in words."""
        told = Rule(self.assignment.rules[mask_index]).told
        return f"{told}, made by a prompt" if self.prompted[mask_index] else told


def list_masks(inputs: Inputs, resolved: Resolved) -> MaskRows:
    """Return all masks of an image as they are now."""
    overlap, assignment, scores = inputs.overlap, resolved.assignment, inputs.masks.scores
    columns = np.searchsorted(overlap.class_ids, assignment.class_ids)
    columns = np.minimum(columns, max(0, len(overlap.class_ids) - 1))
    masks = np.arange(len(inputs.masks))
    prompted = np.zeros(len(masks), np.bool_)
    prompted[list(resolved.annotations.prompted)] = True
    if len(overlap.class_ids):
        met = overlap.class_ids[columns] == assignment.class_ids
        o_s = np.where(met, overlap.o_s[masks, columns], 0.0)
        o_p = np.where(met, overlap.o_p[masks, columns], 0.0)
    else:
        o_s, o_p = np.zeros((2, len(masks)))
    return MaskRows(
        assignment,
        inputs.masks.areas,
        o_s,
        o_p,
        scores.predicted_iou,
        scores.stability_score,
        inputs.tree.depths,
        prompted,
    )
