"""The label source of each pixel, and which pixels are unsure."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core._jit import jit
from napari_sepl.core.algorithm.assignment import Assignment
from napari_sepl.core.algorithm.overlap import Overlap
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.labels.pixels import IGNORE, NO_OPINION, count_labels
from napari_sepl.core.masks.transpose import to_columns, to_rows


class Source(IntEnum):
    """What gave a pixel its label; of several sources the highest counts."""

    NOTHING = 0
    """Background: no class."""
    IGNORED = 1
    """Ignore in the pseudo-labels, and no selected mask."""
    KEPT = 2
    """The pseudo-label, kept without a selected mask."""
    BY_O_P = 3
    """A mask that covers enough of its class."""
    BY_O_S = 4
    """A mask enough of which lies in its class, or that `tree` selected."""
    BROUGHT = 5
    """A mask selected for the class that it brings."""
    PERSON = 6
    """A mask, or a pseudo-label, that a person selected."""
    PROMPTED = 7
    """A mask that a person made by prompts."""
    PINNED = 8
    """A locked label, where it would have changed since."""
    PAINTED = 9
    """A stroke."""


NAMES: dict[Source, str] = {
    Source.NOTHING: "background: no class",
    Source.IGNORED: "ignore, from the pseudo-labels",
    Source.KEPT: "pseudo-labels kept",
    Source.BY_O_P: "masks by o_p alone",
    Source.BY_O_S: "masks by o_s",
    Source.BROUGHT: "masks by the class they bring",
    Source.PERSON: "selected by a person",
    Source.PROMPTED: "masks by prompts",
    Source.PINNED: "locked",
    Source.PAINTED: "strokes",
}
"""Names of the sources."""

_OF_RULE = np.zeros(max(Rule) + 1, np.uint8)
_OF_RULE[Rule.BY_O_S :] = Source.BY_O_S
_OF_RULE[Rule.BY_O_P], _OF_RULE[Rule.BY_PERSON] = Source.BY_O_P, Source.PERSON
_OF_RULE[Rule.BROUGHT] = Source.BROUGHT


def find_sources(
    overlap: Overlap,
    assignment: Assignment,
    enhanced: NDArray[np.uint8],
    locked_pixels: NDArray[np.int16] | None = None,
    overlay: NDArray[np.int16] | None = None,
    prompted: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Return the label source of each pixel.

    Parameters
    ----------
    overlap : Overlap
        The overlap table of the assignment.
    assignment : Assignment
        The selected masks and the kept pseudo-labels.
    enhanced : (H, W) uint8
        The labels painted from it.
    locked_pixels, overlay : (H, W) int16, optional
        Locked and painted labels, -1 for no opinion.
    prompted : collection of int
        Indices of the masks that a person made by prompts.

    Returns
    -------
    (H, W) uint8
        A `Source` for each pixel.
    """
    kept, masks = assignment.kept, overlap.masks.runs
    columns = to_columns(enhanced)
    flat = (columns == IGNORE) * np.uint8(Source.IGNORED)  # elsewhere 0, nothing
    of_kept = np.where(kept.by_person, np.uint8(Source.PERSON), np.uint8(Source.KEPT))
    of_masks = _OF_RULE[assignment.rules]
    of_masks[[mask for mask in prompted if assignment.selected[mask]]] = Source.PROMPTED
    for regions, class_ids, sources in (
        (kept.regions, kept.class_ids, of_kept),
        (masks, assignment.class_ids, of_masks),
    ):
        _raise_sources(flat, columns, *regions.arrays, class_ids, sources)
    found = to_rows(flat, overlap.shape)
    if locked_pixels is not None:
        found[(locked_pixels != NO_OPINION) & (locked_pixels != enhanced)] = Source.PINNED
    if overlay is not None:
        found[overlay != NO_OPINION] = Source.PAINTED
    return found


@jit
def _raise_sources(
    flat: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    offsets: NDArray[np.int64],
    class_ids: NDArray[np.uint8],
    sources: NDArray[np.uint8],
) -> None:
    """Write each region's source where its class won, over lower sources."""
    for region in range(sources.size):
        source = sources[region]
        if source == 0:
            continue
        class_id = class_ids[region]
        for run in range(offsets[region], offsets[region + 1]):
            own = slice(starts[run], stops[run])
            claimed, found = labels[own], flat[own]  # indexed from 0, this loop is vectorised
            for at in range(claimed.size):
                raised = claimed[at] == class_id and found[at] < source
                found[at] = source if raised else found[at]


def count_sources(found: NDArray[np.uint8]) -> dict[Source, int]:
    """Return the pixels of each source that has any."""
    counts = count_labels(found)
    return {source: int(counts[source]) for source in Source if counts[source]}


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """The probability of each class at each pixel.

    Parameters
    ----------
    class_ids : (C,) uint8
        The classes that occur, ascending.
    probabilities : (C, H, W) float16
        Their sum is 1 at each pixel, 0 where the label is ignore.
    """

    class_ids: NDArray[np.uint8]
    probabilities: NDArray[np.float16]


def find_unsure(
    labels: NDArray[np.uint8],
    pseudo: NDArray[np.uint8],
    sources: NDArray[np.uint8] | None = None,
) -> NDArray[np.bool_]:
    """Return which pixels are unsure: not the pseudo-label, and not from a person.

    Parameters
    ----------
    labels, pseudo : (H, W) uint8
        The labels, and their pseudo-labels.
    sources : (H, W) uint8, optional
        A `Source` for each pixel. Strokes, locked labels, and masks that a person selected or
        prompted are from a person. Without sources no pixel is.
    """
    unsure: NDArray[np.bool_] = labels != pseudo
    return unsure if sources is None else unsure & (sources < Source.PERSON)


def soften(
    labels: NDArray[np.uint8],
    pseudo: NDArray[np.uint8],
    unsure: NDArray[np.bool_],
    trust: float,
) -> SoftLabels:
    """Return the probabilities of classes.

    A sure pixel has its label with 1. An unsure one has its label with `trust` and its
    pseudo-label with the rest; with 1 if its pseudo-label is ignore.

    Parameters
    ----------
    labels, pseudo : (H, W) uint8
        The labels, and their pseudo-labels.
    unsure : (H, W) bool
        See `find_unsure`.
    trust : float
        Probability, 0..1, of the label of an unsure pixel.
    """
    split = unsure & (pseudo != IGNORE) & (labels != IGNORE)
    present = np.union1d(labels, pseudo[split])
    class_ids = present[present != IGNORE].astype(np.uint8)
    probabilities = np.zeros((len(class_ids), *labels.shape), np.float16)
    of_final = np.where(split, np.float16(trust), np.float16(1))
    of_pseudo = np.float16(1) - np.float16(trust)
    for place, class_id in enumerate(class_ids):
        probabilities[place] = np.where(labels == class_id, of_final, 0)
        probabilities[place][split & (pseudo == class_id)] += of_pseudo
    return SoftLabels(class_ids, probabilities)
