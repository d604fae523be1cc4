"""The inputs of one image, which do not change during its review."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.algorithm.overlap import (
    Overlap,
    extend_overlap,
    measure_overlap,
    remeasure_overlap,
)
from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.errors import check_size
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.scores import Scores, cut_scores, vanished_classes
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.masks.superpixels import find_superpixels
from napari_sepl.core.masks.tree import MaskTree
from napari_sepl.document.annotations import join_prompted


@dataclass(frozen=True, eq=False)
class Inputs:
    """One image with the inputs of SEPL and of its review.

    Parameters
    ----------
    sample_id : str
        The stem that the files of this image share.
    image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
        The image.
    pseudo : (H, W) uint8
        Pseudo-labels: 0 background, 1..254 classes, 255 ignore.
    masks : MaskSet
        The masks.
    classes : ClassList
        Names and colours of the labels.
    truth : (H, W) uint8, optional
        The ground truth, 255 ignore.
    digests : mapping of str to str
        SHA-256 of the files by role: "image", "pseudo", "masks", "truth".
    scores : Scores, optional
        The CAM scores behind the pseudo-labels.
    background : float, optional
        The background value of the scores; by default that of the method.
    given : Inputs, optional
        The same without prompted masks, if there are any.
    stamps : mapping of str to str
        Digest and state of each file of "image", "pseudo" and "masks" when it was read.

    Raises
    ------
    InputError
        If sizes differ, or labels lie outside the class list.
    """

    sample_id: str
    image: NDArray[Any]
    pseudo: NDArray[np.uint8]
    masks: MaskSet
    classes: ClassList
    truth: NDArray[np.uint8] | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    scores: Scores | None = None
    background: float | None = None
    given: "Inputs | None" = None
    stamps: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = self.image.shape[:2]
        for role, other in (
            ("pseudo-labels", self.pseudo.shape),
            ("masks", self.masks.shape),
            ("scores", self.scores.shape if self.scores is not None else shape),
            ("ground truth", self.truth.shape if self.truth is not None else shape),
        ):
            check_size(f"{self.sample_id}, {role}", other, shape, "the image")

    def with_prompted(self, prompted: Mapping[int, MaskSet]) -> "Inputs":
        """Return the inputs with prompted masks beside the given ones.

        Parameters
        ----------
        prompted : mapping of int to MaskSet
            As in `Annotations`.

        Raises
        ------
        InputError
            If their indices do not follow those of the given masks, or sizes differ.
        """
        given = self.given or self
        if not prompted:
            return given
        masks = join_prompted(given.masks, prompted, self.sample_id)
        return replace(given, masks=masks, given=given)

    def cut_at(self, background: float | None) -> "Inputs":
        """Return the inputs with the pseudo-labels of another background value.

        Without scores, or for the same value, the inputs themselves.
        """
        if self.scores is None or background == self.background:
            return self
        pseudo = cut_scores(self.scores, background)
        given = None if self.given is None else self.given.cut_at(background)
        other = replace(self, pseudo=pseudo, background=background, given=given)
        # superpixels and tree depend on the masks alone
        if "superpixels" in self.__dict__:
            other.__dict__["superpixels"] = self.superpixels
        if "overlap" in self.__dict__ and given is None:
            other.__dict__["overlap"] = remeasure_overlap(self.overlap, pseudo)
        return other

    @property
    def vanished(self) -> frozenset[int]:
        """Classes with scores, but without pixels in the present pseudo-labels."""
        return vanished_classes(self.scores, self.overlap.class_ids)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.masks.shape

    @cached_property
    def overlap(self) -> Overlap:
        """The overlap table, measured at first use."""
        if self.given is not None:
            return extend_overlap(self.given.overlap, self.masks)
        return measure_overlap(self.pseudo, self.masks)

    @cached_property
    def agreement(self) -> Confusion | None:
        """The pseudo-labels against the ground truth, counted at first use; None without."""
        return None if self.truth is None else Confusion.of(self.pseudo, self.truth)

    @property
    def tree(self) -> MaskTree:
        """The parent of each mask, found at first use."""
        return self.overlap.tree

    @cached_property
    def superpixels(self) -> NDArray[np.int32]:
        """(H, W) int32: the superpixels, found at first use."""
        return find_superpixels(self.masks)
