"""Class lists, and class maps, which rename, merge and drop classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE, count_labels

Colour = tuple[int, int, int]

VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
    "train", "tv monitor",
)  # fmt: skip

COCO_NAMES = (
    "background", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck",
    "boat", "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


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


@dataclass(frozen=True)
class ClassList:
    """The classes of a dataset.

    Parameters
    ----------
    title : str
        Name of the list: "voc", "coco" or its file.
    names : tuple of str
        Name of each label; position 0 is the background.
    colours : tuple of (red, green, blue)
        Colour of each label, 0..255.
    """

    title: str
    names: tuple[str, ...]
    colours: tuple[Colour, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.names) <= IGNORE:
            raise InputError(
                f"class list {self.title}",
                found=f"{len(self.names)} names",
                expected="2 to 255 names, the background first",
            )

    def __len__(self) -> int:
        return len(self.names)

    def name(self, class_id: int) -> str:
        """Return the name of a label, also of 255 and of labels outside the list."""
        if class_id == IGNORE:
            return "ignore"
        return self.names[class_id] if class_id < len(self.names) else f"class {class_id}"

    def palette(self) -> NDArray[np.uint8]:
        """Return (256, 3) uint8: the list's colours, and VOC's for labels beyond it."""
        palette = voc_palette().copy()
        palette[: len(self.colours)] = self.colours
        return palette

    def check(self, labels: NDArray[np.uint8], source: object) -> None:
        """Raise InputError naming `source` if a label is outside the list."""
        self.check_ids(np.flatnonzero(count_labels(labels)), source)

    def check_ids(self, class_ids: Iterable[int], source: object) -> None:
        """Raise InputError naming `source` if any of `class_ids` is outside the list."""
        outside = [int(label) for label in class_ids if label >= len(self) and label != IGNORE]
        if outside:
            raise InputError(
                source,
                found=f"label{'s' * (len(outside) > 1)} {', '.join(map(str, outside[:8]))}",
                expected=f"0 to {len(self) - 1} of the class list {self.title}, or 255 for ignore; "
                "name another list by --classes",
            )


def _with_voc_colours(title: str, names: tuple[str, ...]) -> ClassList:
    colours = tuple((int(r), int(g), int(b)) for r, g, b in voc_palette()[: len(names)])
    return ClassList(title, names, colours)


VOC = _with_voc_colours("voc", VOC_NAMES)
COCO = _with_voc_colours("coco", COCO_NAMES)
BUILT_IN = {"voc": VOC, "coco": COCO}


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
        names = list(classes.names)
        for name, members in (merge or {}).items():
            for class_id in reader.find(members):
                names[class_id] = name
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
        cls, classes: ClassList, source: object, names: list[str], dropped: dict[int, int]
    ) -> "ClassMap":
        table = np.full(256, IGNORE, np.uint8)
        kept: dict[str, int] = {}  # new name to the old label with its colour
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
        return classes.names.index(key)
    if isinstance(key, int) and not isinstance(key, bool) and 0 <= key < len(classes):
        return key
    raise InputError(
        source,
        found=f"the class {key!r}",
        expected=f"a name or a label of the class list {classes.title}: {_list_names(classes)}",
    )


def _list_names(classes: ClassList) -> str:
    shown = ", ".join(classes.names[:8])
    return f"{shown}, … ({len(classes)} in all)" if len(classes) > 8 else shown
