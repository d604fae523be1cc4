"""Text files, TOML and JSON, read so that whatever is wrong with one is told by name."""

import json
import tomllib
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import damaged, read_bytes

_MAX_TEXT = 2**28
"""Bytes of a list: two million samples with long names."""

_MAX_TOML = 2**20
_MAX_DOTS = 1000
"""Dots in a line of TOML: a key of as many parts takes 10 ms to read, one of 100,000 minutes."""


def read_text(path: Path, expected: str) -> str:
    """Return a text in UTF-8, without the byte order mark that some programs begin it with.

    Raises
    ------
    InputError
        If the file cannot be read or is no such text.
    """
    try:
        return read_bytes(path, expected, _MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(path, found="something that is not text", expected=expected) from error


def read_toml(path: Path, expected: str) -> dict[str, Any]:
    """Return what a TOML file holds; a byte order mark is left out.

    Raises
    ------
    InputError
        If the file cannot be read, is no TOML, or is nested beyond reason.
    """
    content = read_bytes(path, expected, _MAX_TOML)
    if any(line.count(b".") > _MAX_DOTS for line in content.splitlines()):
        raise InputError(path, found=f"a line of over {_MAX_DOTS:,} dots", expected=expected)
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        found = f"text that is not valid TOML ({_place_first(str(error))})"
        raise InputError(path, found=found, expected=expected) from error
    except (RecursionError, ValueError) as error:  # lists in lists, numbers without end
        raise damaged(path, error, expected) from error


def _place_first(told: str) -> str:
    """Return what is wrong with TOML as "line 1, column 25: what"."""
    what, found, place = told.rpartition(" (at ")
    return f"{place.removesuffix(')')}: {what}" if found else told


def parse_json(content: bytes, path: Path, expected: str) -> Any:
    """Return what JSON holds, or raise InputError that names the file it came from."""
    try:
        return json.loads(content)
    except (RecursionError, ValueError) as error:
        raise damaged(path, error, expected) from error


def expanded(text: str | Path, source: Path, expected: str) -> Path:
    """Return a path that a file names, ``~`` being somebody's home.

    Raises
    ------
    InputError
        Naming `source`, if there is no such home or the path holds NUL.
    """
    if "\0" in str(text):
        raise InputError(source, found=f"the path {str(text)!r}", expected=expected)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        home = str(text).partition("/")[0]
        raise InputError(source, found=f"no home of {home}", expected=expected) from error
