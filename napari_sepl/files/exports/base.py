"""The base of export formats, and the settings of an export."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
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
from napari_sepl.core.labels.polygons import (
    INSET,
    Holes,
    Instances,
    Segment,
    find_segments,
    trace_polygons,
)
from napari_sepl.files.atomic import Content
from napari_sepl.files.dataset.names import list_line
from napari_sepl.files.label_png import Provenance


class ImageFiles(StrEnum):
    """How an export handles the image files."""

    NO = "no"
    """It leaves them where they are."""
    LINK = "link"
    """It links each to where readers of the format look for it."""
    COPY = "copy"
    """It copies each, byte for byte."""


class Ignore(StrEnum):
    """Pixels that become 255 (ignore)."""

    FLAGGED = "flagged"
    """All pixels of flagged samples."""
    UNSURE = "unsure"
    """Pixels whose label is not the pseudo-label, unless a person decided them."""


class ExportSettings(BaseModel):
    """The settings of an export; it resumes only with the same ones.

    Parameters
    ----------
    format : str
        The format's name in `EXPORT_FORMATS`.
    pictures : ImageFiles
        Whether images stay, or are linked or copied.
    folder : str
        VOC: the folder of label PNGs.
    instances : Instances
        Formats that list objects: the definition of one.
    holes : Holes
        Polygons: the way to write holes.
    tolerance : float
        Polygons: pixels by which they may miss a corner.
    trust : float
        Soft labels: the probability of an unsure pixel's label.
    val : float
        Share of the samples in the split "val", chosen by their names alone.
    ignore : tuple of Ignore
        Pixels that become 255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field("voc", description="What to write.")
    pictures: ImageFiles = Field(
        ImageFiles.NO, description="Link or copy each image to where the format expects it."
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


def draw_as_pillow(target: NDArray[np.uint8], corners: NDArray[np.float64], class_id: int) -> None:
    """Write a class where Pillow draws a polygon, (P, 2) corners (x, y), filled and outlined."""
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
    place = target[top:bottom, left:right]
    image = Image.new("L", place.shape[::-1])
    moved = [(x - left, y - top) for x, y in corners.tolist()]
    ImageDraw.Draw(image).polygon(moved, fill=1, outline=1)
    place[np.asarray(image) > 0] = class_id


def find_objects(
    sample: "Labelled", settings: ExportSettings, *, ignore: bool = False
) -> list[Segment]:
    """Return the objects of a sample, the largest first: readers paint later ones on top."""
    segments = find_segments(sample.labels, settings.instances, ignore=ignore)
    return sorted(segments, key=lambda one: -one.area)


def trace_outlined(segment: Segment, settings: ExportSettings) -> list[NDArray[np.float64]]:
    """Return the corners (x, y) of an object's polygons, for readers that fill and outline them."""
    rings = trace_polygons(
        segment.region, settings.holes, inset=INSET, tolerance=settings.tolerance
    )
    corner = segment.box.top, segment.box.left
    return [(ring + corner)[:, ::-1] for ring in rings]


SPLITS = ("train", "val")


@dataclass(frozen=True, eq=False)
class Labelled:
    """One sample to export.

    Parameters
    ----------
    name : str
        The name of its files, without ending; `flat_name` of its id.
    labels : (H, W) uint8
        Its labels, of `classes`.
    classes : ClassList
        The classes after the class map.
    split : str
        "train" or "val".
    image : Path or None
        Its image.
    image_path : str
        The image's path relative to the export's folder.
    soft : SoftLabels or None
        Soft labels, for formats that need them.
    provenance : Provenance or None
        How the labels were made, for formats of PNGs.
    """

    name: str
    labels: NDArray[np.uint8]
    classes: ClassList
    split: str = "train"
    image: Path | None = None
    image_path: str = ""
    soft: SoftLabels | None = None
    provenance: Provenance | None = None

    @property
    def image_name(self) -> str:
        """The image's name; without an image, as PASCAL VOC and COCO would name it."""
        return self.name + (".jpg" if self.image is None else self.image.suffix)


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
    image : str
        The image's path within the folder, if it is linked or copied.
    entry : object
        The part of this sample in `ExportFormat.whole`, as JSON holds it.
    drawn : (H, W) uint8 or None
        The labels as the format's readers get them; None if it holds them exactly.
    """

    files: Mapping[str, bytes]
    image: str
    entry: Any = None
    drawn: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """The exported samples.

    Parameters
    ----------
    classes : ClassList
        The classes after the class map.
    splits : mapping of str to list of str
        The names of the samples of each split that has any, in order.
    entries : callable
        Returns an iterator over (name, entry) of samples by name.
    """

    classes: ClassList
    splits: Mapping[str, list[str]]
    entries: Callable[[Iterable[str]], Iterator[tuple[str, Any]]] = field(
        default=lambda ids: ((one, None) for one in ids)
    )


class ExportFormat(ABC):
    """One format, which reads and writes no files itself."""

    name: str
    """Its name on the command line and in the window."""
    options: Collection[str] = ()
    """The fields of `ExportSettings` that it uses and some other format does not."""
    needs_image = False
    """Whether each sample needs an image."""
    needs_pseudo = False
    """Whether it needs soft labels."""

    @abstractmethod
    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the files of one sample; the same sample gives the same bytes."""

    @abstractmethod
    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:
        """Return the files about all samples, by path within the export's folder."""


OBJECTS = ("instances",)
"""The options of a format that lists objects."""

POLYGONS = (*OBJECTS, "holes", "tolerance")
"""Those of one whose objects are polygons."""


def text_file(text: str) -> Content:
    """Return the content of a text file; file names that are no UTF-8 keep their bytes."""
    return lambda: [text.encode("utf-8", "surrogateescape")]


def encode_json(text: str) -> bytes:
    """Return JSON as bytes; parts of file names that are no UTF-8 become JSON's escapes."""
    return text.encode("utf-8", "backslashreplace")


def split_places(listing: Listing) -> dict[str, str]:
    """Return for both splits one that has samples, the other one for want of its own."""
    there = [split for split in SPLITS if listing.splits.get(split)] or ["train"]
    return {split: split if split in there else there[0] for split in SPLITS}


def split_lists(listing: Listing, folder: str = "") -> dict[str, Content]:
    """Return a text file for each split, one sample per line."""
    return {
        f"{folder}{split}.txt": text_file("".join(f"{list_line(one)}\n" for one in ids))
        for split, ids in listing.splits.items()
    }
