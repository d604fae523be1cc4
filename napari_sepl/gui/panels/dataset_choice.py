"""Fields that name a dataset: a TOML file, single folders, or a known folder layout."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox, Container, FileEdit, LineEdit
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QFrame, QLabel, QPushButton, QScrollArea, QWidget

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.labels.classes import BUILT_IN
from napari_sepl.files.dataset.layouts import layout
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
    read_dataset,
    write_dataset,
)
from napari_sepl.files.scores import AUTO, PSEUDO_FORMATS
from napari_sepl.gui.panels.widgets import line_up, stack

OWN_FILE = "own file…"


def class_fields() -> dict[str, Any]:
    """Return the fields of a class list: a built-in one, or a file."""
    return {
        "classes": ComboBox(label="classes", choices=[*BUILT_IN, OWN_FILE], value="voc"),
        "class_file": FileEdit(label="class list", mode="r", filter="*.toml *.txt"),
    }


def format_choice() -> ComboBox:
    """Return a field for the format of the pseudo-labels."""
    return ComboBox(label="pseudo-label format", choices=[AUTO, *PSEUDO_FORMATS], value=AUTO)


def chosen_classes(parts: dict[str, Any]) -> str:
    """Return the class list that the fields "classes" and "class_file" name."""
    chosen = str(parts["classes"].value)
    return str(parts["class_file"].value) if chosen == OWN_FILE else chosen


def path_of(widget: FileEdit) -> Path | None:
    """Return the path in a field; None if it is empty."""
    value = widget.line_edit.value
    return Path(value) if value else None


TOML, FOLDERS, VOC, COCO = "TOML file", "folders", "VOC layout", "COCO layout"
_LAYOUTS = {VOC: "voc", COCO: "coco"}
_PSEUDO = ("pseudo", "pseudo_format")
_CLASSES = ("classes", "class_file")
_OPTIONAL = ("ground_truth", "list_file", "image_labels")
_OF_A_LAYOUT = ("root", "out", "split", *_PSEUDO, "masks", *_OPTIONAL, *_CLASSES)
_FIELDS = {
    TOML: ("toml",),
    FOLDERS: ("images", *_PSEUDO, "masks", "out", *_OPTIONAL, *_CLASSES),
    VOC: _OF_A_LAYOUT,
    COCO: _OF_A_LAYOUT,
}
_NEEDED = {
    TOML: ("toml",),
    FOLDERS: ("images", "pseudo", "out"),
    VOC: ("root", "out"),
    COCO: ("root", "out"),
}
_HINTS = {
    TOML: "",
    FOLDERS: "The files of a sample have the same name, without extension. Without a folder of "
    "masks, generate them in the window: they go to the output folder.",
    VOC: "Images are in JPEGImages, lists in ImageSets. Empty fields stand for the only folders "
    "whose names begin with pseudo, and with masks or sam.",
    COCO: "Images are in train2017, for example. Empty fields stand for the only folders whose "
    "names begin with pseudo, and with masks or sam.",
}


class DatasetChoice(QWidget):
    """Fields that name a dataset, and buttons to open it and to save it as a TOML file.

    Attributes
    ----------
    dataset_chosen : Signal(DatasetSpec)
        The dataset to open.
    refused : Signal(str)
        What is missing or contradictory.
    """

    dataset_chosen = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.given = ComboBox(label="dataset as", choices=list(_FIELDS), value=TOML)
        self.fields: dict[str, Any] = {
            "toml": FileEdit(label="TOML file", mode="r", filter="*.toml"),
            "root": FileEdit(label="root folder", mode="d"),
            "images": FileEdit(label="images", mode="d"),
            "pseudo": FileEdit(label="pseudo-labels", mode="d"),
            "pseudo_format": format_choice(),
            "masks": FileEdit(label="masks (optional)", mode="d"),
            "out": FileEdit(label="output folder", mode="d"),
            "split": LineEdit(label="split (optional)"),
            "ground_truth": FileEdit(label="ground truth (optional)", mode="d"),
            "list_file": FileEdit(label="sample list (optional)", mode="r"),
            "image_labels": FileEdit(label="image-level labels (optional)", mode="r"),
        } | class_fields()
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.open_button, self.save_button = QPushButton("Open"), QPushButton("Save as TOML…")
        self._lay_out()
        self.given.changed.connect(self._show_given)
        self.fields["classes"].changed.connect(self._show_fields)
        self.open_button.clicked.connect(lambda _: self._attempt(self.dataset_chosen.emit))
        self.save_button.clicked.connect(lambda _: self._attempt(self._save))
        self._show_fields()

    def _lay_out(self) -> None:
        container = Container(widgets=[self.given, *self.fields.values()], labels=True)
        container.margins = (0, 0, 0, 0)
        page = QWidget()
        stack(container.native, self.hint, parent=page).addStretch()
        area = QScrollArea()  # so many fields would make the window too high
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        column = stack(area, line_up(self.open_button, self.save_button), parent=self)
        column.setContentsMargins(9, 9, 9, 9)

    def _show_given(self, given: str) -> None:
        """Show the fields of one way to name a dataset; a layout sets its class list."""
        if given in _LAYOUTS:
            self.fields["classes"].value = _LAYOUTS[given]
        self._show_fields()

    def _show_fields(self) -> None:
        shown = self._shown()
        for name, widget in self.fields.items():
            widget.visible = name in shown
        self.hint.setText(_HINTS[self.given.value])
        self.hint.setVisible(bool(self.hint.text()))

    def _shown(self) -> list[str]:
        """Return the names of the visible fields."""
        named = self.fields["classes"].value != OWN_FILE
        return [n for n in _FIELDS[self.given.value] if not (named and n == "class_file")]

    # --- what is chosen

    def spec(self) -> DatasetSpec:
        """Return the dataset that the fields name; its folders are not checked.

        Raises
        ------
        InputError
            If something is missing or contradictory, or a TOML file or layout cannot be read.
        """
        given, shown = self.given.value, self._shown()
        files = [name for name in shown if isinstance(self.fields[name], FileEdit)]
        paths = {name: path_of(self.fields[name]) for name in files}
        chosen: dict[str, Any] = {name: path for name, path in paths.items() if path is not None}
        self._check_needed(shown, chosen)
        if given == TOML:
            return read_dataset(chosen["toml"])
        chosen.pop("class_file", None)
        chosen["classes"] = chosen_classes(self.fields)
        chosen["pseudo_format"] = str(self.fields["pseudo_format"].value)
        if given == FOLDERS:
            return DatasetSpec.model_validate(chosen)
        split = self.fields["split"].value.strip() or None
        if split is not None and "list_file" in chosen:
            raise InputError(
                f"dataset ({given})",
                found=f"the split {split} and the list {chosen['list_file']}",
                expected="one of them: both name the samples",
            )
        return layout(_LAYOUTS[given], chosen.pop("root"), chosen.pop("out"), split=split, **chosen)

    def _check_needed(self, shown: list[str], chosen: dict[str, Any]) -> None:
        given = self.given.value
        needed = [name for name in (*_NEEDED[given], "class_file") if name in shown]
        missing = [self.fields[name].label for name in needed if name not in chosen]
        if missing:
            raise InputError(
                f"dataset ({given})",
                found=f"nothing for {', '.join(missing)}",
                expected=f"{', '.join(self.fields[name].label for name in needed)} to be chosen",
            )

    def _attempt(self, use: Callable[[DatasetSpec], None]) -> None:
        """Use the dataset, or emit why it cannot be used."""
        try:
            use(self.spec())
        except SeplError as error:
            self.refused.emit(str(error))

    def _save(self, spec: DatasetSpec) -> None:
        path = ask_toml(self, spec.output.parent)
        if path is not None:
            write_dataset(path, spec, asked=True)  # the dialog has


def ask_toml(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a TOML file to write, and before replacing one; None if cancelled."""
    dialog = QFileDialog(parent, "Save the dataset", str(folder), "TOML (*.toml)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("toml")
    dialog.selectFile("DATASET.toml")
    chosen = Path(dialog.selectedFiles()[0]) if dialog.exec() else None
    dialog.deleteLater()
    return chosen
