"""Formats with a label map for each sample: PASCAL VOC, grey index PNGs and arrays of numpy."""

import io
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import PurePath

import numpy as np
from PIL import Image

from napari_sepl.files.atomic import Content
from napari_sepl.files.class_lists import encode_class_list
from napari_sepl.files.exports.base import (
    Encoded,
    ExportFormat,
    ExportSettings,
    Labelled,
    Listing,
    split_lists,
)
from napari_sepl.files.label_png import encode_label_png, provenance_text


def class_file(listing: Listing) -> dict[str, Content]:
    """Return the class list, as `read_class_list` reads it."""
    return {"classes.toml": lambda: [encode_class_list(listing.classes)]}


class Voc(ExportFormat):
    """A folder as VOCdevkit/VOC2012: JPEGImages, SegmentationClass, ImageSets/Segmentation.

    Labels are palette PNGs, index = class, 255 = ignore; each has its split's list, and
    trainval.txt has all. torchvision's VOCSegmentation reads it from two folders above. With
    another folder of labels, such as SegmentationClassAug, the lists are in
    ImageSets/SegmentationAug, so that an export can stand beside VOC's own labels and lists.
    """

    name, options = "voc", ("folder",)

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the label PNG."""
        name = f"{settings.folder}/{sample.name}.png"
        ending = PurePath(sample.image_name).suffix
        # readers look for .jpg alone; other formats keep their ending
        ending = ".jpg" if ending.lower() in (".jpg", ".jpeg") else ending
        return Encoded(
            {name: encode_label_png(sample.labels, sample.classes, sample.provenance)},
            f"JPEGImages/{sample.name}{ending}",
        )

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:
        """Return the lists of samples, and the class list."""
        folder = f"ImageSets/{settings.folder.replace('Class', '', 1) or settings.folder}/"
        all_ids = sorted(one for ids in listing.splits.values() for one in ids)
        trainval = Listing(listing.classes, {"trainval": all_ids})
        return split_lists(listing, folder) | split_lists(trainval, folder) | class_file(listing)


class _Plain(ExportFormat):
    """A label file for each sample in labels/, images in images/, lists and the class list."""

    ending: str

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:  # noqa: ARG002
        """Return the label file."""
        file = io.BytesIO()
        self.save(file, sample)
        files = {f"labels/{sample.name}{self.ending}": file.getvalue()}
        return Encoded(files, f"images/{sample.image_name}")

    @abstractmethod
    def save(self, file: io.BytesIO, sample: Labelled) -> None:
        """Write the label file."""

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:  # noqa: ARG002
        """Return a list of samples for each split, and the class list."""
        return split_lists(listing) | class_file(listing)


class IndexPng(_Plain):
    """A PNG of mode L for each sample: grey value = class."""

    name, ending = "png", ".png"

    def save(self, file: io.BytesIO, sample: Labelled) -> None:
        """Write the PNG."""
        text = provenance_text(sample.provenance)
        Image.fromarray(sample.labels).save(file, "PNG", pnginfo=text)


class Npy(_Plain):
    """A .npy for each sample: (H, W) uint8."""

    name, ending = "npy", ".npy"

    def save(self, file: io.BytesIO, sample: Labelled) -> None:
        """Write the array."""
        np.save(file, np.ascontiguousarray(sample.labels), allow_pickle=False)


class SoftNpz(_Plain):
    """A .npz for each sample: labels, class_ids, and a probability of each class at each pixel.

    ``class_ids`` (C,) uint8, ``probabilities`` (C, H, W) float16, ``labels`` (H, W) uint8; see
    `napari_sepl.core.analysis.provenance.soften` for what the probabilities are.
    """

    name, ending, options = "soft", ".npz", ("trust",)
    needs_pseudo = True

    def save(self, file: io.BytesIO, sample: Labelled) -> None:
        """Write the archive."""
        if sample.soft is None:
            raise ValueError(f"{sample.name}: soft labels are missing")
        np.savez_compressed(
            file,
            labels=sample.labels,
            class_ids=sample.soft.class_ids,
            probabilities=sample.soft.probabilities,
        )
