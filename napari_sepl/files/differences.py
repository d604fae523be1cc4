"""In what settings that a folder was made with differ from those that are asked for."""

from collections.abc import Iterable, Mapping
from typing import Any


def tell_differences(known: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return the settings that differ, in words; empty if none does.

    What only one side has is told where all that both have is equal: masks of regions have none of
    SAM's settings, so that the name of the model says it all.
    """
    names = [name for name in {**known, **asked} if known.get(name) != asked.get(name)]
    shared = [name for name in names if name in known and name in asked]
    return ", ".join(
        f"{name} {_told(known, name)} (asked for now: {_told(asked, name)})"
        for name in shared or names
    )


def _told(settings: Mapping[str, Any], name: str) -> str:
    return _in_words(settings[name]) if name in settings else "no such setting"


def _in_words(value: object) -> str:
    """Return the value of a setting, as JSON has it, in words."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, Mapping):
        return _listed(f"{name} {_in_words(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return _listed(map(_in_words, value))
    return str(value)


def _listed(words: Iterable[str]) -> str:
    return " and ".join(words) or "none"
