"""Reading class maps: which classes are renamed, merged or dropped."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from napari_sepl.core.classes import ClassList, ClassMap
from napari_sepl.core.errors import InputError
from napari_sepl.files._texts import read_toml

_EXPECTED = "a TOML file of tables rename, merge and drop"
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

    Classes are named, or told by their labels. Those that are not mentioned stay; labels are
    numbered anew without gaps::

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
        If the file is damaged or laid out otherwise, names a class that is not there or the
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
        return _Content.model_validate(read_toml(path, _EXPECTED))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(path, found=f"{place}: {first['msg']}", expected=_EXPECTED) from error
