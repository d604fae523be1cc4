"""What a model finds wrong with a file's content, in plain words."""

from collections.abc import Collection
from datetime import date, time
from difflib import get_close_matches
from itertools import takewhile

from pydantic import ValidationError

from napari_sepl.files._opening import brief


def misread(error: ValidationError, known: Collection[str] = ()) -> str:
    """Return all that a model refuses as it stands in TOML, to follow "found".

    Parameters
    ----------
    error : ValidationError
        The error of the model.
    known : collection of str
        The keys that there are, to suggest for unknown ones.
    """
    told = []
    for wrong in error.errors():
        path = list(takewhile(lambda part: isinstance(part, str), wrong["loc"]))
        key = ".".join(map(str, path))
        if wrong["type"] == "missing":
            told.append(f"no {key}")
        elif wrong["type"] == "extra_forbidden":
            told.append(f"the unknown key {key}{nearest(str(path[-1]), known)}")
        elif not path:
            told.append("no valid JSON")
        else:  # a position follows the key where one entry of a list is wrong
            whole = len(path) == len(wrong["loc"])
            told.append(f"{key} {'=' if whole else 'with'} {_in_toml(wrong['input'])}")
    return ", ".join(dict.fromkeys(told))


def nearest(name: str, known: Collection[str]) -> str:
    """Return the question whether a known name near this one was meant; empty if none is."""
    plain = name.lower().replace("-", "_")
    near = get_close_matches(plain, known, 1) or [one for one in known if plain and plain in one]
    return f" (did you mean {near[0]}?)" if near else ""


def _in_toml(value: object) -> str:
    """Return a value in the words of TOML."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f'"{value[:60]}"'
    return str(value) if isinstance(value, date | time) else brief(value)
