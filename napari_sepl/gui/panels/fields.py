"""Fields for files and class lists, the same on all pages of the sources."""

from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox, FileEdit

from napari_sepl.core.classes import BUILT_IN
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
