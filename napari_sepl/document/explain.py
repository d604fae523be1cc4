"""Why regions are selected or rejected: in words, and as a table of all masks."""

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
    """Return a line that explains a mask, or the pseudo-labels of a class.

    Parameters
    ----------
    inputs, resolved : Inputs, Resolved
        The image and its present labels.
    region : int
        A mask's index, or ``-k`` for the pseudo-labels of class k.
    """
    named = f"{name_region(inputs, region)} ({area_of(inputs, region):,} px)"
    if region < 0:
        return f"{named} · {_explain_pseudo(inputs, resolved, -region)}"
    rule = Rule(resolved.assignment.rules[region])
    parts = [named]
    class_id = int(resolved.assignment.class_ids[region])
    if class_id or rule is Rule.BY_PERSON:
        parts.append(inputs.classes.name(class_id))
    if class_id and rule not in (Rule.BY_PERSON, Rule.BROUGHT):
        parts.append(_shares(inputs, resolved, region, class_id))
    parts.append(rule.text)
    return " · ".join(parts + _scores(inputs, region))


def _explain_pseudo(inputs: Inputs, resolved: Resolved, class_id: int) -> str:
    """Return why the pseudo-labels of a class are kept or not."""
    decided = resolved.assignment.decisions.get(-class_id)
    if decided is not None:
        if decided == REJECT:
            return "rejected by the annotator"
        return f"selected for {inputs.classes.name(decided)} by the annotator"
    if class_id not in resolved.assignment.kept.class_ids:
        return "replaced by masks"
    method, assignment = resolved.params.strategy.method, resolved.assignment
    beside = class_id in assignment.class_ids[assignment.selected]
    return (method.kept_beside if beside else "") or method.kept


def _shares(inputs: Inputs, resolved: Resolved, mask_index: int, class_id: int) -> str:
    overlap, params = inputs.overlap, resolved.params
    column = overlap.column_of[class_id]
    o_s = float(overlap.o_s[mask_index, column])
    o_p = float(overlap.o_p[mask_index, column])
    borders = params.strategy.method.borders
    if borders is None:
        return f"o_s {o_s:.3f}, o_p {o_p:.3f}"  # the strategy compares masks with each other
    at_least, below = ("≥", "<") if borders.reaches_t2 else (">", "≤")
    by_o_p = borders.passes_t2(overlap.o_p[mask_index, column], params.t2)
    return (
        f"o_s {o_s:.3f} {'>' if o_s > params.t1 else '≤'} {params.t1:g}, "
        f"o_p {o_p:.3f} {at_least if by_o_p else below} {params.t2:g}"
    )


def _scores(inputs: Inputs, mask_index: int) -> list[str]:
    scores = inputs.masks.scores
    brings = [] if inputs.masks.brought is None else [inputs.masks.brought.text(mask_index)]
    named = (
        ("predicted IoU", float(scores.predicted_iou[mask_index])),
        ("stability", float(scores.stability_score[mask_index])),
    )
    rated = [f"{name} {value:.2f}" for name, value in named if not math.isnan(value)]
    return [f"brings {text}" for text in brings if text] + rated


@dataclass(frozen=True, eq=False)
class MaskRows:
    """The masks of one image, a column each.

    Parameters
    ----------
    assignment : Assignment
        The class and rule of each mask.
    areas : (N,) int64
        Pixels.
    o_s, o_p : (N,) float64
        Share of the mask inside the class, and of the class inside the mask; 0 without class.
    predicted_iou, stability : (N,) float32
        SAM's ratings, NaN without.
    depths : (N,) intp
        Number of masks around each mask.
    prompted : (N,) bool
        Whether it was made by prompts.
    brought : tuple of str
        The class that it brings and its score, in words; empty without.
    """

    assignment: Assignment
    areas: NDArray[np.int64]
    o_s: NDArray[np.float64]
    o_p: NDArray[np.float64]
    predicted_iou: NDArray[np.float32]
    stability: NDArray[np.float32]
    depths: NDArray[np.intp]
    prompted: NDArray[np.bool_]
    brought: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.areas)

    def verdict(self, mask_index: int) -> str:
        """Return why a mask is selected or rejected, in words."""
        text = Rule(self.assignment.rules[mask_index]).text
        return f"{text}, made by prompts" if self.prompted[mask_index] else text


def list_masks(inputs: Inputs, resolved: Resolved) -> MaskRows:
    """Return the table of all masks of an image."""
    overlap, assignment, scores = inputs.overlap, resolved.assignment, inputs.masks.scores
    columns = overlap.column_of[assignment.class_ids]
    brought = inputs.masks.brought
    prompted = np.zeros(len(inputs.masks), np.bool_)
    prompted[list(resolved.annotations.prompted)] = True
    return MaskRows(
        assignment,
        inputs.masks.areas,
        overlap.pick(overlap.o_s, columns),
        overlap.pick(overlap.o_p, columns),
        scores.predicted_iou,
        scores.stability_score,
        inputs.tree.depths,
        prompted,
        tuple(brought.text(index) if brought else "" for index in range(len(inputs.masks))),
    )
