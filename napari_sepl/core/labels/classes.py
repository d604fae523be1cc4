"""Class lists, and class maps, which rename, merge and drop classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.class_names import (
    ADE20K_NAMES,
    CITYSCAPES,
    CITYSCAPES_TRAINED,
    COCO_NAMES,
    COCO_OFFICIAL_IDS,
    VOC_NAMES,
)
from napari_sepl.core.labels.pixels import IGNORE, count_labels

Colour = tuple[int, int, int]


@cache
def voc_palette() -> NDArray[np.uint8]:
    """Return the (256, 3) uint8 colours of the PASCAL VOC label files.

    Each channel gathers every third bit of the label, the lowest bit becoming the brightest.
    Source: the colour map of the PASCAL VOC development kit.
    """
    palette = np.zeros((256, 3), np.uint8)
    for label in range(256):
        for bit in range(8):
            palette[label, bit % 3] |= (label >> bit & 1) << (7 - bit // 3)
    palette.flags.writeable = False  # the array is cached
    return palette


_EITHER, _TRAINED = "cityscapes", "cityscapes-trainids"
_ONE_HIGHER = np.minimum(np.arange(1, 257), IGNORE).astype(np.uint8)

IGNORE_COLOUR: Colour = (224, 224, 192)
"""PASCAL VOC's colour of ignore pixels."""


@dataclass(frozen=True)
class ClassList:
    """The classes of a dataset.

    Parameters
    ----------
    title : str
        Name of the list: that of a built-in one, or its file.
    names : tuple of str
        Names of the classes; the first is the background.
    colours : tuple of (red, green, blue)
        Colours of the classes, 0..255.
    ids : tuple of int
        Labels of the classes, ascending: 0 for the background, the others 1..254, gaps allowed.
        By default 0, 1, 2, ...
    from_0 : bool
        Whether label files count the classes from 0, without a background, as trainIds do. Such
        files are read one higher; everything else uses `ids`.
    ignore_colour : (red, green, blue)
        Colour of ignore pixels.
    """

    title: str
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    ids: tuple[int, ...] = field(default=())
    from_0: bool = False
    ignore_colour: Colour = IGNORE_COLOUR

    def __post_init__(self) -> None:
        if not 2 <= len(self.names) <= IGNORE:
            raise InputError(
                f"class list {self.title}",
                found=f"{len(self.names)} names",
                expected="2 to 255 names, the background first",
            )
        ids = self.ids or tuple(range(len(self.names)))
        if len(ids) != len(self.names) or ids[0] or list(ids) != sorted({*ids} - {IGNORE}):
            raise InputError(
                f"class list {self.title}",
                found=f"the ids {', '.join(map(str, ids[:12]))}",
                expected="0 for the background, then 1 to 254, each once, ascending",
            )
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """The highest label and 1: the length of arrays that labels index."""
        return self.ids[-1] + 1

    @property
    def has_gaps(self) -> bool:
        """Whether a label below the highest is of no class."""
        return self.size > len(self)

    @cached_property
    def positions(self) -> Mapping[int, int]:
        """The position of each label in the list."""
        return {class_id: position for position, class_id in enumerate(self.ids)}

    def name(self, class_id: int) -> str:
        """Return the name of a label, also of 255 and of labels outside the list."""
        if class_id == IGNORE:
            return "ignore"
        position = self.positions.get(int(class_id))
        return f"class {class_id}" if position is None else self.names[position]

    def palette(self) -> NDArray[np.uint8]:
        """Return (256, 3) uint8: the list's colours, and VOC's for labels beyond it."""
        palette = voc_palette().copy()
        palette[list(self.ids)] = self.colours
        palette[IGNORE] = self.ignore_colour
        return palette

    def check(self, labels: NDArray[np.uint8], source: object) -> None:
        """Raise InputError naming `source` if a label is outside the list."""
        self.check_ids(np.flatnonzero(count_labels(labels)), source)

    def check_ids(self, class_ids: Iterable[int], source: object) -> None:
        """Raise InputError naming `source` if any of `class_ids` is outside the list.

        The message names a built-in list that has them all, if there is one.
        """
        found = [int(label) for label in class_ids if label != IGNORE]
        outside = [label for label in found if label not in self.positions]
        if outside:
            raise InputError(
                source,
                found=f"label{'s' * (len(outside) > 1)} {', '.join(map(str, outside[:8]))}",
                expected=f"{self.told_ids} of the class list {self.title}, or 255 for ignore; "
                f"{_advice(self, found)}",
            )

    def renumbered(self, labels: NDArray[np.uint8], source: object) -> NDArray[np.uint8]:
        """Return the labels of a file that people bring in the numbers of this list.

        Raises
        ------
        InputError
            Naming `source`, if they may be trainIds of Cityscapes and the list leaves it open; or
            if the list counts from 0 and a label is outside it.
        """
        if self.title != _EITHER and not self.from_0:
            return labels
        present = np.flatnonzero(count_labels(labels)).tolist()
        highest = max((label for label in present if label != IGNORE), default=0)
        if self.title == _EITHER and IGNORE in present and highest < len(CITYSCAPES_TRAINED):
            raise InputError(
                source,
                found=f"labels 0 to {highest} and 255, as trainIds are, in which 0 is road",
                expected=f"--classes {_TRAINED}, or {_EITHER}-labelids if 0 is unlabeled",
            )
        if not self.from_0:
            return labels
        if highest + 1 >= self.size:
            raise InputError(
                source,
                found=f"the label {highest}",
                expected=f"0 to {self.size - 2} of the class list {self.title}, or 255 for ignore",
            )
        return _ONE_HIGHER[labels]

    def labels_of(self, count: int) -> tuple[int, ...] | None:
        """Return the label of each of `count` things that are in the order of the classes.

        They may have the background in front or not, and one for each number in a gap or none.
        None if the count fits in no way, or in two.
        """
        whole = tuple(range(self.size))
        ways = {way for way in (self.ids, self.ids[1:], whole, whole[1:]) if len(way) == count}
        return ways.pop() if len(ways) == 1 else None

    @property
    def told_ids(self) -> str:
        """The labels in words."""
        return f"0 to {self.ids[-1]}{' (with gaps)' * self.has_gaps}"


