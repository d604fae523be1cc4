"""Differences between the settings of a folder and those of a run, in words."""

from collections.abc import Iterable, Mapping
from typing import Any


def describe_differences(known: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return the settings that differ, in words; empty if none does.

    Settings of one side alone are named only if all shared ones are equal: masks of regions have
    none of SAM's settings, and the name of the model suffices.
    """
    names = [name for name in {**known, **asked} if known.get(name) != asked.get(name)]
    shared = [name for name in names if name in known and name in asked]
    return ", ".join(
        f"{name} {_in_words(known.get(name, _MISSING))} "
        f"(asked for now: {_in_words(asked.get(name, _MISSING))})"
        for name in shared or names
    )


_MISSING = "no such setting"


def _in_words(value: object) -> str:
    """Return a value of JSON in words."""
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
