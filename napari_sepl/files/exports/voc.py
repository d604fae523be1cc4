"""PASCAL VOC: palette PNGs and lists."""

from collections.abc import Mapping
from pathlib import PurePath

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
from napari_sepl.files.label_png import encode_label_png


class Voc(ExportFormat):
    """A folder as VOCdevkit/VOC2012: JPEGImages, SegmentationClass, ImageSets/Segmentation.

    Labels are palette PNGs, index = class, 255 = void; each has its split's list, and
    trainval.txt has all. torchvision's VOCSegmentation reads it from two folders above. With
    another folder of labels, SegmentationClassAug say, the lists are in ImageSets/SegmentationAug,
    so that an export stands beside VOC's own labels and lists.
    """

    def __init__(self) -> None:
        super().__init__("voc", ("folder",))

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the label PNG."""
        name = f"{settings.folder}/{sample.name}.png"
        ending = PurePath(sample.picture_name).suffix
        # readers look for .jpg alone; what is no JPEG keeps its ending, for it stays what it is
        ending = ".jpg" if ending.lower() in (".jpg", ".jpeg") else ending
        return Encoded(
            {name: encode_label_png(sample.labels, sample.classes, sample.provenance)},
            f"JPEGImages/{sample.name}{ending}",
        )

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:
        """Return the lists of samples, and the class list."""
        folder = f"ImageSets/{settings.folder.replace('Class', '', 1) or settings.folder}/"
        lists = split_lists(listing, folder)
        all_ids = sorted(one for ids in listing.splits.values() for one in ids)
        together = split_lists(Listing(listing.classes, {"trainval": all_ids}), folder)
        return lists | together | {"classes.toml": lambda: [encode_class_list(listing.classes)]}