def _advice(given: ClassList, labels: Sequence[int]) -> str:
    """Return which list to name instead of a built-in one: the nearest that has the labels."""
    fitting = [one for one in BUILT_IN.values() if one.positions.keys() >= set(labels)]
    if given.title not in BUILT_IN or not fitting:
        return "name another list by --classes"
    return f"--classes {nearest_list(given, fitting).title} has them, or name another list"


def nearest_list(given: "ClassList", fitting: Sequence["ClassList"]) -> "ClassList":
    """Return the list that is meant most likely: of the same family, else the shortest but road's.

    Cityscapes' lists fit many numbers, and hardly anybody has them by mistake.
    """
    family = given.title.partition("-")[0]
    return min(
        fitting,
        key=lambda one: (
            one.title.partition("-")[0] != family, one.title.startswith(_EITHER), one.size,
        ),
    )  # fmt: skip


def _with_voc_colours(title: str, names: tuple[str, ...], ids: tuple[int, ...] = ()) -> ClassList:
    palette = voc_palette()[list(ids or range(len(names)))].tolist()
    return ClassList(title, names, tuple((r, g, b) for r, g, b in palette), ids)


def _of_cityscapes(title: str) -> ClassList:
    colours = tuple(_unpacked(colour) for _, colour in CITYSCAPES)
    return ClassList(title, tuple(name for name, _ in CITYSCAPES), colours)


def _of_cityscapes_trained(title: str) -> ClassList:
    chosen = [CITYSCAPES[0], *(CITYSCAPES[label] for label in CITYSCAPES_TRAINED)]
    names = ("background", *(name for name, _ in chosen[1:]))
    return ClassList(title, names, tuple(_unpacked(one) for _, one in chosen), from_0=True)


def _unpacked(colour: int) -> Colour:
    return colour >> 16, colour >> 8 & 255, colour & 255


