"""Every mask of an image with what speaks for and against it: the table and the threshold plane."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.rules import Rule
from napari_sepl.document.explain import tell_rule
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved


@dataclass(frozen=True, eq=False)
class MaskRows:
    """The masks of one image, a column each.

    Parameters
    ----------
    class_ids : (N,) uint8
        The class each mask was taken for or, if refused, shares most pixels with; 0 for none.
    areas : (N,) int64
        Pixels.
    o_s, o_p : (N,) float64
        Share of the mask on the class, and of the class in the mask; 0 if it meets none.
    rules : (N,) uint8
        A `Rule` for each mask.
    predicted_iou, stability : (N,) float32
        SAM's ratings, NaN where there are none.
    depths : (N,) intp
        How many masks hold each mask.
    prompted : (N,) bool
        Whether a person made it by prompts.
    """

    class_ids: NDArray[np.uint8]
    areas: NDArray[np.int64]
    o_s: NDArray[np.float64]
    o_p: NDArray[np.float64]
    rules: NDArray[np.uint8]
    predicted_iou: NDArray[np.float32]
    stability: NDArray[np.float32]
    depths: NDArray[np.intp]
    prompted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def taken(self) -> NDArray[np.bool_]:
        """(N,) bool: which masks are taken."""
        return self.rules >= Rule.BY_O_S

    @property
    def decided(self) -> NDArray[np.bool_]:
        """(N,) bool: on which masks a person decided."""
        return np.isin(self.rules, (Rule.REFUSED, Rule.BY_PERSON))

    def verdict(self, mask_index: int) -> str:
        """Return why a mask is taken or refused, in words."""
        told = tell_rule(Rule(self.rules[mask_index]))
        return f"{told}, made by a prompt" if self.prompted[mask_index] else told


def list_masks(inputs: Inputs, resolved: Resolved) -> MaskRows:
    """Return all masks of an image as they are now."""
    overlap, assignment, scores = inputs.overlap, resolved.assignment, inputs.masks.scores
    columns = np.searchsorted(overlap.class_ids, assignment.class_ids)
    columns = np.minimum(columns, max(0, len(overlap.class_ids) - 1))
    masks = np.arange(len(inputs.masks))
    prompted = np.zeros(len(masks), np.bool_)
    prompted[list(resolved.said.prompted)] = True
    if len(overlap.class_ids):
        met = overlap.class_ids[columns] == assignment.class_ids
        o_s = np.where(met, overlap.o_s[masks, columns], 0.0)
        o_p = np.where(met, overlap.o_p[masks, columns], 0.0)
    else:
        o_s, o_p = np.zeros((2, len(masks)))
    return MaskRows(
        assignment.class_ids,
        inputs.masks.areas,
        o_s,
        o_p,
        assignment.rules,
        scores.predicted_iou,
        scores.stability_score,
        inputs.tree.depths,
        prompted,
    )
