"""Regions, which a person can point at: masks, and the pseudo-labels of a class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.assignment import REJECT, Assignment
from napari_sepl.core.algorithm.overlap import count_shared
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.masks.runs import runs_of_mask
from napari_sepl.document.inputs import Inputs


def regions_at(inputs: Inputs, row: int, col: int) -> list[int]:
    """Return the regions at a pixel: its masks from part to whole, then its pseudo-labels.

    Parameters
    ----------
    inputs : Inputs
        The image.
    row, col : int
        The pixel, which may lie outside the image.

    Returns
    -------
    list of int
        Mask indices, and ``-k`` for the pseudo-labels of class k.
    """
    height, width = inputs.shape
    if not (0 <= row < height and 0 <= col < width):
        return []
    label = int(inputs.pseudo[row, col])
    return [*map(int, inputs.masks.at(row, col)), *([-label] if 0 < label < IGNORE else [])]


def has_region(inputs: Inputs, region: int) -> bool:
    """Return whether an image has a region."""
    if region >= 0:
        return region < len(inputs.masks)
    return bool((inputs.overlap.class_ids == -region).any())


def name_region(inputs: Inputs, region: int) -> str:
    """Return the name of a region."""
    if region < 0:
        return f"pseudo-labels of {inputs.classes.name(-region)}"
    return f"mask {region}"


def area_of(inputs: Inputs, region: int) -> int:
    """Return the pixels of a region."""
    if region >= 0:
        return int(inputs.masks.areas[region])
    if -region in inputs.vanished:
        return 0
    column = int(inputs.overlap.class_ids.searchsorted(-region))
    return int(inputs.overlap.seeds.areas[column])


def describe_decision(
    inputs: Inputs, assignment: Assignment, regions: Sequence[int], class_id: int | None
) -> str:
    """Return a line for the history: "reject mask 12 (dog)"."""
    if len(regions) == 1:
        named = name_region(inputs, regions[0])
    else:
        masks = sum(region >= 0 for region in regions)
        named = f"{masks} masks" if masks == len(regions) else f"{len(regions)} regions"
    if class_id is None:
        return f"reset {named} to automatic"
    if class_id != REJECT:
        return f"select {named} for {inputs.classes.name(class_id)}"
    were = {assignment.class_of(region) for region in regions if region >= 0} - {0}
    classes = f" ({inputs.classes.name(were.pop())})" if len(were) == 1 else ""
    return f"reject {named}{classes}"


def regions_within(inputs: Inputs, inside: NDArray[np.bool_], share: float = 0.9) -> list[int]:
    """Return the masks with at least a share of their pixels inside.

    Parameters
    ----------
    inputs : Inputs
        The image.
    inside : (H, W) bool
        The pixels of the lasso.
    share : float
        In 0..1.
    """
    counts = count_shared(inputs.masks.runs, *runs_of_mask(inside))
    areas = inputs.masks.areas
    return [int(mask) for mask in np.flatnonzero((areas > 0) & (counts >= share * areas))]
