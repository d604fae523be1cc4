"""Readers of class lists (names and colours of labels) and of class maps, which change them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import BUILT_IN, ClassList, ClassMap, Colour, voc_palette
from napari_sepl.files._opening import brief, read_toml
from napari_sepl.files.validation import misread, nearest

_EXPECTED = "a TOML file of classes"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def read_class_list(name: str | Path) -> ClassList:
    """Return a built-in class list by its name, or read one from a TOML file.

    The file lists the classes in the order of their labels, the background, label 0, first. Each
    has a name and may have a colour; one without gets PASCAL VOC's colour of its label::

        classes = [
            { name = "background", colour = "#000000" },
            { name = "road", colour = "#804080" },
            { name = "car" },
        ]

    Parameters
    ----------
    name : str or Path
        "voc", "coco", or a file ending in .toml.

    Raises
    ------
    InputError
        If there is no such list, or the file is damaged or has another layout.
    """
    if str(name) in BUILT_IN:
        return BUILT_IN[str(name)]
    return _read_toml(Path(check_class_list(str(name))))


def check_class_list(name: str) -> str:
    """Return the name of a class list or of a TOML file, or raise InputError with all names."""
    if name not in BUILT_IN and Path(name).suffix.lower() != ".toml":
        expected = f"{', '.join(BUILT_IN)} or a file ending in .toml{nearest(name, BUILT_IN)}"
        raise InputError("class list", found=f"the name {name!r}", expected=expected)
    return name


def encode_class_list(classes: ClassList) -> bytes:
    """Return the bytes of a TOML file that `read_class_list` reads."""
    lines = [
        f"    {{ name = {json.dumps(name, ensure_ascii=False)}, colour = "
        f'"#{bytes(colour).hex()}" }},\n'
        for name, colour in zip(classes.names, classes.colours, strict=True)
    ]
    return "".join(["classes = [\n", *lines, "]\n"]).replace("\x7f", "\\u007f").encode("utf-8")


def _read_toml(path: Path) -> ClassList:
    content = read_toml(path, _EXPECTED)
    entries = content.get("classes")
    if set(content) != {"classes"} or not isinstance(entries, list):
        raise InputError(
            path,
            found=f"the keys {', '.join(content) or 'none'}",
            expected='one list, classes = [{ name = "background", colour = "#000000" }, ...]',
        )
    named = [_read_class(entry, f"{path}, class {label}") for label, entry in enumerate(entries)]
    names = tuple(name for name, _ in named)
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InputError(path, found=f"the name {repeated!r} twice", expected="different names")
    voc = [(red, green, blue) for red, green, blue in voc_palette().tolist()]
    colours = tuple(colour or voc[label % 256] for label, (_, colour) in enumerate(named))
    try:
        return ClassList(path.name, names, colours)
    except InputError as error:
        raise InputError(path, found=error.found, expected=error.expected) from error


def _read_class(entry: object, source: str) -> tuple[str, Colour | None]:
    if not isinstance(entry, Mapping) or not {"name"} <= set(entry) <= {"name", "colour"}:
        keys = ", ".join(entry) if isinstance(entry, Mapping) else brief(entry)
        raise InputError(source, found=keys or "nothing", expected="name and optional colour")
    name, colour = entry["name"], entry.get("colour")
    if not isinstance(name, str) or not name.strip():
        raise InputError(source, found=f"the name {brief(name)}", expected="some text")
    if colour is None:
        return name, None
    if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
        found = f"the colour {brief(colour)}"
        raise InputError(source, found=found, expected='text like "#804080"')
    red, green, blue = bytes.fromhex(colour[1:])
    return name, (red, green, blue)


_TABLES = {
    "rename": 'a table of names, as in "tv monitor" = "screen"',
    "merge": 'a table of lists of names or labels, as in vehicle = ["car", 19]',
    "drop": 'lists to_background and to_ignore, as in to_ignore = ["sofa", 9]',
}
"""What the tables of a class map hold."""

Classes = list[StrictInt | StrictStr]


class _Drop(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to_background: Classes = []
    to_ignore: Classes = []


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rename: dict[str, StrictStr] = {}
    merge: dict[str, Classes] = {}
    drop: _Drop = Field(default_factory=_Drop)


def read_class_map(path: Path, classes: ClassList) -> ClassMap:
    """Read a class map from a TOML file.

    Classes are given by names or labels. All others stay; labels are numbered again without
    gaps::

        [rename]
        "tv monitor" = "screen"
        [merge]
        vehicle = ["car", "bus", 19]
        [drop]
        to_background = ["potted plant"]
        to_ignore = ["sofa"]

    Parameters
    ----------
    path : Path
        The file.
    classes : ClassList
        The classes that it maps.

    Raises
    ------
    InputError
        If the file is damaged or has another layout, names a class that does not exist or the
        background, or one class twice.
    """
    content = _parse(path)
    return ClassMap.of(
        classes,
        path,
        rename=content.rename,
        merge=content.merge,
        to_background=content.drop.to_background,
        to_ignore=content.drop.to_ignore,
    )


def _parse(path: Path) -> _Content:
    try:
        return _Content.model_validate(read_toml(path, "a TOML file of a class map"))
    except ValidationError as error:
        table = str(error.errors()[0]["loc"][0])
        expected = _TABLES.get(table, f"a TOML file of tables {', '.join(_TABLES)}")
        found = misread(error, [*_Content.model_fields, *_Drop.model_fields])
        raise InputError(path, found=found, expected=expected) from error
