"""Classes that masks bring along, as SAM 3, Grounded-SAM or COCO name one for each mask."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import on_one_line

NAME_KEYS = ("class_name", "category_name", "class", "category", "label", "phrase")
"""Where records hold a mask's class; the first that is there counts."""

SCORE_KEYS = ("score", "class_score", "confidence", "logit")
_LONGEST = 100
_MOST = 1e30
"""Beyond, a number is no score; it must fit into float32."""


@dataclass(frozen=True, eq=False)
class BroughtClasses:
    """The class that each mask of an image brings.

    Parameters
    ----------
    names : tuple of str
        The classes by their names in the file, as many as masks; empty for a mask without one.
    scores : (N,) float32
        How sure the class is; NaN where that is not known.
    labels : (N,) uint8, optional
        The label that each mask is selected for, 0 for none; None where classes are only shown.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float32]
    labels: NDArray[np.uint8] | None = None

    @classmethod
    def from_records(
        cls, records: Sequence[Any], categories: Mapping[int, str] | None = None
    ) -> "BroughtClasses | None":
        """Read classes from the records of masks; None if none has one.

        Parameters
        ----------
        records : sequence
            Mappings with a class by name under one of `NAME_KEYS` or by number under
            "category_id", and its score under one of `SCORE_KEYS`.
        categories : mapping of int to str, optional
            The names of the numbers; a number without one stands for the label.
        """
        if set(map(type, records)) == {dict} and _KEYS.isdisjoint(chain.from_iterable(records)):
            return None  # nearly all files
        names = tuple(_name(one, categories or {}) for one in records)
        if not any(names):
            return None
        return cls(names, np.array([_score(one) for one in records], np.float32))

    def labelled(self, label_of: Callable[[str], int | None]) -> tuple["BroughtClasses", list[str]]:
        """Return the classes with their labels, and the names that have none.

        Parameters
        ----------
        label_of : callable
            Returns the label of a name, 0 for background; None if there is none.
        """
        found = [label_of(name) if name else None for name in self.names]
        named = zip(self.names, found, strict=True)
        unknown = {name: None for name, label in named if name and label is None}
        given = np.array([label or 0 for label in found], np.uint8)
        return replace(self, labels=given), list(unknown)

    def equals(self, other: "BroughtClasses | None") -> bool:
        """Return whether names and scores are the same."""
        return (
            other is not None
            and self.names == other.names
            and np.array_equal(self.scores, other.scores, equal_nan=True)
        )

    def text(self, index: int) -> str:
        """Return the class and the score of a mask for people; empty without a class."""
        name, score = self.names[index], float(self.scores[index])
        return name if math.isnan(score) or not name else f"{name} {score:.2f}"


_KEYS = {*NAME_KEYS, "category_id"}


def _name(record: Any, categories: Mapping[int, str]) -> str:
    if not isinstance(record, Mapping):
        return ""
    for key in NAME_KEYS:
        name = _first(record.get(key))
        if isinstance(name, str) and name.strip():
            return on_one_line(name)[:_LONGEST]
    number = record.get("category_id")
    return categories.get(number, str(number)) if type(number) is int else ""


def _score(record: Any) -> float:
    for key in SCORE_KEYS:
        value: Any = _first(record.get(key)) if isinstance(record, Mapping) else None
        if isinstance(value, int | float) and value is not True and abs(value) <= _MOST:
            return float(value)
    return math.nan


def _first(value: Any) -> Any:
    """Return the only element of a list or an array; other values as they are."""
    if isinstance(value, np.ndarray):
        return value.reshape(-1)[0].item() if value.size == 1 else value
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def joined(
    one: BroughtClasses | None, count: int, other: BroughtClasses | None, more: int
) -> BroughtClasses | None:
    """Return the classes of `count` masks and of `more` masks after them."""
    if one is None and other is None:
        return None
    first, second = one or _none(count), other or _none(more)
    labels = None
    if first.labels is not None or second.labels is not None:
        labels = np.concatenate([
            np.zeros(len(part.names), np.uint8) if part.labels is None else part.labels
            for part in (first, second)
        ])  # fmt: skip
    return BroughtClasses(
        first.names + second.names, np.concatenate([first.scores, second.scores]), labels
    )


def _none(count: int) -> BroughtClasses:
    return BroughtClasses(("",) * count, np.full(count, np.nan, np.float32))
