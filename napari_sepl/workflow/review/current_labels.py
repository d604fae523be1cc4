"""The labels of a sample as they stand: reviewed, or else as SEPL makes them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files._opening import check_size
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.notes import take_note
from napari_sepl.files.samples import Enhanceable, Sample, load_enhanceable
from napari_sepl.files.store import Review, Status
from napari_sepl.workflow.enhance import MADE_FROM
from napari_sepl.workflow.review.rebuild import rebuild_labels


@dataclass(frozen=True, eq=False)
class Reviewable:
    """A sample and its annotations; small enough to be sent to another process.

    Parameters
    ----------
    sample : Sample
        Its files.
    review : Review or None
        Its annotations, if any.
    status : Status
        How far its review is.
    start : Params
        The settings if nobody chose any.
    record : Path or None
        Where the review comes from, for errors; None where there is none.
    """

    sample: Sample
    review: Review | None
    status: Status
    start: Params
    record: Path | None

    @property
    def is_reviewed(self) -> bool:
        """Whether anybody saw the sample: then its files are known by their digests."""
        review = self.review
        return (
            review is not None
            and review.params is not None
            and set(MADE_FROM) <= set(review.digests)
        )


def resolve_sample(item: Reviewable, classes: ClassList) -> tuple[Enhanceable, Resolved]:
    """Read a sample and return it with its labels as they stand.

    Raises
    ------
    InputError
        If a file cannot be read, or the files of a sample that was reviewed are not those that
        were reviewed.
    """
    params = (item.review.params if item.review is not None else None) or item.start
    given = load_enhanceable(item.sample, classes).cut_at(params.background)
    if item.review is not None and (item.status is Status.ACCEPTED or item.is_reviewed):
        return given, rebuild_labels(item.review, given, item.record)
    return given, resolve(given.overlap, Annotations(params))


_REBUILT = "labels are rebuilt from the record: accepted files are gone or were changed"


@dataclass(frozen=True, eq=False)
class SelectedLabels:
    """The labels of one sample; small enough to be sent to another process.

    Parameters
    ----------
    path : Path or None
        Their file; None if they are rebuilt.
    digest : str
        `digest_labels` of what the file must hold; empty for anything.
    outdated : bool
        Whether the inputs changed since the review.
    item : Reviewable or None
        What they are rebuilt from; None where the inputs are not known.
    classes : ClassList
        The classes.
    source : str
        Where the record tells of them, for errors.
    """

    path: Path | None
    digest: str
    outdated: bool
    item: Reviewable | None
    classes: ClassList
    source: str

    @property
    def files(self) -> list[Path]:
        """The files that they are read from, or rebuilt."""
        if self.path is not None:
            return [self.path]
        return [] if self.item is None else self.item.sample.files

    def read(
        self, shape: tuple[int, int] | None = None, of: object = "the image"
    ) -> NDArray[np.uint8]:
        """Return them, (H, W) uint8: from their file, unless it holds others than the record says.

        Parameters
        ----------
        shape : tuple of int, optional
            Height and width that they must have; any if left out.
        of : object
            What has that size, for errors.

        Raises
        ------
        InputError
            If a file cannot be read, or there is nothing to rebuild them from.
        """
        labels = self.read_file(shape, of)
        if labels is None:
            self._note_rebuilt()
            labels = resolve_sample(self.reviewable, self.classes)[1].labels
            check_size(self.reviewable.sample.image, labels.shape, shape, of)
        return labels

    def read_file(
        self, shape: tuple[int, int] | None = None, of: object = "the image"
    ) -> NDArray[np.uint8] | None:
        """Return the labels in the file; None if they must be rebuilt."""
        if self.path is None or not os.path.lexists(self.path):
            return None
        labels = read_labels(self.path, shape, of)
        if self.digest and digest_labels(labels) != self.digest:
            return None
        self.classes.check(labels, self.path)
        return labels

    def resolve(self) -> tuple[Enhanceable, Resolved]:
        """Return the inputs of the sample and its labels with what they follow from.

        Where labels in a file do not follow from the inputs, as in an outdated sample, the rest is
        what SEPL makes of the inputs as they are.

        Raises
        ------
        InputError
            As `read` does, or if the inputs cannot be read or have another size.
        """
        item, labels = self.reviewable, self.read_file()
        if labels is None:
            self._note_rebuilt()
        if labels is None or not (self.outdated or self.path is None or not self.digest):
            return resolve_sample(item, self.classes)
        params = self._params(item)
        given = load_enhanceable(item.sample, self.classes).cut_at(params.background)
        check_size(item.sample.image, given.pseudo.shape, labels.shape, self.path)
        return given, replace(resolve(given.overlap, Annotations(params)), labels=labels)

    def _note_rebuilt(self) -> None:
        if self.digest:
            take_note(_REBUILT)

    def _params(self, item: Reviewable) -> Params:
        provenance = None if self.path is None else read_provenance(self.path)
        return item.start if provenance is None else provenance.params

    @property
    def reviewable(self) -> Reviewable:
        """What they are rebuilt from; InputError where the inputs are not known."""
        if self.item is not None:
            return self.item
        expected = "the accepted labels, or the images, pseudo-labels and masks to rebuild them"
        if self.path is not None and os.path.lexists(self.path):
            raise InputError(self.path, found="other labels than were accepted", expected=expected)
        raise InputError(self.source, found="no label file", expected=expected)
