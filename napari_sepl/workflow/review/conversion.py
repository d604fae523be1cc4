"""Conversion of a document to the review of its sample, and back."""

from dataclasses import replace

from napari_sepl.core.algorithm.params import Params
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.edits import Status
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.store import Review
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.review.queue import change_of


def review_of(document: Document, before: Review, *, note: str, seconds: float) -> Review:
    """Return what the store is to keep of a document, `before` being the review until now."""
    annotations, final, digests = (
        document.annotations,
        document.resolved.labels,
        document.inputs.digests,
    )
    return replace(
        before,
        status=document.status,
        note=note,
        seconds=seconds,
        params=annotations.params,
        overlay=annotations.overlay,
        decisions=annotations.decisions,
        locked=annotations.locked,
        locked_pixels=annotations.locked_pixels,
        prompted=annotations.prompted,
        digests={role: digests[role] for role in MADE_FROM if role in digests},
        stamps=document.inputs.stamps,
        changed=change_of(document.resolved),
        labels=digest_labels(final) if document.status is Status.ACCEPTED else "",
    )


def annotations_of(review: Review, start: Params) -> Annotations:
    """Return what a review says; `start` are the settings where it says none."""
    return Annotations(
        review.params or start,
        review.decisions,
        review.locked,
        review.locked_pixels,
        review.overlay,
        review.prompted,
    )


def without_maps(review: Review) -> Review:
    """Return a review without its maps, which the document holds."""
    return replace(review, overlay=None, locked_pixels=None, prompted={})
