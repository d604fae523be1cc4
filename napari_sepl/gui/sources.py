"""From what the user chose to Inputs."""

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskSet
from napari_sepl.core.sepl import as_labels
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.masks import read_masks
from napari_sepl.gui.panels.sources import LayerChoice

MASKS_KEY = "napari_sepl_masks"
"""Under this key of its metadata a layer made from a mask file carries its MaskSet."""


def read_layers(choice: LayerChoice) -> Inputs:
    """Take image and pseudo-labels from layers, and masks from a layer, file or folder."""
    if not isinstance(choice.image, Image):
        raise InputError("image", found="no image layer", expected="an image layer to be chosen")
    if not isinstance(choice.pseudo, Labels):
        raise InputError(
            "pseudo-labels", found="no labels layer", expected="a labels layer to be chosen"
        )
    image = _flat_image(choice.image)
    pseudo = as_labels(np.asarray(choice.pseudo.data), f"layer {choice.pseudo.name}")
    classes = read_class_list(choice.classes)
    classes.check(pseudo, f"layer {choice.pseudo.name}")
    masks = _masks(choice.masks, (pseudo.shape[0], pseudo.shape[1]))
    digests = {"pseudo": digest_labels(pseudo), "masks": masks.digest}
    return Inputs(choice.image.name, image, pseudo.copy(), masks, classes, digests=digests)


def _flat_image(layer: Image) -> NDArray[Any]:
    image = np.asarray(layer.data)
    if image.ndim != (3 if layer.rgb else 2) or layer.multiscale:
        raise InputError(
            f"layer {layer.name}",
            found=f"shape {image.shape}",
            expected="one flat picture: (H, W), or (H, W, 3) in colour",
        )
    return image


def _masks(chosen: Any, shape: tuple[int, int]) -> MaskSet:
    if isinstance(chosen, Path):
        return read_masks(chosen, shape)
    carried = getattr(chosen, "metadata", {}).get(MASKS_KEY)
    if isinstance(carried, MaskSet):
        return carried
    stack = np.asarray(chosen.data) if isinstance(chosen, Image | Labels) else np.zeros(0)
    if stack.ndim != 3 or getattr(chosen, "rgb", False):
        raise InputError(
            f"layer {chosen.name}" if chosen is not None else "masks",
            found=f"shape {stack.shape}" if chosen is not None else "nothing chosen",
            expected="a layer of shape (N, H, W), one slice for each mask, or a file or folder",
        )
    return MaskSet.from_dense(stack)
