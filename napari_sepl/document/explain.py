"""Why a region was taken or refused, in words."""

import math

import numpy as np

from napari_sepl.core.overrides import REFUSE
from napari_sepl.core.params import Strategy
from napari_sepl.core.rules import Rule
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
    parts.append(tell_rule(rule))
    return " · ".join(parts + _scores(inputs, region))


def tell_rule(rule: Rule) -> str:
    """Return in words why masks with this rule are taken or refused."""
    return _VERDICTS[rule]


_VERDICTS = {
    Rule.EMPTY: "refused: it has no pixel",
    Rule.NO_CLASS: "refused: it meets no pseudo-label",
    Rule.REFUSED: "refused by you",
    Rule.POOR_FIT: "refused: it fits the class too poorly",
    Rule.OTHER_LEVEL: "refused: a mask around it, or those in it, fit better",
    Rule.BELOW: "refused: below both thresholds",
    Rule.BY_O_S: "taken by o_s",
    Rule.BY_O_P: "taken by o_p",
    Rule.BY_BOTH: "taken by o_s and o_p",
    Rule.BY_LEVEL: "taken: the level that fits best",
    Rule.BY_PERSON: "taken by you",
}


def _fate_of_seed(inputs: Inputs, resolved: Resolved, class_id: int) -> str:
    """Say what became of the pseudo-labels of a class."""
    decided = resolved.said.overrides.get(-class_id)
    if decided is not None:
        if decided == REFUSE:
            return "refused by you"
        return f"{'kept' if decided else 'taken'} as {inputs.classes.name(decided)} by you"
    if class_id not in resolved.assignment.kept.class_ids:
        return "replaced by masks"
    if resolved.params.strategy is Strategy.RELEASED:
        return "kept where no mask is"
    if class_id in resolved.assignment.class_ids[resolved.assignment.taken]:
        return "kept where no mask speaks against it"
    return "kept: no mask was taken for it"


def _shares(inputs: Inputs, resolved: Resolved, mask_index: int, class_id: int) -> str:
    overlap, params = inputs.overlap, resolved.params
    column = int(np.flatnonzero(overlap.class_ids == class_id)[0])
    o_s = float(overlap.o_s[mask_index, column])
    o_p = float(overlap.o_p[mask_index, column])
    if params.strategy is Strategy.TREE:
        return f"o_s {o_s:.3f}, o_p {o_p:.3f}"  # it weighs them against other masks
    at_least, below = (">", "≤") if params.strategy is Strategy.PAPER else ("≥", "<")
    by_o_p = o_p > params.t2 or (o_p == params.t2 and at_least == "≥")
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
