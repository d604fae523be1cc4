"""The samples to train on and to test with: an image and its labels each."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, of_one_sample
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.images import as_rgb, image_size, read_image
from napari_sepl.files.labels import read_given_labels, read_labels

ReadLabels = Callable[[tuple[int, int], object], NDArray[np.uint8]]


@dataclass(frozen=True)
class LabelledImage:
    """An image with labels.

    Parameters
    ----------
    sample_id : str
        The sample.
    image, labels : Path
        The files.
    read : callable, optional
        Returns the labels instead of their file, given height and width and what has that size;
        it must be picklable, for the processes that read ahead.
    """

    sample_id: str
    image: Path
    labels: Path
    read: ReadLabels | None = None


@dataclass(frozen=True, eq=False)
class Survey:
    """Samples that were looked at, and what they hold.

    Parameters
    ----------
    samples : tuple of LabelledImage
        The samples, in their order.
    digest : str
        SHA-256 of their names, sizes and labels, in that order.
    counts : (256,) int64
        Pixels of each label.
    """

    samples: tuple[LabelledImage, ...]
    digest: str
    counts: NDArray[np.int64]


def find_labelled(index: SampleIndex, *, given: bool = False) -> list[LabelledImage]:
    """Return the samples of a dataset that have an image and labels, in its order.

    Parameters
    ----------
    index : SampleIndex
        The samples by their labels. Its problems are left out.
    given : bool
        Whether the labels are ground truth that people brought, which may be in colours.
    """
    found = []
    for sample_id in index.ids:
        image, file = index.path_of(Role.IMAGE, sample_id), index.path_of(Role.LABELS, sample_id)
        read = partial(read_given_labels, file, index.classes) if given else None
        found.append(LabelledImage(sample_id, image, file, read))
    return found


def survey(
    samples: Sequence[LabelledImage], classes: ClassList, told: Callable[[int, int], None]
) -> Survey:
    """Look at all samples, so that a training of days does not end at a bad file.

    Labels are read; of images only the sizes. `told` is called with the samples looked at and
    the samples in all.

    Raises
    ------
    InputError
        If a file cannot be read, a label is outside the class list, or labels and image differ
        in size; it names the file. If no pixel has a label of a class; it names the folder.
    """
    digest, counts = hashlib.sha256(), np.zeros(256, np.int64)
    pool = ThreadPoolExecutor(4)  # reading waits for the disk and decodes outside Python
    try:
        for done, (name, found, size) in enumerate(
            pool.map(partial(_look, classes), samples), start=1
        ):
            digest.update(f"{name} {found}\n".encode())
            counts += size
            told(done, len(samples))
    finally:
        pool.shutdown(cancel_futures=True)
    if samples and not counts[:IGNORE].any():
        expected = f"labels {classes.told_ids} of the class list {classes.title}"
        raise InputError(
            samples[0].labels.parent, found="only pixels of 255 (ignore)", expected=expected
        )
    return Survey(tuple(samples), digest.hexdigest(), counts)


def _look(classes: ClassList, sample: LabelledImage) -> tuple[str, str, NDArray[np.int64]]:
    with of_one_sample(sample.image):
        labels = _read_labels(sample, classes, image_size(sample.image))
    return sample.sample_id, digest_labels(labels), count_labels(labels)


def read_labelled(
    sample: LabelledImage, classes: ClassList
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an image, (H, W, 3) uint8, and its labels, (H, W) uint8.

    Raises
    ------
    InputError
        As `survey`.
    """
    image = as_rgb(read_image(sample.image))
    return image, _read_labels(sample, classes, (image.shape[0], image.shape[1]))


def _read_labels(
    sample: LabelledImage, classes: ClassList, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    read = partial(read_labels, sample.labels) if sample.read is None else sample.read
    labels = read(shape, sample.image)
    classes.check(labels, sample.labels)
    return labels
