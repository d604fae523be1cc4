"""The fields of an export: format, samples, classes, and the options of the format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, FloatSpinBox, LineEdit
from qtpy.QtWidgets import QWidget

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.exports import EXPORT_FORMATS, describe_setting
from napari_sepl.files.exports.base import ExportSettings, Ignore
from napari_sepl.files.store import Status
from napari_sepl.gui.panels.dataset_choice import path_of
from napari_sepl.gui.panels.widgets import stack

ALL = "all (enhance samples without saved labels)"
ANY = "any"


@dataclass(frozen=True)
class ExportChoice:
    """What to export, and where to.

    Parameters
    ----------
    settings : ExportSettings
        The format and its options.
    to : Path
        The folder to write to.
    statuses : frozenset of Status
        Only samples with one of these.
    class_ids : tuple of int
        Only samples with one of these classes; empty for all.
    class_map : Path or None
        A file that renames, merges and drops classes.
    overwrite : bool
        Replace an export with other settings.
    """

    settings: ExportSettings
    to: Path
    statuses: frozenset[Status]
    class_ids: tuple[int, ...] = ()
    class_map: Path | None = None
    overwrite: bool = False


class ExportChoicePanel(QWidget):
    """The fields that choose an export."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        accepted, *others = sorted(Status, key=lambda one: one is not Status.ACCEPTED)
        samples = [accepted.value, ALL, *(one.value for one in others)]
        self.fields: dict[str, Any] = {
            "format": ComboBox(label="format", choices=list(EXPORT_FORMATS)),
            "to": FileEdit(label="export folder", mode="d", nullable=True),
            "samples": ComboBox(label="samples", choices=samples),
            "class_id": ComboBox(label="with class", choices=[ANY]),
            "class_map": FileEdit(label="class map (optional)", filter="*.toml", nullable=True),
            "pictures": _choice("pictures", "images"),
            "folder": LineEdit(label="label folder", value=ExportSettings().folder),
            "instances": _choice("instances", "objects"),
            "holes": _choice("holes", "holes in polygons"),
            "tolerance": FloatSpinBox(label="polygon tolerance (pixels)", max=100, step=0.5),
            "trust": FloatSpinBox(
                label="probability of unsure labels", min=0.5, max=1, step=0.05, value=0.75
            ),
            "val": FloatSpinBox(label="share of split val", max=0.99, step=0.05),
            Ignore.FLAGGED.value: CheckBox(text="set flagged samples to ignore (255)"),
            Ignore.UNSURE.value: CheckBox(text="set unsure pixels to ignore (255)"),
            "overwrite": CheckBox(text="replace an export with other settings"),
        }
        tips = {
            "to": "Folder that the export is written to",
            "samples": "Which samples to export, by their status",
            "class_id": "Export only samples with this class",
            "class_map": "TOML file that renames, merges or drops classes",
            "overwrite": "Write over an export that was made with other settings",
        } | dict.fromkeys(Ignore, describe_setting("ignore"))
        for name, field in self.fields.items():
            field.tooltip = tips.get(name) or describe_setting(name)
        container = Container(widgets=list(self.fields.values()), labels=True)
        container.margins = (0, 0, 0, 0)
        stack(container.native, parent=self)
        self.fields["format"].changed.connect(self._show_fields)
        self._container = container

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Hide the fields that the format does not use: magicgui hides only shown fields."""
        super().showEvent(event)
        self._show_fields()

    def _show_fields(self) -> None:
        chosen = EXPORT_FORMATS[self.fields["format"].value]
        for name in frozenset[str]().union(*(one.options for one in EXPORT_FORMATS.values())):
            self.fields[name].visible = name in chosen.options

    def show_classes(self, classes: ClassList) -> None:
        """Offer the classes of a dataset."""
        self.fields["class_id"].choices = [ANY, *classes.names[1:]]
        self._ids = dict(zip(classes.names, classes.ids, strict=True))

    def chosen(self) -> ExportChoice:
        """Return the chosen export.

        Raises
        ------
        InputError
            If no export folder is chosen, or the label folder has no valid name.
        """
        to = path_of(self.fields["to"])
        if to is None:
            raise InputError("export folder", found="nothing", expected="a folder to be chosen")
        chosen = {name: self.fields[name].value for name in ExportSettings.model_fields.keys()
                & self.fields.keys()}  # fmt: skip
        chosen["ignore"] = tuple(one for one in sorted(Ignore) if self.fields[one.value].value)
        class_name, samples = self.fields["class_id"].value, self.fields["samples"].value
        return ExportChoice(
            _checked(chosen),
            to,
            frozenset(Status) if samples == ALL else frozenset([Status(samples)]),
            () if class_name == ANY else (self._ids[class_name],),
            path_of(self.fields["class_map"]),
            self.fields["overwrite"].value,
        )


def _choice(name: str, label: str) -> ComboBox:
    field = ExportSettings.model_fields[name]
    choices = [one.value for one in type(field.default)]
    return ComboBox(label=label, choices=choices, value=field.default.value)


def _checked(chosen: Mapping[str, Any]) -> ExportSettings:
    try:
        return ExportSettings.model_validate(chosen)
    except ValueError as error:  # pydantic's
        raise InputError(
            "label folder", found=repr(chosen["folder"]), expected="the name of one folder"
        ) from error