VOC = _with_voc_colours("voc", VOC_NAMES)
COCO = _with_voc_colours("coco", COCO_NAMES)
BUILT_IN = {
    one.title: one
    for one in (
        VOC,
        COCO,
        _with_voc_colours("coco-official", COCO_NAMES, COCO_OFFICIAL_IDS),
        _of_cityscapes(_EITHER),
        _of_cityscapes(f"{_EITHER}-labelids"),
        _of_cityscapes_trained(_TRAINED),
        _with_voc_colours("ade20k", ADE20K_NAMES),
    )
}
"""The built-in class lists by name."""


ClassKey = str | int
"""A class, given by its name or by its label."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """The new label of each label, and the new class list.

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
        merge: Mapping[str, Sequence[ClassKey]] | None = None,
        to_background: Sequence[ClassKey] = (),
        to_ignore: Sequence[ClassKey] = (),
    ) -> "ClassMap":
        """Return a map that renames, merges and drops classes.

        Classes keep their order, a merged class takes the place of its lowest label, and labels are
        renumbered without gaps. A class that is merged under the name of another one joins it.

        Parameters
        ----------
        classes : ClassList
            The classes now.
        source : object
            Named in errors, and in the title of the new list.
        rename : mapping of str to str
            Class to its new name.
        merge : mapping of str to sequence
            New name to the classes that become one.
        to_background, to_ignore : sequence
            Classes whose pixels become background, 0, or ignore, 255.

        Raises
        ------
        InputError
            If a class is unknown, the background, or given twice, two new names are equal, or no
            class is left.
        """
        reader = _Reader(classes, source)
        dropped = dict.fromkeys(reader.find(to_background), 0)
        dropped |= dict.fromkeys(reader.find(to_ignore), IGNORE)
        names = dict(zip(classes.ids, classes.names, strict=True))
        for name, members in (merge or {}).items():
            names |= dict.fromkeys(reader.find(members), name)
        for old, name in (rename or {}).items():
            (class_id,) = reader.find([old])
            if name in (*classes.names, *(merge or {})):
                raise InputError(
                    source, found=f"{old!r} renamed to {name!r}, which exists already",
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
        cls, classes: ClassList, source: object, names: dict[int, str], dropped: dict[int, int]
    ) -> "ClassMap":
        table = np.full(256, IGNORE, np.uint8)
        kept: dict[str, int] = {}  # new name to the old label with its colour
        for class_id, name in names.items():
            if class_id in dropped:
                table[class_id] = dropped[class_id]
            else:
                kept.setdefault(name, class_id)
                table[class_id] = list(kept).index(name)
        colours = tuple(classes.colours[classes.positions[one]] for one in kept.values())
        title = f"{classes.title} by {getattr(source, 'name', source)}"
        return cls(ClassList(title, tuple(kept), colours), table)

    def apply(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a label map with the new labels."""
        mapped: NDArray[np.uint8] = self.table[labels]
        return mapped


class _Reader:
    """Finds the labels of classes, each of them once."""

    def __init__(self, classes: ClassList, source: object) -> None:
        self._classes = classes
        self._source = source
        self._used: set[int] = set()

    def find(self, keys: Sequence[ClassKey]) -> list[int]:
        found = [find_class(self._classes, key, self._source) for key in keys]
        for class_id in found:
            name = self._classes.name(class_id)
            if class_id == 0:
                raise InputError(
                    self._source, found=f"the background, {name!r}", expected="classes above 0"
                )
            if class_id in self._used:
                raise InputError(self._source, found=f"{name!r} twice", expected="each class once")
            self._used.add(class_id)
        return found


def find_class(classes: ClassList, key: ClassKey, source: object) -> int:
    """Return the label of a class, given by its name or by its label.

    Raises
    ------
    InputError
        Naming `source`, if there is none.
    """
    if isinstance(key, str) and key in classes.names:
        return classes.ids[classes.names.index(key)]
    if isinstance(key, int) and not isinstance(key, bool) and key in classes.positions:
        return key
    raise InputError(
        source,
        found=f"the class {key!r}",
        expected=f"a name or a label of the class list {classes.title}: {_list_names(classes)}",
    )


def _list_names(classes: ClassList) -> str:
    shown = ", ".join(classes.names[:8])
    return f"{shown}, … ({len(classes)} in all)" if len(classes) > 8 else shown
