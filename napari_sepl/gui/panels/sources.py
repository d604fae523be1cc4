"""Where the image, the pseudo-labels and the masks come from: files, layers or a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox, Container, FileEdit, Widget, create_widget
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QTabWidget, QVBoxLayout, QWidget

from napari_sepl.files.scores import AUTO
from napari_sepl.gui.panels.dataset_choice import DatasetChoice
from napari_sepl.gui.panels.fields import (
    chosen_classes,
    class_choice,
    format_choice,
    only_with_own_file,
    path_of,
)


@dataclass(frozen=True)
class FileChoice:
    """Files to open."""

    image: Path
    pseudo: Path
    masks: Path | None
    truth: Path | None
    classes: str
    pseudo_format: str = AUTO


@dataclass(frozen=True)
class LayerChoice:
    """Layers of the viewer to work on; masks from a layer, or from a file or folder."""

    image: Layer | None
    pseudo: Layer | None
    masks: Layer | Path | None
    classes: str


class SourcesPanel(QTabWidget):
    """Three ways to start: from the files of one image, from layers, and from a dataset.

    Attributes
    ----------
    files_chosen : Signal(FileChoice)
    layers_chosen : Signal(LayerChoice)
    dataset_chosen : Signal(DatasetSpec)
    refused : Signal(str)
        Why what was chosen is no dataset.
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
            "masks": FileEdit(label="masks (file)", mode="r"),
            "masks_folder": FileEdit(label="or folder", mode="d"),
            "truth": FileEdit(label="truth (optional)", mode="r"),
            "classes": class_choice(),
            "class_file": FileEdit(label="class list", mode="r", filter="*.toml"),
        }
        self.layers: dict[str, Any] = {
            "image": create_widget(annotation=Image, label="image"),
            "pseudo": create_widget(annotation=Labels, label="pseudo-labels"),
            "masks": create_widget(
                annotation=Layer | None,
                label="masks (layer)",
                options={"nullable": True},
            ),
            "masks_file": FileEdit(label="or file", mode="r"),
            "masks_folder": FileEdit(label="or folder", mode="d"),
            "classes": class_choice(),
            "class_file": FileEdit(label="class list", mode="r", filter="*.toml"),
        }
        self.open_files = self._tab("Files", self.files, "Open", self._choose_files)
        self.use_layers = self._tab("Layers", self.layers, "Use these layers", self._choose_layers)
        self.dataset = DatasetChoice()
        self.dataset.dataset_chosen.connect(self.dataset_chosen)
        self.dataset.refused.connect(self.refused)
        self.addTab(self.dataset, "Dataset")

    def _tab(
        self, title: str, parts: dict[str, Widget], button_text: str, slot: Any
    ) -> QPushButton:
        page = QWidget()
        column = QVBoxLayout(page)
        container = Container(widgets=list(parts.values()), labels=True)
        container.margins = (0, 0, 0, 0)
        column.addWidget(container.native)
        only_with_own_file(parts["classes"], parts["class_file"])
        button = QPushButton(button_text)
        button.clicked.connect(slot)
        column.addWidget(button)
        self.addTab(page, title)
        return button

    def reset_choices(self, event: object = None) -> None:  # noqa: ARG002
        """Offer the layers that are in the viewer now."""
        for widget in self.layers.values():
            if isinstance(widget, ComboBox):
                widget.reset_choices()

    def _choose_files(self) -> None:
        image, pseudo = path_of(self.files["image"]), path_of(self.files["pseudo"])
        masks = path_of(self.files["masks"]) or path_of(self.files["masks_folder"])
        if not image or not pseudo:
            missing = "image" if not image else "pseudo-labels"
            self.refused.emit(f"{missing}: found no file chosen; expected one")
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
