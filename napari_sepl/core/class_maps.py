"""Class maps: classes renamed, merged and dropped on the way out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.core.overlap import IGNORE

Told = str | int
"""A class as a person names it: by its name, or by its label."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """Which label each label becomes, and what the new ones are called.

    Parameters
    ----------
    classes : ClassList
        The classes afterwards.
    table : (256,) uint8
        The new label of each old one; 255 stays 255.
    """

    classes: ClassList
    table: NDArray[np.uint8]

    @classmethod
    def identity(cls, classes: ClassList) -> "ClassMap":
        """Return the map that changes nothing."""
        return cls(classes, np.arange(256, dtype=np.uint8))

    @classmethod
    def of(
        cls,
        classes: ClassList,
        source: object,
        *,
        rename: Mapping[str, str] | None = None,
        merge: Mapping[str, Sequence[Told]] | None = None,
        to_background: Sequence[Told] = (),
        to_ignore: Sequence[Told] = (),
    ) -> "ClassMap":
        """Make a map from what a person wants.

        Classes keep their order, a merged one stands at its lowest label, and labels are
        numbered anew without gaps. A class that is merged under the name of another one joins it.

        Parameters
        ----------
        classes : ClassList
            The classes now.
        source : object
            What to name in an error, and in the new list's title.
        rename : mapping of str to str
            Class to its new name.
        merge : mapping of str to sequence
            New name to the classes that become one.
        to_background, to_ignore : sequence
            Classes whose pixels become background, 0, or ignore, 255.

        Raises
        ------
        InputError
            If a class is unknown, the background, or told of twice, two new names are the same,
            or no class is left.
        """
        reader = _Reader(classes, source)
        dropped = dict.fromkeys(reader.take(to_background), 0)
        dropped |= dict.fromkeys(reader.take(to_ignore), IGNORE)
        names = list(classes.names)
        for name, members in (merge or {}).items():
            for class_id in reader.take(members):
                names[class_id] = name
        for old, name in (rename or {}).items():
            (class_id,) = reader.take([old])
            if name in (*classes.names, *(merge or {})):
                raise InputError(
                    source, found=f"{old!r} renamed to {name!r}, which is there already",
                    expected="another name, or both under merge",
                )  # fmt: skip
            names[class_id] = name
        if len({*(rename or {}).values()}) < len(rename or {}):
            raise InputError(
                source, found="two classes of one new name", expected="both under merge"
            )
        return cls._numbered(classes, source, names, dropped)

    @classmethod
    def _numbered(
        cls, classes: ClassList, source: object, names: list[str], dropped: dict[int, int]
    ) -> "ClassMap":
        table = np.full(256, IGNORE, np.uint8)
        kept: dict[str, int] = {}  # new name to the old label whose colour it has
        for class_id, name in enumerate(names):
            if class_id in dropped:
                table[class_id] = dropped[class_id]
            else:
                kept.setdefault(name, class_id)
                table[class_id] = list(kept).index(name)
        colours = tuple(classes.colours[class_id] for class_id in kept.values())
        title = f"{classes.title} by {getattr(source, 'name', source)}"
        return cls(ClassList(title, tuple(kept), colours), table)

    def apply(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a label map with the new labels."""
        mapped: NDArray[np.uint8] = self.table[labels]
        return mapped


class _Reader:
    """Turns what a person calls classes into labels, each of them once."""

    def __init__(self, classes: ClassList, source: object) -> None:
        self._classes = classes
        self._source = source
        self._taken: set[int] = set()

    def take(self, told: Sequence[Told]) -> list[int]:
        found = [find_class(self._classes, one, self._source) for one in told]
        for class_id in found:
            name = self._classes.name(class_id)
            if class_id == 0:
                raise InputError(
                    self._source, found=f"the background, {name!r}", expected="classes above 0"
                )
            if class_id in self._taken:
                raise InputError(self._source, found=f"{name!r} twice", expected="each class once")
            self._taken.add(class_id)
        return found


def find_class(classes: ClassList, told: Told, source: object) -> int:
    """Return the label of a class that is told by its name or its label.

    Raises
    ------
    InputError
        Naming `source`, if there is none.
    """
    if isinstance(told, str) and told in classes.names:
        return classes.names.index(told)
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < len(classes):
        return told
    raise InputError(
        source,
        found=f"the class {told!r}",
        expected=f"a name or a label of the class list {classes.title}: {_listed(classes)}",
    )


def _listed(classes: ClassList) -> str:
    shown = ", ".join(classes.names[:8])
    return f"{shown}, … ({len(classes)} in all)" if len(classes) > 8 else shown
