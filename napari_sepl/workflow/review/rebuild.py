"""Rebuilding the labels of a sample from the record of its review."""

from napari_sepl.core.algorithm.overlap import extend_overlap
from napari_sepl.core.errors import InputError
from napari_sepl.document.annotations import join_prompted
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.samples import Enhanceable
from napari_sepl.files.store import Review, Status
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.review.conversion import annotations_of


def rebuild_labels(review: Review, given: Enhanceable, source: object) -> Resolved:
    """Return the labels of a reviewed sample, and their inputs.

    Parameters
    ----------
    review : Review
        Its annotations.
    given : Enhanceable
        The files that were annotated.
    source : object
        Where the review comes from, for errors.

    Raises
    ------
    InputError
        If the files are not those that were reviewed, the record does not tell all that made
        the labels, other labels come of it than were saved, or labels outside the class list.
    """
    source = f"{source}, sample {review.sample_id}"
    if review.params is None or not set(MADE_FROM) <= set(review.digests):
        raise InputError(
            source,
            found="a status without settings and digests",
            expected="the record of a review; open the sample and accept it",
        )
    changed = review.changed_inputs(given.digests)
    if changed:
        raise InputError(
            source,
            found=f"changes on disk since the review ({', '.join(changed)})",
            expected="the files that were reviewed; open the sample and accept it again",
        )
    annotations = annotations_of(review, review.params)
    given = given.cut_at(annotations.params.background)
    masks = join_prompted(given.masks, annotations.prompted, source)
    resolved = resolve(extend_overlap(given.overlap, masks), annotations, given.vanished)
    given.classes.check(resolved.labels, source)
    accepted = review.status is Status.ACCEPTED
    if accepted and review.labels and digest_labels(resolved.labels) != review.labels:
        raise InputError(
            source,
            found="other labels than were saved, from the same files and settings",
            expected="the same ones; the version that saved them may have computed otherwise",
        )
    return resolved
