"""What an export format is, and what a person can choose about an export."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.analysis.provenance import SoftLabels
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.polygons import Holes, Instances
from napari_sepl.files.atomic import Content
from napari_sepl.files.label_png import Provenance


class Pictures(StrEnum):
    """What becomes of the images."""

    NO = "no"
    """They stay where they are."""
    LINK = "link"
    """A symbolic link to each, where readers of the format look for it."""
    COPY = "copy"
    """A copy of each, byte for byte."""


class Ignore(StrEnum):
    """Which pixels become 255 that are not."""

    FLAGGED = "flagged"
    """All pixels of flagged samples."""
    UNSURE = "unsure"
    """Pixels whose final label is not the pseudo-label, unless a person decided them."""


class ExportSettings(BaseModel):
    """How labels are exported; an export is gone on with only under the same settings.

    Parameters
    ----------
    format : str
        The format's name in `EXPORT_FORMATS`.
    pictures : Pictures
        What becomes of the images.
    folder : str
        VOC: the folder of label PNGs.
    instances : Instances
        Formats that list objects: what counts as one.
    holes : Holes
        Polygons: what becomes of holes.
    tolerance : float
        Polygons: pixels by which they may miss a corner.
    trust : float
        Soft labels: how probable the final label of an unsure pixel is.
    val : float
        Share of the samples that go to the split "val", chosen by their names alone.
    ignore : tuple of Ignore
        Which pixels become 255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field("voc", description="What to write.")
    pictures: Pictures = Field(
        Pictures.NO, description="Link or copy each image to where the format expects it."
    )
    folder: str = Field(
        "SegmentationClass",
        pattern=r"^[^/\\.][^/\\]*$",
        description="Folder of labels; lists for SegmentationClassAug, for example, go to "
        "ImageSets/SegmentationAug.",
    )
    instances: Instances = Field(
        Instances.COMPONENTS,
        description="One object per connected component, or per class.",
    )
    holes: Holes = Field(
        Holes.CUT,
        description=(
            "Polygons have no holes: cut the object into several polygons, or fill the holes. In "
            "yolo each polygon is an object."
        ),
    )
    tolerance: float = Field(
        0,
        ge=0,
        le=100,
        description="Leave out corners within this distance of the simpler outline, in pixels.",
    )
    trust: float = Field(
        0.75,
        ge=0.5,
        le=1,
        description="Probability of the label at unsure pixels; the pseudo-label gets the rest.",
    )
    val: float = Field(
        0,
        ge=0,
        lt=1,
        description="Share of the samples for the split val; the others are train.",
    )
    ignore: tuple[Ignore, ...] = Field(
        (),
        description=(
            "Set to 255 (ignore): all pixels of flagged samples, or unsure pixels, which differ "
            "from the pseudo-label without a person's decision; may be repeated."
        ),
    )


Points = Sequence[Sequence[float]]
"""Corners (x, y)."""


def draw_as_pillow(target: NDArray[np.uint8], points: Points, class_id: int) -> None:
    """Write a class where Pillow draws a polygon, filled and outlined, as labelme does."""
    corners = np.asarray(points)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    place = target[top:bottom, left:right]
    picture = Image.new("L", place.shape[::-1])
    moved = [(x - left, y - top) for x, y in corners.tolist()]
    ImageDraw.Draw(picture).polygon(moved, fill=1, outline=1)
    place[np.asarray(picture) > 0] = class_id


SPLITS = ("train", "val")


@dataclass(frozen=True, eq=False)
class Labelled:
    """One sample on its way out.

    Parameters
    ----------
    name : str
        The name of its files, without ending; `flat_name` of its id.
    labels : (H, W) uint8
        Its labels, mapped to `classes`.
    classes : ClassList
        The classes after the class map.
    split : str
        "train" or "val".
    picture : Path or None
        Its image.
    picture_from : str
        The image as seen from the export's folder.
    soft : SoftLabels or None
        For formats that ask for them.
    provenance : Provenance or None
        How the labels were made, for formats of PNGs.
    """

    name: str
    labels: NDArray[np.uint8]
    classes: ClassList
    split: str = "train"
    picture: Path | None = None
    picture_from: str = ""
    soft: SoftLabels | None = None
    provenance: Provenance | None = None

    @property
    def picture_name(self) -> str:
        """The image's name; where there is none, as PASCAL VOC and COCO would call it."""
        return self.name + (".jpg" if self.picture is None else self.picture.suffix)


def flat_name(sample_id: str) -> str:
    """Return the name of a sample's files in a folder without sub-folders: train__a of train/a."""
    return sample_id.replace("/", "__")


@dataclass(frozen=True, eq=False)
class Encoded:
    """A sample in a format.

    Parameters
    ----------
    files : mapping of str to bytes
        Content by path within the export's folder, with "/".
    picture : str
        Where in the folder the image goes, if it goes there.
    entry : object
        What the files that tell of all samples need of this one, as JSON holds it.
    drawn : (H, W) uint8 or None
        The labels as the format's readers get them; None where it holds them exactly.
    """

    files: Mapping[str, bytes]
    picture: str
    entry: Any = None
    drawn: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """The samples that were exported.

    Parameters
    ----------
    classes : ClassList
        The classes after the class map.
    splits : mapping of str to list of str
        The names of the samples of each split that has any, in order.
    entries : callable
        Reads the entries of samples by name, as (name, entry), one by one.
    """

    classes: ClassList
    splits: Mapping[str, list[str]]
    entries: Callable[[Iterable[str]], Iterator[tuple[str, Any]]] = field(
        default=lambda ids: ((one, None) for one in ids)
    )


class ExportFormat(ABC):
    """One format; it touches no disk. All that is known of it is declared in its own class.

    Parameters
    ----------
    name : str
        What a person calls it.
    options : collection of str
        The fields of `ExportSettings` that it alone, or not every format, has a use for.
    """

    needs_picture = False
    """Whether a sample without an image cannot be written."""
    needs_pseudo = False
    """Whether it asks for soft labels."""

    def __init__(self, name: str, options: Collection[str] = ()) -> None:
        self.name, self.options = name, frozenset(options)

    @abstractmethod
    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the files of one sample; the same sample gives the same bytes."""

    @abstractmethod
    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:
        """Return the files that tell of all samples, by path within the export's folder."""


OBJECTS = ("instances",)
"""The options of a format that lists objects."""

POLYGONS = (*OBJECTS, "holes", "tolerance")
"""Those of one whose objects are polygons."""


def text_file(text: str) -> Content:
    """Return the content of a text file; names of files that are no UTF-8 as the disk has them."""
    return lambda: [text.encode("utf-8", "surrogateescape")]


def encode_json(text: str) -> bytes:
    """Return JSON as bytes; what of a file's name is no UTF-8 becomes JSON's own escapes."""
    return text.encode("utf-8", "backslashreplace")


def split_lists(listing: Listing, folder: str = "") -> dict[str, Content]:
    """Return a text file for each split, one sample a line."""
    return {
        f"{folder}{split}.txt": text_file("".join(f"{one}\n" for one in ids))
        for split, ids in listing.splits.items()
    }
