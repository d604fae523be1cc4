"""Where the labels of an export come from: a dataset under review, or a folder of label files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files._opening import pixels
from napari_sepl.files.dataset.index import Role, SampleIndex, SampleProblem
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import image_size
from napari_sepl.files.labels import read_labels
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.store import Status, Store
from napari_sepl.workflow.review.current_labels import CurrentLabels, resolve_sample
from napari_sepl.workflow.review.rebuild import ACCEPTED


@dataclass(frozen=True, eq=False)
class Exportable:
    """A sample as it is before it is exported.

    Parameters
    ----------
    labels : (H, W) uint8
        Its labels.
    picture : Path or None
        Its image.
    status : Status or None
        How far its review is; None where there is none.
    pseudo : (H, W) uint8 or None
        Its pseudo-labels.
    sources : (H, W) uint8 or None
        Where each pixel's label came from.
    """

    labels: NDArray[np.uint8]
    picture: Path | None = None
    status: Status | None = None
    pseudo: NDArray[np.uint8] | None = None
    sources: NDArray[np.uint8] | None = None


class LabelSource(Protocol):
    """Gives labels, one sample at a time."""

    @property
    def classes(self) -> ClassList:
        """Names and colours of its labels."""

    @property
    def ids(self) -> Sequence[str]:
        """Its samples, in order."""

    @property
    def problems(self) -> Sequence[SampleProblem]:
        """Samples that are asked for and cannot be used."""

    @property
    def guard(self) -> Guard:
        """What keeps an export from writing where its files are."""

    @property
    def has_pseudo(self) -> bool:
        """Whether its samples have pseudo-labels."""

    def read(self, sample_id: str, *, with_pseudo: bool) -> Exportable:
        """Return one sample, with its pseudo-labels if they are wanted.

        Raises a SeplError that names the file if that cannot be.
        """

    def told(self) -> dict[str, Any]:
        """Return the manifest's entry for it, for JSON."""


class ReviewSource:
    """The samples of a dataset, as they were reviewed; the others as SEPL makes them.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    store : Store or None
        Their annotations; None if there are none.
    which : collection of Status
        Samples of these statuses are exported.
    start : Params, optional
        The settings for samples that nobody chose any for; those of the window if left out.
    """

    has_pseudo = True

    def __init__(
        self,
        index: SampleIndex,
        store: Store | None,
        which: Collection[Status] = ACCEPTED,
        start: Params | None = None,
    ) -> None:
        self._index = index
        self._which = frozenset(which)
        self._samples = CurrentLabels(index, store, start)
        self.classes = index.classes
        status = self._samples.status
        self.problems = [one for one in index.problems if status(one.sample_id) in which]
        unusable = {problem.sample_id for problem in self.problems}
        everything = dict.fromkeys((*index.ids, *sorted(self._samples.statuses)))
        self.ids = [one for one in everything if status(one) in which and one not in unusable]
        self.guard = index.guard(*index.spec.folders, writes=None)

    def read(self, sample_id: str, *, with_pseudo: bool) -> Exportable:  # noqa: ARG002
        """Return a sample with its reviewed labels, or enhanced labels if it is unreviewed.

        Its pseudo-labels are read in any case, for its labels follow from them.

        Raises
        ------
        SeplError
            If a file is not there or cannot be read, files have changed since the review, or there
            are no masks.
        """
        item = self._samples.item(sample_id)
        if item.sample.masks is None and not item.is_reviewed:
            raise InputError(
                self._index.spec.masks,
                found=f"no masks of {sample_id}",
                expected="masks, or a review that accepts it without",
            )
        given, resolved = resolve_sample(item, self.classes)
        labels, sources = resolved.labels, resolved.find_sources()
        return Exportable(labels, item.sample.image, item.status, given.pseudo, sources)

    def told(self) -> dict[str, Any]:
        """Return the dataset's places and the selection of samples."""
        return {
            "dataset": self._index.spec.model_dump(mode="json"),
            "statuses": sorted(self._which),
            "start": self._samples.start.model_dump(mode="json"),
        }


class FolderSource:
    """A folder of label files, whoever made them.

    Parameters
    ----------
    index : SampleIndex
        The samples by their labels; images and pseudo-labels where it has folders of them.
    """

    def __init__(self, index: SampleIndex) -> None:
        self._index, self.classes = index, index.classes
        self.ids, self.problems = index.ids, index.problems
        self.guard = index.guard(writes=None)
        self.has_pseudo = Role.PSEUDO in index.folders

    def read(self, sample_id: str, *, with_pseudo: bool) -> Exportable:
        """Return the labels in a file, with image and pseudo-labels where there are folders.

        Raises
        ------
        SeplError
            If a file is missing, unreadable or of another size, or has other labels.
        """
        index = self._index
        path = index.path_of(Role.LABELS, sample_id)
        labels = read_labels(path)
        self.classes.check(labels, path)
        picture = pseudo = None
        if Role.IMAGE in index.folders:
            picture = index.path_of(Role.IMAGE, sample_id)
            _check_size(path, labels.shape, image_size(picture), picture)
        if with_pseudo and self.has_pseudo:
            beside = index.path_of(Role.PSEUDO, sample_id)
            shape = (labels.shape[0], labels.shape[1])
            pseudo = read_pseudo_labels(
                beside, index.spec.pseudo_format, sample_id=sample_id, shape=shape
            )
            self.classes.check(pseudo, beside)
            _check_size(beside, pseudo.shape, labels.shape, path)
        return Exportable(labels, picture, None, pseudo)

    def told(self) -> dict[str, Any]:
        """Return the folders."""
        return {"folders": [str(folder.absolute()) for folder in self._index.folders.values()]}


def _check_size(path: Path, shape: tuple[int, ...], wanted: tuple[int, ...], other: Path) -> None:
    if shape != wanted:
        raise InputError(
            path, found=f"labels of {pixels(shape)}", expected=f"{pixels(wanted)} as {other}"
        )
