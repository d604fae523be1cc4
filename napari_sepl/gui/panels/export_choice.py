"""Fields for what to export: format, samples, classes, and what the format lets one choose."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FileEdit, FloatSpinBox, LineEdit
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.exports import EXPORT_FORMATS, describe_setting
from napari_sepl.files.exports.base import ExportSettings, Ignore
from napari_sepl.files.store import Status
from napari_sepl.gui.panels.dataset_choice import path_of

ALL = "all, untouched ones enhanced"
ANY = "any"


@dataclass(frozen=True)
class ExportChoice:
    """What a person wants exported.

    Parameters
    ----------
    settings : ExportSettings
        The format and its choices.
    to : Path
        The folder to write to.
    statuses : frozenset of Status
        Which samples.
    class_ids : tuple of int
        Only samples that hold one of these; all if it is empty.
    class_map : Path or None
        A file that renames, merges and drops classes.
    overwrite : bool
        Replace an earlier export of other settings.
    """

    settings: ExportSettings
    to: Path
    statuses: frozenset[Status]
    class_ids: tuple[int, ...] = ()
    class_map: Path | None = None
    overwrite: bool = False


class ExportChoicePanel(QWidget):
    """The fields."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        accepted, *others = sorted(Status, key=lambda one: one is not Status.ACCEPTED)
        samples = [accepted.value, ALL, *(one.value for one in others)]
        self.fields: dict[str, Any] = {
            "format": ComboBox(label="format", choices=list(EXPORT_FORMATS)),
            "to": FileEdit(label="to folder", mode="d", nullable=True),
            "samples": ComboBox(label="samples", choices=samples),
            "class_id": ComboBox(label="that hold", choices=[ANY]),
            "class_map": FileEdit(label="class map (optional)", filter="*.toml", nullable=True),
            "pictures": _choice("pictures"),
            "folder": LineEdit(label="folder of labels", value=ExportSettings().folder),
            "instances": _choice("instances"),
            "holes": _choice("holes"),
            "tolerance": FloatSpinBox(label="tolerance (pixels)", max=100, step=0.5),
            "trust": FloatSpinBox(
                label="trust in unsure labels", min=0.5, max=1, step=0.05, value=0.75
            ),
            "val": FloatSpinBox(label="share for val", max=0.99, step=0.05),
            Ignore.FLAGGED.value: CheckBox(text="flagged samples become ignore (255)"),
            Ignore.UNSURE.value: CheckBox(text="unsure pixels become ignore (255)"),
            "overwrite": CheckBox(text="replace an export of other settings"),
        }
        for name, field in self.fields.items():
            field.tooltip = describe_setting(name) if name in ExportSettings.model_fields else ""
        self.fields[Ignore.UNSURE.value].tooltip = describe_setting("ignore")
        container = Container(widgets=list(self.fields.values()), labels=True)
        container.margins = (0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(container.native)
        self.fields["format"].changed.connect(self._show_fields)
        self._container = container

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Hide what the format has no use for: fields can be hidden once they are shown."""
        super().showEvent(event)
        self._show_fields()

    def _show_fields(self) -> None:
        chosen = EXPORT_FORMATS[self.fields["format"].value]
        for name in frozenset[str]().union(*(one.options for one in EXPORT_FORMATS.values())):
            self.fields[name].visible = name in chosen.options

    def show_classes(self, classes: ClassList) -> None:
        """Offer the classes of a dataset."""
        self.fields["class_id"].choices = [ANY, *classes.names[1:]]
        self._names = classes.names

    def chosen(self) -> ExportChoice:
        """Return what is chosen.

        Raises
        ------
        InputError
            If no folder is named.
        """
        to = path_of(self.fields["to"])
        if to is None:
            raise InputError("to folder", found="nothing", expected="the folder to write to")
        told = {name: self.fields[name].value for name in ExportSettings.model_fields.keys()
                & self.fields.keys()}  # fmt: skip
        told["ignore"] = tuple(one for one in sorted(Ignore) if self.fields[one.value].value)
        class_name, samples = self.fields["class_id"].value, self.fields["samples"].value
        return ExportChoice(
            _checked(told),
            to,
            frozenset(Status) if samples == ALL else frozenset([Status(samples)]),
            () if class_name == ANY else (self._names.index(class_name),),
            path_of(self.fields["class_map"]),
            self.fields["overwrite"].value,
        )


def _choice(name: str) -> ComboBox:
    field = ExportSettings.model_fields[name]
    choices = [one.value for one in type(field.default)]
    return ComboBox(label=name, choices=choices, value=field.default.value)


def _checked(told: Mapping[str, Any]) -> ExportSettings:
    try:
        return ExportSettings.model_validate(told)
    except ValueError as error:  # pydantic's
        raise InputError(
            "folder of labels", found=repr(told["folder"]), expected="the name of one folder"
        ) from error
