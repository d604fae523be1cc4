"""What a person can choose about an export: once for command line, window and manifest."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.polygons import Holes, Instances


class FormatName(StrEnum):
    """The formats."""

    VOC = "voc"
    PNG = "png"
    NPY = "npy"
    COCO = "coco"
    COCO_POLYGONS = "coco-polygons"
    YOLO = "yolo"
    LABELME = "labelme"
    LABELME_MASKS = "labelme-masks"
    SOFT = "soft"


class Pictures(StrEnum):
    """What becomes of the pictures."""

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
    format : FormatName
        The format.
    pictures : Pictures
        What becomes of the pictures.
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

    format: FormatName = Field(FormatName.VOC, description="What to write.")
    pictures: Pictures = Field(
        Pictures.NO, description="Put a link to each picture, or a copy, where the format has it."
    )
    folder: str = Field(
        "SegmentationClass",
        pattern=r"^[^/\\.][^/\\]*$",
        description="voc: name of the folder of labels, SegmentationClassAug say.",
    )
    instances: Instances = Field(
        Instances.COMPONENTS,
        description="coco, yolo, labelme: an object for each connected component, or each class.",
    )
    holes: Holes = Field(
        Holes.CUT,
        description=(
            "Polygons have no holes: cut through them into more polygons, or fill them. (One line "
            "of yolo is one object, so there a cut makes more objects.)"
        ),
    )
    tolerance: float = Field(
        0,
        ge=0,
        le=100,
        description="Polygons: leave out corners that lines miss by no more than so many pixels.",
    )
    trust: float = Field(
        0.75,
        ge=0.5,
        le=1,
        description=(
            "soft: probability of the label where it differs from the pseudo-label and no person "
            "decided; the pseudo-label has the rest."
        ),
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
            "Make 255 (ignore): all of flagged samples, or unsure pixels, which differ from the "
            "pseudo-labels and were decided by no person; may be repeated."
        ),
    )
