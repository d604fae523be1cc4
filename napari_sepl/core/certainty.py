"""How sure labels are: where they differ from the pseudo-labels, and nobody decided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.overlap import IGNORE
from napari_sepl.core.provenance import Source


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """How probable each class is at each pixel.

    Parameters
    ----------
    class_ids : (C,) uint8
        The classes that any pixel may be, ascending.
    probabilities : (C, H, W) float16
        They add up to 1 at each pixel; to 0 where the label is ignore.
    """

    class_ids: NDArray[np.uint8]
    probabilities: NDArray[np.float16]


def find_unsure(
    final: NDArray[np.uint8],
    pseudo: NDArray[np.uint8],
    sources: NDArray[np.uint8] | None = None,
) -> NDArray[np.bool_]:
    """Tell which pixels are unsure: the final label is not the pseudo-label, and no person's.

    Parameters
    ----------
    final, pseudo : (H, W) uint8
        The labels, and the pseudo-labels they were made from.
    sources : (H, W) uint8, optional
        A `Source` for each pixel. Strokes, protected labels, and masks that a person took or
        made by prompts are a person's word. Without sources nothing is.
    """
    unsure: NDArray[np.bool_] = final != pseudo
    return unsure if sources is None else unsure & (sources < Source.PERSON)


def soften(
    final: NDArray[np.uint8],
    pseudo: NDArray[np.uint8],
    unsure: NDArray[np.bool_],
    trust: float,
) -> SoftLabels:
    """Return the probabilities of classes.

    A pixel that is sure has its final label with 1. An unsure one has its final label with
    `trust` and its pseudo-label with the rest; with 1 if its pseudo-label is ignore.

    Parameters
    ----------
    final, pseudo : (H, W) uint8
        The labels, and the pseudo-labels they were made from.
    unsure : (H, W) bool
        See `find_unsure`.
    trust : float
        How probable, 0..1, the final label of an unsure pixel is.
    """
    split = unsure & (pseudo != IGNORE) & (final != IGNORE)
    present = np.union1d(final, pseudo[split])
    class_ids = present[present != IGNORE].astype(np.uint8)
    probabilities = np.zeros((len(class_ids), *final.shape), np.float16)
    of_final = np.where(split, np.float16(trust), np.float16(1))
    of_pseudo = np.float16(1) - np.float16(trust)
    for place, class_id in enumerate(class_ids):
        mine = final == class_id
        probabilities[place][mine] = of_final[mine]
        probabilities[place][split & (pseudo == class_id)] += of_pseudo
    return SoftLabels(class_ids, probabilities)
