"""Rebuilding saved labels from the record of their review."""

import os
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from napari_sepl.core.algorithm.overlap import extend_overlap
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.document.annotations import join_prompted
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.guard import Guard, foreign
from napari_sepl.files.label_png import read_provenance, stored_params
from napari_sepl.files.labels import read_labels
from napari_sepl.files.lock import sole_run
from napari_sepl.files.samples import Enhanceable, load_enhanceable
from napari_sepl.files.store import Review, Status, Store
from napari_sepl.workflow.enhance import MADE_FROM, label_file, save_resolved
from napari_sepl.workflow.results import Outcome, SampleResult, Task, run_samples
from napari_sepl.workflow.review.recorded import annotations_of

ACCEPTED = frozenset((Status.ACCEPTED,))


def samples_to_export(store: Store, which: Collection[Status] = ACCEPTED) -> list[str]:
    """Return the samples whose review has one of these statuses."""
    return [sample_id for sample_id, row in store.statuses().items() if row.status in which]


def export_labels(
    index: SampleIndex,
    store: Store,
    out: Path,
    *,
    which: Collection[Status] = ACCEPTED,
    overwrite: bool = False,
) -> Iterator[SampleResult[None]]:
    """Rebuild the labels of reviewed samples, byte for byte as the window saved them.

    Labels are made only from the very files that were reviewed: a sample whose picture,
    pseudo-labels or masks have changed since fails and says which.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    store : Store
        Their annotations.
    out : Path
        The folder for the labels, which may be the one they were saved in; it is made if need
        be.
    which : collection of Status
        Samples of these statuses are exported.
    overwrite : bool
        Replace labels that napari-sepl made with other settings. Files that a person edited or
        another program wrote count as failures, as do those others without it.

    Yields
    ------
    SampleResult
        One for each of `samples_to_export`, in the dataset's order, as soon as it is dealt with;
        those that the dataset does not hold come last and fail.

    Raises
    ------
    SaveError
        If the folder cannot be made, or another run uses it.
    InputError
        If the store cannot be read, or the folder holds inputs of the dataset.
    """
    index.guard().check_place(out)
    work = partial(_export, index, store, out, overwrite)
    wanted = samples_to_export(store, which)
    last = len(index)
    with sole_run(out, "export"):
        ids = sorted(wanted, key=lambda name: index.positions.get(name, last))
        yield from run_samples(work, (Task(one, one, one) for one in ids))


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
        the labels, or other labels come of it than were saved.
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
            found=f"that {', '.join(changed)} changed on disk since the review",
            expected="the files that were reviewed; open the sample and accept it again",
        )
    annotations = annotations_of(review, review.params)
    given = given.cut_at(annotations.params.background)
    masks = join_prompted(given.masks, annotations.prompted, source)
    resolved = resolve(extend_overlap(given.overlap, masks), annotations, given.vanished)
    if review.labels and digest_labels(resolved.labels) != review.labels:
        raise InputError(
            source,
            found="other labels than were saved, from the same files and settings",
            expected="the same ones; the version that saved them may have computed otherwise",
        )
    return resolved


def _export(
    index: SampleIndex, store: Store, out: Path, overwrite: bool, sample_id: str
) -> tuple[Outcome, None]:
    sample = index.sample(sample_id)
    review = store.review(sample_id)
    if review is None:
        raise InputError(store.path, found=f"no record of {sample_id}", expected="one")
    given = load_enhanceable(sample, index.classes)
    resolved = rebuild_labels(review, given, store.path)
    path = label_file(out, sample_id)
    if os.path.lexists(path) and _is_present(path, resolved, given, overwrite=overwrite):
        return Outcome.PRESENT, None
    Guard(tuple(sample.files)).check_place(path)
    save_resolved(out, resolved, given)
    return Outcome.SAVED, None


def _is_present(path: Path, resolved: Resolved, given: Enhanceable, *, overwrite: bool) -> bool:
    """Return whether a file has this content already; raise unless it may be replaced."""
    provenance = read_provenance(path)
    if provenance is None:
        raise foreign(path, "--to")
    made, asked = (
        stored_params(p, provenance.scores) for p in (provenance.params, resolved.params)
    )
    if (made, provenance.classes, provenance.edited, dict(provenance.digests)) == (
        asked,
        given.classes.title,
        resolved.annotations.edited,
        {role: given.digests[role] for role in MADE_FROM},
    ) and np.array_equal(read_labels(path), resolved.labels):
        return True
    if provenance.edited:
        raise SaveError(
            f"holds other labels, which a person edited: {path}; move it, or choose another --to."
        )
    if not overwrite:
        raise SaveError(f"{path}: holds other labels than the review; --overwrite replaces it.")
    return False
