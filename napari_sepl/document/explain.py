"""Why a mask was taken or refused, in words."""

import math

from napari_sepl.core.params import Strategy
from napari_sepl.core.rules import Rule
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved


def explain_mask(inputs: Inputs, resolved: Resolved, mask_index: int) -> str:
    """Return one line: the mask, its class, its shares against the thresholds, SAM's scores."""
    rule = Rule(resolved.assignment.rules[mask_index])
    area = int(inputs.masks.areas[mask_index])
    parts = [f"mask {mask_index} ({area:,} px)"]
    class_id = int(resolved.assignment.class_ids[mask_index])
    if class_id:
        parts.append(inputs.classes.name(class_id))
        parts.append(_shares(inputs, resolved, mask_index, class_id))
    parts.append(_VERDICTS[rule])
    return " · ".join(parts + _scores(inputs, mask_index))


_VERDICTS = {
    Rule.EMPTY: "refused: it has no pixel",
    Rule.NO_CLASS: "refused: it meets no pseudo-label",
    Rule.BELOW: "refused: below both thresholds",
    Rule.BY_O_S: "taken by o_s",
    Rule.BY_O_P: "taken by o_p",
    Rule.BY_BOTH: "taken by o_s and o_p",
}


def _shares(inputs: Inputs, resolved: Resolved, mask_index: int, class_id: int) -> str:
    overlap, params = inputs.overlap, resolved.params
    column = int(overlap.class_ids.searchsorted(class_id))
    o_s = float(overlap.o_s[mask_index, column])
    o_p = float(overlap.o_p[mask_index, column])
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
