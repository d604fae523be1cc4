"""Where the labels of an export come from: a dataset under review, or a folder of label files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.provenance import count_sources
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files._opening import pixels
from napari_sepl.files.dataset.index import Role, SampleIndex, SampleProblem
from napari_sepl.files.guard import Guard
from napari_sepl.files.images import image_size
from napari_sepl.files.label_png import Provenance, salvage_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.store import Status, Store
from napari_sepl.workflow.enhance import provenance_of
from napari_sepl.workflow.review.selection import ACCEPTED, Choice, Selection, Standing


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
    provenance : Provenance or None
        How the labels were made, as far as it is known.
    """

    labels: NDArray[np.uint8]
    picture: Path | None = None
    status: Status | None = None
    pseudo: NDArray[np.uint8] | None = None
    sources: NDArray[np.uint8] | None = None
    provenance: Provenance | None = None


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
    def outdated(self) -> int:
        """How many samples are left out because their inputs changed since the review."""

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
    """The samples of a dataset with the labels that a selection gives.

    Parameters
    ----------
    index : SampleIndex
        The samples, with their inputs.
    store : Store or None
        The record of their review; None if there is none.
    which : Choice or collection of Status
        Which samples are exported. Of statuses, "pending" stands for the samples too that nobody
        touched, as SEPL makes them.
    start : Params, optional
        The settings for samples that nobody chose any for; those of the window if left out.

    Attributes
    ----------
    selection : Selection
        The samples.
    """

    has_pseudo = True

    def __init__(
        self,
        index: SampleIndex,
        store: Store | None,
        which: Choice | Collection[Status] = ACCEPTED,
        start: Params | None = None,
    ) -> None:
        if not isinstance(which, Choice):
            which = Choice(frozenset(which), enhances=Status.PENDING in which)
        self.selection = Selection(index, store, which, start)
        self.classes = index.classes
        self.ids, self.problems = self.selection.ids, self.selection.problems
        self.outdated = self.selection.left_out[Standing.OUTDATED]
        self.guard = index.guard(*index.spec.folders, writes=None)

    def read(self, sample_id: str, *, with_pseudo: bool) -> Exportable:
        """Return a sample with its labels; their sources where pseudo-labels are asked for.

        Raises
        ------
        SeplError
            If a file is missing, cannot be read or has another size, or there are no masks to
            enhance a sample by.
        """
        if sample_id in self.selection.without_masks:
            raise InputError(
                self.selection.index.spec.masks,
                found=f"no masks of {sample_id}",
                expected="masks, or a review that accepts it without",
            )
        chosen = self.selection.labels(sample_id)
        sample, status = self.selection.index.sample(sample_id), self.selection.status(sample_id)
        labels = None if with_pseudo else chosen.read_file()
        if labels is None:
            given, resolved = chosen.resolve()
            sources = resolved.find_sources()
            provenance = provenance_of(
                given,
                resolved.params,
                edited=resolved.annotations.edited,
                sources=count_sources(sources),
            )
            return Exportable(
                resolved.labels, sample.image, status, given.pseudo, sources, provenance
            )
        _check_size(chosen.path, labels.shape, image_size(sample.image), sample.image)
        return Exportable(labels, sample.image, status, provenance=_told_by(chosen.path))

    def told(self) -> dict[str, Any]:
        """Return the dataset's places and the selection of samples."""
        choice = self.selection.choice
        return {
            "dataset": self.selection.index.spec.model_dump(mode="json"),
            "statuses": sorted(choice.statuses),
            "unreviewed": choice.unreviewed,
            "outdated": choice.outdated,
            "start": self.selection.start.model_dump(mode="json"),
        }


class FolderSource:
    """A folder of label files, whoever made them.

    Parameters
    ----------
    index : SampleIndex
        The samples by their labels; images and pseudo-labels where it has folders of them.
    selection : Selection, optional
        Which of them are exported, where the folder has a record; all if left out.
    """

    def __init__(self, index: SampleIndex, selection: Selection | None = None) -> None:
        self._index, self.classes, self._selection = index, index.classes, selection
        chosen = index if selection is None else selection
        self.ids, self.problems = chosen.ids, chosen.problems
        self.outdated = 0 if selection is None else selection.left_out[Standing.OUTDATED]
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
        path, labels = self._read_labels(sample_id)
        picture = pseudo = None
        if Role.IMAGE in index.folders:
            picture = index.file_of(Role.IMAGE, sample_id)
            _check_size(path, labels.shape, image_size(picture), picture)
        if with_pseudo and self.has_pseudo:
            beside = index.file_of(Role.PSEUDO, sample_id)
            shape = (labels.shape[0], labels.shape[1])
            pseudo = read_pseudo_labels(
                beside,
                index.spec.pseudo_format,
                sample_id=sample_id,
                shape=shape,
                classes=self.classes,
            )
            self.classes.check(pseudo, beside)
            _check_size(beside, pseudo.shape, labels.shape, path)
        status, provenance = self._status(sample_id), _told_by(path)
        return Exportable(labels, picture, status, pseudo, provenance=provenance)

    def _read_labels(self, sample_id: str) -> tuple[Path | str, NDArray[np.uint8]]:
        if self._selection is not None:
            chosen = self._selection.labels(sample_id)
            return chosen.path or chosen.source, chosen.read()
        path = self._index.path_of(Role.LABELS, sample_id)
        labels = read_labels(path)
        self.classes.check(labels, path)
        return path, labels

    def _status(self, sample_id: str) -> Status | None:
        return None if self._selection is None else self._selection.status(sample_id)

    def told(self) -> dict[str, Any]:
        """Return the folders."""
        return {"folders": [str(folder.absolute()) for folder in self._index.folders.values()]}


def _told_by(source: object) -> Provenance | None:
    """Return the provenance in a label file that was read; None of anything else."""
    return salvage_provenance(source) if isinstance(source, Path) else None


def _check_size(
    source: object, shape: tuple[int, ...], wanted: tuple[int, ...], other: object
) -> None:
    if shape != wanted:
        raise InputError(
            source, found=f"labels of {pixels(shape)}", expected=f"{pixels(wanted)} as {other}"
        )
