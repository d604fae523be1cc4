"""The files of one sample, and readers of them together."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.overlap import Overlap, measure_overlap
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.scores import Scores, cut_scores, vanished_classes
from napari_sepl.core.masks.brought import BroughtClasses
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.inputs import Inputs
from napari_sepl.files._opening import brief
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset.lists import labels_by_word, plain_name
from napari_sepl.files.digests import digest_file, digest_labels, stamp_file
from napari_sepl.files.images import image_size, read_image
from napari_sepl.files.labels import read_given_labels
from napari_sepl.files.masks import read_masks
from napari_sepl.files.notes import take_note
from napari_sepl.files.pseudo import read_pseudo
from napari_sepl.files.scores import AUTO


@dataclass(frozen=True)
class Sample:
    """The files of one sample.

    Parameters
    ----------
    sample_id : str
        The sample.
    image, pseudo : Path
        The image and its pseudo-labels.
    masks : Path, optional
        A file, or a folder of one PNG for each mask; None if there are none yet.
    truth : Path, optional
        The ground truth.
    pseudo_format : str
        The format of the pseudo-labels by its name; "auto" to detect it.
    classes : ClassList, optional
        The classes of the dataset, which tell colours and arrays of scores.
    mask_classes : bool
        Whether masks are selected for the classes that they bring.
    """

    sample_id: str
    image: Path
    pseudo: Path
    masks: Path | None = None
    truth: Path | None = None
    pseudo_format: str = AUTO
    classes: ClassList | None = None
    mask_classes: bool = False

    @property
    def files(self) -> list[Path]:
        """The files that the sample has, which must not be replaced."""
        files = (self.image, self.pseudo, self.masks, self.truth)
        return [path for path in files if path is not None]

    def states(self) -> dict[str, str]:
        """Return `stamp_file` of the files by role: "image", "pseudo" and "masks"."""
        pseudo = " ".join(map(stamp_file, files_of(self.pseudo, self.sample_id)))
        masks = "none" if self.masks is None else stamp_file(self.masks)
        return {
            "image": stamp_file(self.image),
            "pseudo": pseudo and f"{pseudo} {self.pseudo_format}",
            "masks": f"{masks} with classes" if masks and self.mask_classes else masks,
        }


@dataclass(frozen=True, eq=False)
class Enhanceable:
    """The inputs of SEPL for one sample: `Inputs` without the image, for runs over many.

    Parameters
    ----------
    sample_id : str
        The sample.
    pseudo : (H, W) uint8
        Pseudo-labels: 0 background, 1..254 classes, 255 ignore.
    masks : MaskSet
        SAM's masks.
    classes : ClassList
        Names and colours of the labels.
    digests : mapping of str to str
        SHA-256 of the "image" file, of "pseudo" and of "masks", the same as `load` gives.
    stamps : mapping of str to str
        `stamp` of each of these files, from its state before it was read.
    scores : Scores, optional
        The soft scores behind the pseudo-labels.
    background : float, optional
        The value of their background's rule; the method's own if left out.
    """

    sample_id: str
    pseudo: NDArray[np.uint8]
    masks: MaskSet
    classes: ClassList
    digests: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    scores: Scores | None = None
    background: float | None = None

    def cut_at(self, background: float | None) -> "Enhanceable":
        """Return a copy with the pseudo-labels that the scores give at another value."""
        if self.scores is None or background == self.background:
            return self
        pseudo = cut_scores(self.scores, background)
        return replace(self, pseudo=pseudo, background=background)

    @property
    def vanished(self) -> frozenset[int]:
        """Classes that have scores, but no pixel of the pseudo-labels."""
        return vanished_classes(self.scores, self.overlap.class_ids)

    @cached_property
    def overlap(self) -> Overlap:
        """The table of masks against pseudo-labels, measured at first use."""
        return measure_overlap(self.pseudo, self.masks)


def load(sample: Sample, classes: ClassList) -> Inputs:
    """Read all files of a sample, for a person to review.

    Raises
    ------
    InputError
        Naming the file, if it cannot be read, its size is not the image's, or it holds labels
        outside the class list.
    """
    states = sample.states()
    image = read_image(sample.image)
    shape = (image.shape[0], image.shape[1])
    given = _read_enhanceable(sample, classes, shape, states)
    digests = dict(given.digests)
    truth = read_truth(sample, classes, shape)
    if truth is not None:
        digests["truth"] = digest_labels(truth)
    return Inputs(
        sample.sample_id, image, given.pseudo, given.masks, classes, truth, digests, given.scores,
        stamps=given.stamps,
    )  # fmt: skip


def load_enhanceable(sample: Sample, classes: ClassList) -> Enhanceable:
    """Read the inputs of SEPL for a sample; of the image only its size and the file's digest.

    Raises
    ------
    InputError
        As `load` does.
    """
    states = sample.states()
    return _read_enhanceable(sample, classes, image_size(sample.image), states)


def read_truth(
    sample: Sample, classes: ClassList, shape: tuple[int, ...]
) -> NDArray[np.uint8] | None:
    """Read the ground truth, (H, W), of an image of that shape; None if the sample has none.

    Raises
    ------
    InputError
        If they cannot be read, have another size, or hold labels outside the class list.
    """
    if sample.truth is None:
        return None
    labels = read_given_labels(sample.truth, classes, (shape[0], shape[1]), sample.image)
    classes.check(labels, sample.truth)
    return labels


def read_digests(sample: Sample, roles: Collection[str]) -> dict[str, str]:
    """Read files of a sample and return their digests by role, as `load` gives them.

    Parameters
    ----------
    sample : Sample
        The files.
    roles : collection of str
        Of "image", "pseudo" and "masks" those to read.

    Raises
    ------
    InputError
        If a file cannot be read, or its size is not the image's.
    """
    shape = image_size(sample.image)
    digests = {}
    if "image" in roles:
        digests["image"] = digest_file(sample.image)
    if "pseudo" in roles:
        digests["pseudo"] = _digest_pseudo(_read_pseudo(sample, shape))
    if "masks" in roles:
        digests["masks"] = _digest_masks(_read_masks(sample, shape), sample)
    return digests


def stamp(digest: str, state: str) -> str:
    """Return what a review keeps of a file: which content was read from which state of it."""
    return f"{digest[:16]} {state}" if state else ""


def _read_enhanceable(
    sample: Sample, classes: ClassList, shape: tuple[int, int], states: Mapping[str, str]
) -> Enhanceable:
    read = _read_pseudo(replace(sample, classes=classes), shape)
    scores = read if isinstance(read, Scores) else None
    if isinstance(read, Scores):
        classes.check_ids(read.class_ids.tolist(), sample.pseudo)
        pseudo = cut_scores(read)
    else:
        classes.check(read, sample.pseudo)
        pseudo = read
    masks = _read_masks(sample, shape)
    if sample.mask_classes and masks.brought is None and len(masks):
        take_note("--mask-classes changes nothing here: masks without a class")
    if sample.mask_classes and masks.brought is not None:
        masks = replace(masks, brought=_labelled(masks.brought, classes))
    digests = {
        "image": digest_file(sample.image),
        "pseudo": _digest_pseudo(read),
        "masks": _digest_masks(masks, sample),
    }
    stamps = {role: stamp(digest, states[role]) for role, digest in digests.items()}
    return Enhanceable(sample.sample_id, pseudo, masks, classes, digests, stamps, scores)


def _read_pseudo(sample: Sample, shape: tuple[int, int]) -> NDArray[np.uint8] | Scores:
    return read_pseudo(
        sample.pseudo,
        sample.pseudo_format,
        sample_id=sample.sample_id,
        shape=shape,
        of=sample.image,
        classes=sample.classes,
    )


def _digest_pseudo(read: NDArray[np.uint8] | Scores) -> str:
    return read.digest if isinstance(read, Scores) else digest_labels(read)


def _read_masks(sample: Sample, shape: tuple[int, int]) -> MaskSet:
    if sample.masks is None:
        return MaskSet.from_dense((), shape=shape)
    return read_masks(sample.masks, shape, sample.sample_id)


def _digest_masks(masks: MaskSet, sample: Sample) -> str:
    """Return the digest of masks; their classes count only where labels depend on them."""
    if not sample.mask_classes or masks.brought is None:
        return masks.digest
    named = "\0".join([masks.digest, *masks.brought.names])
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()


def _labelled(brought: BroughtClasses, classes: ClassList) -> BroughtClasses:
    """Return classes of masks with their labels; leave a note on names that have none."""
    labels = {plain_name(classes.names[0]): 0} | labels_by_word(classes)
    found, unknown = brought.labelled(lambda name: labels.get(plain_name(name)))
    for name in unknown:
        take_note(f"no class of masks: {brief(name)} is not in the class list {classes.title}")
    return found
