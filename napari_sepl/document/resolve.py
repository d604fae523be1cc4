"""From what was given and what a person said to the labels: one pure function."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.params import Params
from napari_sepl.core.pixels import lay_over
from napari_sepl.core.sepl import paint
from napari_sepl.core.strategies import Assignment, assign
from napari_sepl.document.inputs import Inputs


@dataclass(frozen=True, eq=False)
class Resolved:
    """Everything that follows; never saved as truth, always computed anew.

    Parameters
    ----------
    params : Params
        The settings it follows from.
    assignment : Assignment
        Which masks were taken, and why.
    enhanced : (H, W) uint8
        What SEPL says.
    final : (H, W) uint8
        What is shown and saved: `enhanced` with the painted pixels on top.
    """

    params: Params
    assignment: Assignment
    enhanced: NDArray[np.uint8]
    final: NDArray[np.uint8]


def resolve(inputs: Inputs, params: Params, overlay: NDArray[np.int16] | None) -> Resolved:
    """Compute the labels of one image.

    Parameters
    ----------
    inputs : Inputs
        What is given.
    params : Params
        The settings.
    overlay : (H, W) int16, optional
        Painted labels, -1 for no opinion; None if nobody painted.
    """
    assignment = assign(inputs.overlap, params)
    enhanced = paint(inputs.overlap, assignment, params)
    final = enhanced if overlay is None else lay_over(enhanced, overlay)
    return Resolved(params, assignment, enhanced, final)
