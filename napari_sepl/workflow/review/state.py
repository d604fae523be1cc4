"""What is said of a sample, as its document has it and as the store keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from napari_sepl.core.params import Params
from napari_sepl.document.document import Document
from napari_sepl.document.said import Said
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.store import SAVED, Logged, Review, Status
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.review.queue import change_of


@dataclass(frozen=True, eq=False)
class Outdated:
    """What was said of a sample whose files have changed since.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed.
    said : Said
        What was said then; without decisions on masks where it was the masks that changed.
    """

    roles: tuple[str, ...]
    said: Said


def review_of(
    document: Document, before: Review, *, status: Status, note: str, seconds: float
) -> Review:
    """Return what the store is to keep of a document, `before` being the review until now."""
    said, final, digests = document.said, document.resolved.final, document.inputs.digests
    return replace(
        before,
        status=status,
        note=note,
        seconds=seconds,
        params=said.params,
        overlay=said.overlay,
        overrides=said.overrides,
        protected=said.protected,
        pins=said.pins,
        prompted=said.prompted,
        digests={role: digests[role] for role in MADE_FROM if role in digests},
        changed=change_of(document),
        labels=digest_labels(final) if document.saved else "",
    )


def said_of(review: Review, start: Params) -> Said:
    """Return what a review says; `start` are the settings where it says none."""
    return Said(
        review.params or start,
        review.overrides,
        review.protected,
        review.pins,
        review.overlay,
        review.prompted,
    )


def saved_digests(review: Review | None, log: Iterable[Logged]) -> set[str]:
    """Return `digest_labels` of all labels that were saved of a sample, as far as it is known."""
    told = {str(logged.entry.payload.get("labels")) for logged in log if logged.entry.kind == SAVED}
    return told if review is None or not review.labels else told | {review.labels}


def without_maps(review: Review) -> Review:
    """Return a review without its maps, which the document holds."""
    return replace(review, overlay=None, pins=None, prompted={})
