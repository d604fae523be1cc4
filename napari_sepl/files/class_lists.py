"""Readers of class lists (names and colours of labels) and of class maps, which change them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.class_names import BACKGROUND_NAMES
from napari_sepl.core.labels.classes import (
    BUILT_IN,
    IGNORE_COLOUR,
    ClassList,
    ClassMap,
    Colour,
    voc_palette,
)
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.files._opening import brief, read_text, read_toml
from napari_sepl.files.formats import FileFormat
from napari_sepl.files.validation import misread, nearest

_EXPECTED = "a TOML file of classes"
_EXPECTED_TEXT = (
    "a text file with a class on each line, as labelme's labels.txt and CVAT's labelmap.txt"
)
_LAYOUT = 'a list, classes = [{ name = "background", colour = "#000000", id = 0 }, ...]'
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MAPPED = re.compile(r"([^:]*):(?:([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}))?(?::[^:]*:[^:]*)?")
"""A line of labelmap.txt: "name:r,g,b:parts:actions"."""

_IGNORED = frozenset(("__ignore__", "ignore", "ignored", "void"))
"""Names, in lower case, of ignore pixels in text files of classes."""

_OF_CLASSES = frozenset(
    name
    for classes in BUILT_IN.values()
    for name in classes.names[1:]
    if name not in BACKGROUND_NAMES
)
SUFFIXES = frozenset((".toml", ".txt"))
"""Endings, in lower case, of files of classes."""

CLASS_LIST_FORMATS = (
    FileFormat("class list", "classes in TOML", "napari-sepl", "`.toml`", "`--classes`"),
    FileFormat(
        "class list", "labels.txt", "labelme",
        "`.txt`, a name on each line, `__ignore__` and `_background_` first", "`--classes`",
    ),
    FileFormat(
        "class list", "labelmap.txt", "CVAT, datumaro",
        "`.txt`, `name:r,g,b:parts:actions` on each line, the background first", "`--classes`",
    ),
)  # fmt: skip


def read_class_list(name: str | Path) -> ClassList:
    """Return a built-in class list by its name, or read one from a file.

    A TOML file lists the classes in the order of their labels, the background, label 0, first.
    Each has a name and may have a colour; one without gets PASCAL VOC's colour of its label. Where
    labels have gaps, each class has its `id`, and the background may be left out::

        classes = [
            { name = "background", colour = "#000000" },
            { name = "road", colour = "#804080", id = 7 },
            { name = "car", id = 26 },
        ]

    ``ignore_colour = "#ffffff"`` is the colour of ignore pixels. ``zero = "class"`` says that label
    files count the classes from 0, as trainIds do, and that the list has no background; ``zero =
    "background"`` that label 0 is the background whatever its name.

    A text file has a name on each line, the background first, after ``__ignore__`` where that is
    there, as labelme's labels.txt has; or "name:r,g,b:parts:actions", as CVAT's labelmap.txt.

    Parameters
    ----------
    name : str or Path
        The name of a list in `BUILT_IN`, or a file ending in .toml or .txt.

    Raises
    ------
    InputError
        If there is no such list, or the file is damaged or has another layout; or if label 0 has
        the name of a class, and the file does not tell whether it is the background.
    """
    if str(name) in BUILT_IN:
        return BUILT_IN[str(name)]
    path = Path(check_class_list(str(name)))
    return _read_toml(path) if path.suffix.lower() == ".toml" else _read_lines(path)


def check_class_list(name: str) -> str:
    """Return the name of a class list or of a file, or raise InputError with all names."""
    if name not in BUILT_IN and Path(name).suffix.lower() not in SUFFIXES:
        expected = f"{', '.join(BUILT_IN)} or a file ending in .toml or .txt"
        raise InputError(
            "class list", found=f"the name {name!r}", expected=expected + nearest(name, BUILT_IN)
        )
    return name


def encode_class_list(classes: ClassList) -> bytes:
    """Return the bytes of a TOML file that `read_class_list` reads."""
    lines = [
        f"    {{ name = {json.dumps(name, ensure_ascii=False)}, colour = "
        f'"#{bytes(colour).hex()}"{f", id = {label}" if classes.has_gaps else ""} }},\n'
        for label, name, colour in zip(classes.ids, classes.names, classes.colours, strict=True)
    ]
    head = []
    if classes.ignore_colour != IGNORE_COLOUR:
        head += [f'ignore_colour = "#{bytes(classes.ignore_colour).hex()}"\n']
    if classes.names[0].lower() in _OF_CLASSES:
        head += ['zero = "background"\n']
    text = "".join([*head, "classes = [\n", *lines, "]\n"])
    return text.replace("\x7f", "\\u007f").encode("utf-8")


@dataclass(frozen=True)
class _Entry:
    """A class in a file: what it says of it."""

    name: str
    colour: Colour | None = None
    label: int | None = None


def _read_toml(path: Path) -> ClassList:
    content = read_toml(path, _EXPECTED)
    entries = content.get("classes")
    if not {"classes"} <= set(content) <= {"classes", "zero", "ignore_colour"} or not isinstance(
        entries, list
    ):
        found = f"the keys {', '.join(content) or 'none'}"
        raise InputError(path, found=found, expected=f"one {_LAYOUT.removeprefix('a ')}")
    ignore = _colour(content.get("ignore_colour"), str(path)) or IGNORE_COLOUR
    zero = content.get("zero")
    if zero not in (None, "class", "background"):
        expected = 'zero = "background" or zero = "class"'
        raise InputError(path, found=f"zero = {brief(zero)}", expected=expected)
    read = [_read_class(entry, f"{path}, class {label}") for label, entry in enumerate(entries)]
    if read and read[0].label is None and read[0].name.lower() in BACKGROUND_NAMES:
        read[0] = replace(read[0], label=0) if any(entry.label for entry in read) else read[0]
    labelled = [entry.label for entry in read if entry.label is not None]
    if labelled and len(labelled) < len(read):
        bare = next(entry.name for entry in read if entry.label is None)
        raise InputError(path, found=f"no id of {bare!r}", expected="an id of each class, or none")
    first = next((entry for entry in read if entry.label in (0, None)), None)
    if zero is None and first is not None and first.name.lower() in _OF_CLASSES:
        raise InputError(
            path,
            found=f"{first.name!r} as label 0, which is the background",
            expected='"background" first; or the line zero = "class", if label files count the '
            'classes from 0 as trainIds do; or zero = "background", if it is the background',
        )
    return _listed(path, read, ignore, from_0=zero == "class")


def _listed(
    path: Path, read: Sequence[_Entry], ignore: Colour = IGNORE_COLOUR, *, from_0: bool = False
) -> ClassList:
    """Return the class list of entries, in the order of their labels."""
    by_place = [
        replace(one, label=place if one.label is None else one.label)
        for place, one in enumerate(read)
    ]
    if from_0:
        by_place = [replace(one, label=(one.label or 0) + 1) for one in by_place]
    if by_place and min(one.label or 0 for one in by_place) > 0:
        by_place.append(_Entry("background", (0, 0, 0), 0))
    by_place.sort(key=lambda one: one.label or 0)
    for kind, values in (("name", [one.name for one in by_place]),
                         ("id", [one.label for one in by_place])):  # fmt: skip
        repeated = next((value for value in values if values.count(value) > 1), None)  # type: ignore[arg-type]
        if repeated is not None:
            expected = f"different {kind}s"
            raise InputError(path, found=f"the {kind} {repeated!r} twice", expected=expected)
    voc = [(red, green, blue) for red, green, blue in voc_palette().tolist()]
    labels = tuple(one.label or 0 for one in by_place)
    colours = tuple(one.colour or voc[(one.label or 0) % 256] for one in by_place)
    names = tuple(one.name for one in by_place)
    try:
        return ClassList(path.name, names, colours, labels, from_0, ignore)
    except InputError as error:
        raise InputError(path, found=error.found, expected=error.expected) from error


def _read_class(entry: object, source: str) -> _Entry:
    known = {"name", "colour", "id"}
    if not isinstance(entry, Mapping) or not {"name"} <= set(entry) <= known:
        keys = f"the keys {', '.join(entry) or 'none'}" if isinstance(entry, Mapping) else None
        expected = "name and optional colour and id"
        raise InputError(source, found=keys or brief(entry), expected=expected)
    name, label = entry["name"], entry.get("id")
    if not isinstance(name, str) or not name.strip():
        raise InputError(source, found=f"the name {brief(name)}", expected="some text")
    if label is not None and (type(label) is not int or not 0 <= label < IGNORE):
        expected = "a whole number from 0 to 254; 255 is ignore in every list"
        raise InputError(source, found=f"the id {brief(label)}", expected=expected)
    return _Entry(name, _colour(entry.get("colour"), source), label)


def _colour(text: object, source: str) -> Colour | None:
    if text is None:
        return None
    if not isinstance(text, str) or not _COLOUR.fullmatch(text):
        found = f"the colour {brief(text)}"
        raise InputError(source, found=found, expected='text like "#804080"')
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _read_lines(path: Path) -> ClassList:
    """Read labels.txt or labelmap.txt; ignore has no label where it comes before the background."""
    lines = [line.strip() for line in read_text(path, _EXPECTED_TEXT).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    has_colours = any(":" in line for line in lines)
    entries: list[_Entry] = []
    place, ignore = 0, IGNORE_COLOUR
    for line in lines:
        name, colour = _read_line(line, path) if has_colours else (line, None)
        if name.lower() in _IGNORED:
            ignore = colour or ignore
        else:
            entries.append(_Entry(name, colour, place))
        place += bool(entries)
    if not entries or entries[0].name.lower() not in BACKGROUND_NAMES:
        first = f"{entries[0].name!r} first" if entries else "no class"
        start = "background:0,0,0::" if has_colours else "_background_"
        raise InputError(
            path, found=first, expected=f"the background, label 0, first: the line {start}"
        )
    return _listed(path, entries, ignore)


def _read_line(line: str, path: Path) -> tuple[str, Colour | None]:
    """Return the name and the colour of a line of labelmap.txt."""
    match = _MAPPED.fullmatch(line)
    if match is None or not match[1].strip():
        expected = "name:r,g,b:parts:actions, as CVAT and datumaro write it"
        raise InputError(path, found=f"the line {line[:60]!r}", expected=expected)
    if match[2] is None:
        return match[1].strip(), None
    red, green, blue = (int(match[channel]) for channel in (2, 3, 4))
    if max(red, green, blue) > 255:
        found = f"the colour {red},{green},{blue}"
        raise InputError(path, found=found, expected="three numbers from 0 to 255")
    return match[1].strip(), (red, green, blue)


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
