"""Differences between the settings of a folder and those of a run, in words."""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

_LONG = 8
"""Of two lists with more entries in sum only the first difference is told."""


def describe_differences(known: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return the settings that differ, in words; empty if none does.

    Of nested settings only those that differ are named, of long lists the first entry that does.
    Settings of one side alone are named only if all shared ones are equal: masks of regions have
    none of SAM's settings, and the name of the model suffices.
    """
    names = [name for name in {**known, **asked} if known.get(name) != asked.get(name)]
    shared = [name for name in names if name in known and name in asked]
    return ", ".join(_difference(name, known, asked) for name in shared or names)


def _difference(name: str, known: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    before, now = known.get(name), asked.get(name)
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return f"{name} {describe_differences(before, now)}"
    if isinstance(before, list) and isinstance(now, list) and len(before + now) > _LONG:
        entries = enumerate(zip_longest(before, now))
        place, (one, other) = next(entry for entry in entries if entry[1][0] != entry[1][1])
        return f"{name}, position {place}: {_in_words(one)} (now {_in_words(other)})"
    one, other = (_in_words(given.get(name, "no such setting")) for given in (known, asked))
    return f"{name} {one} (now {other})"


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
