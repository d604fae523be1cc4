"""Class lists: which label means what, and in which colour it is drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError
from napari_sepl.core.metrics import count_labels
from napari_sepl.core.overlap import IGNORE

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
    palette.flags.writeable = False  # one array for all who ask
    return palette


@dataclass(frozen=True)
class ClassList:
    """The classes of a dataset.

    Parameters
    ----------
    title : str
        What the list is called: "voc", "coco" or the file it came from.
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
        """Raise InputError naming `source` if `labels` holds a label outside the list."""
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
