"""Where the image, the pseudo-labels and the masks come from: files or layers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox, Container, FileEdit, Widget, create_widget
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QTabWidget, QVBoxLayout, QWidget

from napari_sepl.core.classes import BUILT_IN

_OWN_FILE = "own file…"


@dataclass(frozen=True)
class FileChoice:
    """Files to open."""

    image: Path
    pseudo: Path
    masks: Path
    truth: Path | None
    classes: str


@dataclass(frozen=True)
class LayerChoice:
    """Layers of the viewer to work on; masks from a layer, or from a file or folder."""

    image: Layer | None
    pseudo: Layer | None
    masks: Layer | Path | None
    classes: str


class SourcesPanel(QTabWidget):
    """Two ways to start: from files and from layers.

    Attributes
    ----------
    files_chosen : Signal(FileChoice)
    layers_chosen : Signal(LayerChoice)
    """

    files_chosen = Signal(object)
    layers_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.files: dict[str, Any] = {
            "image": FileEdit(label="image", mode="r"),
            "pseudo": FileEdit(label="pseudo-labels", mode="r"),
            "masks": FileEdit(label="masks (file)", mode="r"),
            "masks_folder": FileEdit(label="or folder", mode="d"),
            "truth": FileEdit(label="truth (optional)", mode="r"),
            "classes": _class_choice(),
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
            "classes": _class_choice(),
            "class_file": FileEdit(label="class list", mode="r", filter="*.toml"),
        }
        self.open_files = self._tab("Files", self.files, "Open", self._choose_files)
        self.use_layers = self._tab("Layers", self.layers, "Use these layers", self._choose_layers)

    def _tab(
        self, title: str, parts: dict[str, Widget], button_text: str, slot: Any
    ) -> QPushButton:
        page = QWidget()
        column = QVBoxLayout(page)
        container = Container(widgets=list(parts.values()), labels=True)
        container.margins = (0, 0, 0, 0)
        column.addWidget(container.native)
        _only_with_own_file(parts["classes"], parts["class_file"])
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
        image, pseudo = _path(self.files["image"]), _path(self.files["pseudo"])
        masks = _path(self.files["masks"]) or _path(self.files["masks_folder"])
        if image and pseudo and masks:
            choice = FileChoice(
                image, pseudo, masks, _path(self.files["truth"]), _classes(self.files)
            )
            self.files_chosen.emit(choice)

    def _choose_layers(self) -> None:
        parts = self.layers
        masks = _path(parts["masks_file"]) or _path(parts["masks_folder"]) or parts["masks"].value
        self.layers_chosen.emit(
            LayerChoice(parts["image"].value, parts["pseudo"].value, masks, _classes(parts))
        )


def _class_choice() -> ComboBox:
    return ComboBox(label="classes", choices=[*BUILT_IN, _OWN_FILE], value="voc")


def _only_with_own_file(classes: ComboBox, class_file: FileEdit) -> None:
    class_file.visible = False
    classes.changed.connect(lambda choice: setattr(class_file, "visible", choice == _OWN_FILE))


def _classes(parts: dict[str, Any]) -> str:
    chosen = str(parts["classes"].value)
    return str(parts["class_file"].value) if chosen == _OWN_FILE else chosen


def _path(widget: FileEdit) -> Path | None:
    value = widget.line_edit.value
    return Path(value) if value else None
