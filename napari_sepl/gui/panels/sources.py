"""The panel that opens an image: from files, from layers or from a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from magicgui.widgets import ComboBox, Container, FileEdit, create_widget
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QTabWidget, QWidget

from napari_sepl.core.algorithm.paint import as_labels
from napari_sepl.core.errors import InputError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.masks import read_masks
from napari_sepl.files.scores import AUTO
from napari_sepl.gui.panels.dataset_choice import (
    OWN_FILE,
    DatasetChoice,
    chosen_classes,
    class_fields,
    format_choice,
    path_of,
)
from napari_sepl.gui.panels.widgets import stack


@dataclass(frozen=True)
class FileChoice:
    """The files of one image."""

    image: Path
    pseudo: Path
    masks: Path | None
    truth: Path | None
    classes: str
    pseudo_format: str = AUTO


@dataclass(frozen=True)
class LayerChoice:
    """Layers of the viewer to open; masks from a layer, a file or a folder."""

    image: Layer | None
    pseudo: Layer | None
    masks: Layer | Path | None
    classes: str


class SourcesPanel(QTabWidget):
    """Three tabs: the files of one image, layers, and a dataset.

    Attributes
    ----------
    files_chosen : Signal(FileChoice)
    layers_chosen : Signal(LayerChoice)
    dataset_chosen : Signal(DatasetSpec)
    refused : Signal(str)
        Why the chosen files or dataset cannot be opened.
    """

    files_chosen = Signal(object)
    layers_chosen = Signal(object)
    dataset_chosen = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.files: dict[str, Any] = {
            "image": FileEdit(label="image", mode="r"),
            "pseudo": FileEdit(label="pseudo-labels", mode="r"),
            "pseudo_format": format_choice(),
            "masks": FileEdit(label="masks from a file", mode="r"),
            "masks_folder": FileEdit(label="or a folder", mode="d"),
            "truth": FileEdit(label="ground truth (optional)", mode="r"),
        } | class_fields()
        self.layers: dict[str, Any] = {
            "image": create_widget(annotation=Image, label="image"),
            "pseudo": create_widget(annotation=Labels, label="pseudo-labels"),
            "masks": create_widget(
                annotation=Layer | None,
                label="masks from a layer",
                options={"nullable": True},
            ),
            "masks_file": FileEdit(label="or a file", mode="r"),
            "masks_folder": FileEdit(label="or a folder", mode="d"),
        } | class_fields()
        self.open_files = self._tab("Files", self.files, "Open", self._choose_files)
        self.use_layers = self._tab("Layers", self.layers, "Use these layers", self._choose_layers)
        self.dataset = DatasetChoice()
        self.dataset.dataset_chosen.connect(self.dataset_chosen)
        self.dataset.refused.connect(self.refused)
        self.addTab(self.dataset, "Dataset")

    def _tab(self, title: str, parts: dict[str, Any], button_text: str, slot: Any) -> QPushButton:
        page, button = QWidget(), QPushButton(button_text)
        container = Container(widgets=list(parts.values()), labels=True)
        container.margins = (0, 0, 0, 0)
        parts["class_file"].visible = False
        parts["classes"].changed.connect(
            lambda choice: setattr(parts["class_file"], "visible", choice == OWN_FILE)
        )
        button.clicked.connect(slot)
        stack(container.native, button, parent=page).setContentsMargins(9, 9, 9, 9)
        self.addTab(page, title)
        return button

    def reset_choices(self, event: object = None) -> None:  # noqa: ARG002
        """Offer the viewer's layers."""
        for widget in self.layers.values():
            if isinstance(widget, ComboBox):
                widget.reset_choices()

    def _choose_files(self) -> None:
        image, pseudo = path_of(self.files["image"]), path_of(self.files["pseudo"])
        masks = path_of(self.files["masks"]) or path_of(self.files["masks_folder"])
        if not image or not pseudo:
            missing = "image" if not image else "pseudo-labels"
            self.refused.emit(f"{missing}: found no file; expected one to be chosen.")
        else:
            choice = FileChoice(
                image,
                pseudo,
                masks,
                path_of(self.files["truth"]),
                chosen_classes(self.files),
                str(self.files["pseudo_format"].value),
            )
            self.files_chosen.emit(choice)

    def _choose_layers(self) -> None:
        parts = self.layers
        masks = (
            path_of(parts["masks_file"]) or path_of(parts["masks_folder"]) or parts["masks"].value
        )
        self.layers_chosen.emit(
            LayerChoice(parts["image"].value, parts["pseudo"].value, masks, chosen_classes(parts))
        )


MASKS_KEY = "napari_sepl_masks"
"""Key in the metadata of a layer read from a mask file; its value is the MaskSet."""


def read_layers(choice: LayerChoice) -> Inputs:
    """Return image and pseudo-labels of layers, and masks of a layer, file or folder.

    Raises
    ------
    InputError
        If a layer is missing or has a wrong shape, or a file cannot be read.
    """
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
            expected="one flat image: (H, W), or (H, W, 3) in colour",
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
