"""Label files of an output folder, kept in step with the record of its review."""

import os
from collections.abc import Iterable
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.label_png import Provenance, read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import SAVED, Logged, Review, Status, Store
from napari_sepl.workflow.enhance import label_file, save_resolved


def saved_digests(review: Review | None, log: Iterable[Logged]) -> set[str]:
    """Return `digest_labels` of all labels of a sample that a review saved."""
    found = {str(one.entry.payload.get("labels")) for one in log if one.entry.kind == SAVED}
    return found if review is None or not review.labels else found | {review.labels}


def holds_saved_labels(store: Store, path: Path, sample_id: str) -> bool:
    """Return whether a label file holds labels that a review of the sample saved.

    Raises
    ------
    InputError
        If the file or the record cannot be read.
    """
    saved = saved_digests(store.short_review(sample_id), store.log(sample_id))
    return bool(saved) and digest_labels(read_labels(path)) in saved


def remove_label_file(store: Store, folder: Path, sample_id: str) -> str:
    """Remove the label file of a sample that is not accepted, if the record can give it back.

    Removed are labels that a review of the sample saved, and labels that `enhance` wrote and
    nobody changed since.

    Parameters
    ----------
    store : Store
        The record; nothing is removed of a sample that is accepted there.
    folder : Path
        The output folder.
    sample_id : str
        The sample.

    Returns
    -------
    str
        Why a file stays that should not be there; empty if none is left.
    """
    path = label_file(folder, sample_id)
    if not os.path.lexists(path):
        return ""
    review = store.short_review(sample_id)
    if review is not None and review.status is Status.ACCEPTED:
        return ""
    try:
        if not (is_unreviewed(path, sample_id) or holds_saved_labels(store, path, sample_id)):
            return f"holds labels that this review did not save: {path}; it stays"
        path.unlink(missing_ok=True)
    except InputError as error:
        return f"{error} It stays"
    except OSError as error:
        return f"cannot be removed ({error.strerror}): {path}"
    return ""


def is_unreviewed(path: Path, sample_id: str) -> bool:
    """Return whether a file is as `enhance` wrote it for a sample."""
    provenance: Provenance | None = read_provenance(path)
    if provenance is None or provenance.edited or provenance.exported:
        return False
    of_sample = provenance.sample_id == sample_id
    return of_sample and provenance.labels == digest_labels(read_labels(path))


def write_label_file(store: Store, folder: Path, inputs: Inputs, resolved: Resolved) -> str:
    """Write the labels of an accepted sample again, if they are those that were accepted.

    Returns
    -------
    str
        Why another file stays in their place; empty if the labels are there, or the sample is no
        longer accepted.

    Raises
    ------
    SaveError
        If they cannot be written.
    """
    sample_id = inputs.sample_id
    path, review = label_file(folder, sample_id), store.short_review(sample_id)
    digest = digest_labels(resolved.labels)
    if review is None or review.status is not Status.ACCEPTED or review.labels != digest:
        return ""
    if not _is_ours(store, path, sample_id):
        return f"holds labels that this review did not save: {path}; it stays"
    save_resolved(folder, resolved, inputs)
    return ""


def put_back_label_file(store: Store, folder: Path, sample_id: str, content: bytes) -> str:
    """Write the label file of an accepted sample again, as it was before its inputs changed.

    Returns
    -------
    str
        Why another file stays in its place; empty if it is there, or the sample is not accepted.

    Raises
    ------
    SaveError
        If it cannot be written.
    """
    path, review = label_file(folder, sample_id), store.review(sample_id)
    if review is None or review.status is not Status.ACCEPTED:
        return ""
    if not _is_ours(store, path, sample_id):
        return f"holds labels that this review did not save: {path}; it stays"
    make_folder(path.parent)
    write_whole(path, content)
    return ""


def _is_ours(store: Store, path: Path, sample_id: str) -> bool:
    """Return whether a file may be replaced: there is none, or one that a review saved."""
    try:
        return not os.path.lexists(path) or holds_saved_labels(store, path, sample_id)
    except InputError:
        return False
