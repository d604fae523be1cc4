"""Where the labels of an export come from: a dataset under review, or a folder of label files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.core.params import Params
from napari_sepl.document.resolve import Resolved
from napari_sepl.files import images as image_files
from napari_sepl.files import labels as label_files
from napari_sepl.files._opening import pixels
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.guard import inputs_of
from napari_sepl.files.images import image_size
from napari_sepl.files.labels import read_labels
from napari_sepl.files.pairing import natural_order, read_list
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.pseudo_folders import list_pseudo
from napari_sepl.files.score_formats import AUTO
from napari_sepl.files.store import Status, Store
from napari_sepl.workflow.review.remake import ACCEPTED
from napari_sepl.workflow.review.reviewed import ReviewedSamples, resolve_sample


@dataclass(frozen=True, eq=False)
class Exportable:
    """A sample as it is before it is exported.

    Parameters
    ----------
    labels : (H, W) uint8
        Its labels.
    picture : Path or None
        Its picture.
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
    def inputs(self) -> Sequence[Path]:
        """Where its files are, and nothing may be written."""

    @property
    def has_pseudo(self) -> bool:
        """Whether its samples have pseudo-labels."""

    def read(self, sample_id: str) -> Exportable:
        """Return one sample; raises a SeplError that names the file if that cannot be."""

    def told(self) -> dict[str, Any]:
        """Return what the manifest tells of it, as JSON holds it."""


class ReviewSource:
    """The samples of a dataset, as they were reviewed; the others as SEPL makes them.

    Parameters
    ----------
    dataset : Dataset
        The samples.
    store : Store or None
        What was said about them; None if nothing was.
    which : collection of Status
        Samples of these statuses are exported.
    start : Params, optional
        The settings for samples that nobody chose any for; those of the window if left out.
    """

    has_pseudo = True

    def __init__(
        self,
        dataset: Dataset,
        store: Store | None,
        which: Collection[Status] = ACCEPTED,
        start: Params | None = None,
    ) -> None:
        self._dataset = dataset
        self._which = frozenset(which)
        self._samples = ReviewedSamples(dataset, store, start)
        self.classes = dataset.classes
        lost = [one for one in self._samples.statuses if one not in dataset.positions]
        everything = (*dataset.ids, *sorted(lost))
        self.ids = [one for one in everything if self._samples.status(one) in which]
        self.inputs = [*inputs_of(dataset.spec), dataset.spec.out]

    def read(self, sample_id: str) -> Exportable:
        """Return a sample: what was reviewed, or what SEPL makes of one that nobody touched.

        Raises
        ------
        InputError
            If a file cannot be read, files have changed since the review, or there are no masks.
        """
        item = self._samples.item(sample_id)
        if item.sample.masks is None and not item.is_reviewed:
            raise InputError(
                self._dataset.spec.masks,
                found=f"no masks of {sample_id}",
                expected="masks, or a review that accepts it without",
            )
        given, resolved = resolve_sample(item, self.classes)
        return _exportable(resolved, item.sample.image, item.status, given.pseudo)

    def told(self) -> dict[str, Any]:
        """Return the dataset's places, and which samples are taken."""
        return {
            "dataset": self._dataset.spec.model_dump(mode="json"),
            "statuses": sorted(self._which),
            "start": self._samples.start.model_dump(mode="json"),
        }


def _exportable(
    resolved: Resolved, picture: Path, status: Status, pseudo: NDArray[np.uint8]
) -> Exportable:
    return Exportable(resolved.final, picture, status, pseudo, resolved.find_sources())


class FolderSource:
    """A folder of label files, whoever made them.

    Parameters
    ----------
    labels : Path
        The folder.
    classes : ClassList
        What the labels mean.
    images, pseudo : Path, optional
        Folders of pictures and of pseudo-labels with the same stems.
    list_file : Path, optional
        Text with one sample a line: only these are exported.
    pseudo_format : str
        What the pseudo-labels are, by the name of a format; "auto" to see it from the files.

    Raises
    ------
    InputError
        If a folder or the list cannot be read, or there are no labels.
    """

    def __init__(
        self,
        labels: Path,
        classes: ClassList,
        *,
        images: Path | None = None,
        pseudo: Path | None = None,
        list_file: Path | None = None,
        pseudo_format: str = AUTO,
    ) -> None:
        self.classes, self._pseudo_format = classes, pseudo_format
        self._labels = _listed(labels, label_files.SUFFIXES)
        self._images = None if images is None else _listed(images, image_files.SUFFIXES)
        self._pseudo = None
        if pseudo is not None:
            names = list_pseudo(pseudo, pseudo_format, self._labels)
            self._pseudo = {stem: pseudo / name for stem, name in names.items()}
        if not self._labels:
            raise InputError(labels, found="no label file", expected="a folder of label PNGs")
        self._folder = labels
        self.ids = natural_order(self._labels) if list_file is None else read_list(list_file)
        self.folders = [folder for folder in (labels, images, pseudo) if folder is not None]
        self.inputs = [*self.folders, *([] if list_file is None else [list_file])]
        self.has_pseudo = pseudo is not None

    def read(self, sample_id: str) -> Exportable:
        """Return the labels in a file, with picture and pseudo-labels where there are folders.

        Raises
        ------
        InputError
            If a file is not there, cannot be read or does not fit, or holds other labels.
        """
        path = _found(self._labels, sample_id, self._folder)
        labels = read_labels(path)
        self.classes.check(labels, path)
        picture = pseudo = None
        if self._images is not None:
            picture = _found(self._images, sample_id, self.folders[1])
            _check_size(path, labels.shape, image_size(picture), picture)
        if self._pseudo is not None:
            beside = _found(self._pseudo, sample_id, self.folders[-1])
            shape = (labels.shape[0], labels.shape[1])
            pseudo = read_pseudo_labels(
                beside, self._pseudo_format, sample_id=sample_id, shape=shape
            )
            self.classes.check(pseudo, beside)
            _check_size(beside, pseudo.shape, labels.shape, path)
        return Exportable(labels, picture, None, pseudo)

    def told(self) -> dict[str, Any]:
        """Return the folders."""
        return {"folders": [str(folder.absolute()) for folder in self.folders]}


def _listed(folder: Path, suffixes: frozenset[str]) -> dict[str, Path]:
    return {stem: folder / name for stem, name in list_stems(folder, suffixes).items()}


def _found(files: dict[str, Path], sample_id: str, folder: Path) -> Path:
    if sample_id not in files:
        raise InputError(folder, found=f"no file for {sample_id}", expected="one")
    return files[sample_id]


def _check_size(path: Path, shape: tuple[int, ...], wanted: tuple[int, ...], other: Path) -> None:
    if shape != wanted:
        raise InputError(
            path, found=f"labels of {pixels(shape)}", expected=f"{pixels(wanted)} as {other}"
        )
