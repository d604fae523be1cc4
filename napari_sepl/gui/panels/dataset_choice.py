"""Where a dataset is: a TOML file, its folders one by one, or a layout of folders known by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox, Container, FileEdit, LineEdit
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.labels.classes import BUILT_IN
from napari_sepl.files.dataset.specification import DatasetSpec, layout, read_dataset, write_dataset
from napari_sepl.files.scores import AUTO, PSEUDO_FORMATS

OWN_FILE = "own file…"


def class_choice() -> ComboBox:
    """Return a field for a class list."""
    return ComboBox(label="classes", choices=[*BUILT_IN, OWN_FILE], value="voc")


def format_choice() -> ComboBox:
    """Return a field for what the pseudo-labels are."""
    return ComboBox(label="their format", choices=[AUTO, *PSEUDO_FORMATS], value=AUTO)


def only_with_own_file(classes: ComboBox, class_file: FileEdit) -> None:
    """Show the field for a file of classes only while it is wanted."""
    class_file.visible = False
    classes.changed.connect(lambda choice: setattr(class_file, "visible", choice == OWN_FILE))


def chosen_classes(parts: dict[str, Any]) -> str:
    """Return the class list that the fields "classes" and "class_file" name."""
    chosen = str(parts["classes"].value)
    return str(parts["class_file"].value) if chosen == OWN_FILE else chosen


def path_of(widget: FileEdit) -> Path | None:
    """Return what a field names; None if it is empty."""
    value = widget.line_edit.value
    return Path(value) if value else None


TOML, FOLDERS, VOC, COCO = "TOML file", "folders", "layout of VOC", "layout of COCO"
_LAYOUTS = {VOC: "voc", COCO: "coco"}
_NAMES = {
    "toml": "TOML file", "root": "root folder", "images": "images", "pseudo": "pseudo-labels",
    "out": "output folder", "class_file": "class list",
}  # fmt: skip
_PSEUDO = ("pseudo", "pseudo_format")
_CLASSES = ("classes", "class_file")
_OPTIONAL = ("ground_truth", "list_file", "image_labels")
_OF_A_LAYOUT = (
    "root",
    "out",
    "split",
    "pseudo",
    "pseudo_format",
    "masks",
    *_OPTIONAL,
    "classes",
    "class_file",
)
_FIELDS = {
    TOML: ("toml",),
    FOLDERS: (
        "images",
        "pseudo",
        "pseudo_format",
        "masks",
        "out",
        *_OPTIONAL,
        "classes",
        "class_file",
    ),
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
    FOLDERS: "Files that share their name, but for the ending, belong together. Without a folder "
    "of masks, they are generated here and go to the output folder.",
    VOC: "Images in JPEGImages, lists in ImageSets; pseudo-labels and masks, unless named here, "
    "in the root's only folders that begin with pseudo and with masks or sam.",
    COCO: "Images in train2017, say; pseudo-labels and masks, unless named here, in the root's "
    "only folders that begin with pseudo and with masks or sam.",
}


class DatasetChoice(QWidget):
    """Fields that name a dataset, and buttons to open it and to write it to a TOML file.

    Attributes
    ----------
    dataset_chosen : Signal(DatasetSpec)
        The dataset to open.
    refused : Signal(str)
        What is missing, or contradicts itself.
    """

    dataset_chosen = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.given = ComboBox(label="given as", choices=list(_FIELDS), value=TOML)
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
            "list_file": FileEdit(label="list (optional)", mode="r"),
            "image_labels": FileEdit(label="image-level labels (optional)", mode="r"),
            "classes": class_choice(),
            "class_file": FileEdit(label="class list", mode="r", filter="*.toml"),
        }
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
        fields = QVBoxLayout(page)
        fields.setContentsMargins(0, 0, 0, 0)
        fields.addWidget(container.native)
        fields.addWidget(self.hint)
        fields.addStretch()
        area = QScrollArea()  # so many fields would make the window higher
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.addWidget(area)
        row.addWidget(self.open_button)
        row.addWidget(self.save_button)
        column.addLayout(row)

    def _show_given(self, given: str) -> None:
        """Show the fields of one way to name a dataset; a layout brings its class list."""
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
        """Return the names of the fields that count."""
        named = self.fields["classes"].value != OWN_FILE
        return [n for n in _FIELDS[self.given.value] if not (named and n == "class_file")]

    # --- what is chosen

    def spec(self) -> DatasetSpec:
        """Return the dataset as the fields stand; whether its folders are there shows later.

        Raises
        ------
        InputError
            If something is missing or contradicts itself, or a TOML file or layout cannot be read.
        """
        given, shown = self.given.value, self._shown()
        files = [name for name in shown if isinstance(self.fields[name], FileEdit)]
        told: dict[str, Any] = {name: path_of(self.fields[name]) for name in files}
        told = {name: path for name, path in told.items() if path is not None}
        self._check_needed(told)
        if given == TOML:
            return read_dataset(told["toml"])
        told.pop("class_file", None)
        told["classes"] = chosen_classes(self.fields)
        told["pseudo_format"] = str(self.fields["pseudo_format"].value)
        if given == FOLDERS:
            return DatasetSpec.model_validate(told)
        split = self.fields["split"].value.strip() or None
        if split is not None and "list_file" in told:
            raise InputError(
                f"dataset ({given})",
                found=f"the split {split} and the list {told['list_file']}",
                expected="one of them, for both say which samples there are",
            )
        return layout(_LAYOUTS[given], told.pop("root"), told.pop("out"), split=split, **told)

    def _check_needed(self, told: dict[str, Any]) -> None:
        given, shown = self.given.value, self._shown()
        needed = [name for name in (*_NEEDED[given], "class_file") if name in shown]
        missing = [_NAMES[name] for name in needed if name not in told]
        if missing:
            raise InputError(
                f"dataset ({given})",
                found=f"nothing for {', '.join(missing)}",
                expected=f"{', '.join(_NAMES[name] for name in needed)} to be chosen",
            )

    def _attempt(self, use: Callable[[DatasetSpec], None]) -> None:
        """Do something with the dataset, or say why not."""
        try:
            use(self.spec())
        except SeplError as error:
            self.refused.emit(str(error))

    def _save(self, spec: DatasetSpec) -> None:
        path = ask_toml(self, spec.output.parent)
        if path is not None:
            write_dataset(path, spec, asked=True)  # the dialog has


def ask_toml(parent: QWidget, folder: Path) -> Path | None:
    """Ask for a TOML file to write, and about replacing one that is there."""
    dialog = QFileDialog(parent, "Save the dataset", str(folder), "TOML (*.toml)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("toml")
    dialog.selectFile("DATASET.toml")
    chosen = Path(dialog.selectedFiles()[0]) if dialog.exec() else None
    dialog.deleteLater()
    return chosen
