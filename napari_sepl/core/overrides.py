"""What a person decided for single regions, over what a strategy says.

An override is a region and a class: the class that a person gave it, 0 where they took it for
background, or `REFUSE`. A region is a mask, known by its index, or the pseudo-labels of class k,
known as ``-k``.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.overlap import Overlap
from napari_sepl.core.rules import Rule
from napari_sepl.core.runs import Runs

REFUSE = -1
"""In place of the class, in an override: the region claims nothing, whatever the algorithm says."""


class Kept(NamedTuple):
    """The pixels of pseudo-labels that are kept beside the masks.

    Parameters
    ----------
    class_ids : (M,) uint8
        The class that each region is painted as.
    regions : Runs
        The pixels, one region for each class id.
    by_person : (M,) bool
        Whether a person said so.
    """

    class_ids: NDArray[np.uint8]
    regions: Runs
    by_person: NDArray[np.bool_]

    @classmethod
    def by_strategy(cls, class_ids: NDArray[np.uint8], regions: Runs) -> "Kept":
        """Return what a strategy keeps."""
        return cls(class_ids, regions, np.zeros(len(class_ids), np.bool_))


def check_overrides(overlap: Overlap, overrides: Mapping[int, int]) -> None:
    """Raise InputError if an override names a mask or pseudo-label that the image has not."""
    classes = set(map(int, overlap.class_ids))
    for region in overrides:
        if region >= len(overlap.masks) or (region < 0 and -region not in classes):
            name = f"mask {region}" if region >= 0 else f"the pseudo-labels of class {-region}"
            raise InputError(
                "decision of a reviewer",
                found=name,
                expected=f"one of {len(overlap.masks)} masks, or of classes {sorted(classes)}",
            )


def override_masks(
    class_ids: NDArray[np.uint8], rules: NDArray[np.uint8], overrides: Mapping[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return classes and rules, both (N,) uint8, with a person's decisions on masks in them.

    A refused mask keeps the class it shares most pixels with, to be told of it. A mask without
    a pixel stays as it is.
    """
    class_ids, rules = class_ids.copy(), rules.copy()
    for region, class_id in overrides.items():
        if region < 0 or rules[region] == Rule.EMPTY:
            continue
        rules[region] = Rule.REFUSED if class_id == REFUSE else Rule.BY_PERSON
        if class_id != REFUSE:
            class_ids[region] = class_id
    return class_ids, rules


def override_seeds(kept: Kept, overlap: Overlap, overrides: Mapping[int, int]) -> Kept:
    """Return the pixels that are kept with a person's decisions on pseudo-labels in them.

    Decided pseudo-labels are kept whole, as the class they were given, or not at all.
    """
    decided = {-region: class_id for region, class_id in overrides.items() if region < 0}
    if not decided:
        return kept
    left = np.flatnonzero(~np.isin(kept.class_ids, list(decided)))
    wanted = {seed: class_id for seed, class_id in decided.items() if class_id != REFUSE}
    columns = overlap.class_ids.searchsorted(list(wanted))
    given = np.array(list(wanted.values()), np.uint8)
    return Kept(
        np.concatenate([kept.class_ids[left], given]),
        kept.regions.choose(left).followed_by(overlap.seeds.choose(columns)),
        np.concatenate([kept.by_person[left], np.ones(len(given), np.bool_)]),
    )
