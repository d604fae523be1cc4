"""Checks of single values of the record: texts, numbers, JSON.

Each raises ValueError or TypeError for a value that no review gives.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeGuard

from napari_sepl.files._opening import brief

_MOST_SECONDS = 2**30  # 34 years
_MOST_LEVELS = 8
_BEYOND = 2.0**53  # no number is as large
_PLAIN_ID = re.compile(r"\w[\w/ -]*").fullmatch  # a tenth of the time of Path


def parse_text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError(f"{brief(value)} in the place of a text")
    return value


def parse_sample_id(value: object) -> str:
    """Return the id of a sample: part of the names of its files, so it leads out of no folder."""
    sample_id = parse_text(value)
    if not _PLAIN_ID(sample_id):
        path = Path(sample_id)
        if not sample_id or "\0" in sample_id or path.anchor or ".." in path.parts:
            raise ValueError(f"{brief(value)} in the place of a sample's id")
    return sample_id


def is_whole(value: object, lowest: int, highest: int) -> TypeGuard[int]:
    """Return whether a value is a whole number in a range."""
    return type(value) is int and lowest <= value <= highest


def parse_count(value: object) -> int:
    """Return a number of steps."""
    if not is_whole(value, 0, 2**31):
        raise ValueError(f"{brief(value)} in the place of a count")
    return value


def parse_seconds(value: object) -> float:
    """Return a time in seconds."""
    seconds = parse_number(value)
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError(f"{seconds} in the place of seconds")
    return seconds


def parse_share(value: object) -> float | None:
    """Return a share in 0..1, or None."""
    share = None if value is None else parse_number(value)
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"{share} in the place of a share")
    return share


def parse_number(value: object) -> float:
    """Return a finite number."""
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not -_BEYOND < value < _BEYOND  # as of NaN
    ):
        raise ValueError(f"{brief(value)} in the place of a number")
    return value


def parse_texts(text: str) -> dict[str, str]:
    """Return texts by name from JSON."""
    return {name: parse_text(value) for name, value in parse_object(text).items()}


def parse_object(text: object) -> dict[str, Any]:
    """Return an object from JSON."""
    content = parse_json(text)
    if not isinstance(content, dict):
        raise TypeError(f"{brief(content)} in the place of an object")
    return content


def parse_json(text: Any) -> Any:
    """Return what JSON holds: no number that is infinite or none, and few levels of lists.

    Raises
    ------
    ValueError, TypeError
        If it is anything else.
    """
    try:
        content = _DECODER.decode(parse_text(text))
        if "\\ud" in text.lower():  # a half of a character, which can neither be shown nor written
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("lists in lists in lists") from error
    level = [content]
    for _ in range(_MOST_LEVELS):
        level = [item for one in level for item in _items(one)]
        if not level:
            return content
    raise ValueError(f"JSON of more than {_MOST_LEVELS} levels")


def _items(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _number_of(text: str) -> float:
    return parse_number(float(text))


def _refuse(name: str) -> None:
    raise ValueError(f"{name} in the place of a number")


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_number_of)
