"""COCO: one JSON of objects for each split, as run lengths or as polygons."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.labels.class_names import COCO_NAMES, COCO_OFFICIAL_IDS
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.polygons import Segment, fill_polygons, trace_polygons
from napari_sepl.core.masks.rle import write_rle
from napari_sepl.files.atomic import Content
from napari_sepl.files.exports.base import (
    OBJECTS,
    POLYGONS,
    Encoded,
    ExportFormat,
    ExportSettings,
    Labelled,
    Listing,
    find_objects,
)

_NUMBERED = re.compile(r"(?:COCO_\w+_)?([0-9]{1,15})")
"""COCO's own names of images, which are the images' numbers."""


def category_ids(classes: ClassList) -> dict[int, int]:
    """Return the category of each class: COCO's own numbers where all classes are COCO's."""
    official = dict(zip(COCO_NAMES, COCO_OFFICIAL_IDS, strict=True))
    ours = (
        classes.title.split()[0] in ("coco", "coco-official")
        and set(classes.names[1:]) <= official.keys()
    )
    return {
        class_id: official[name] if ours else class_id
        for class_id, name in zip(classes.ids, classes.names, strict=True)
        if class_id
    }


class Coco(ExportFormat):
    """``annotations/instances_train.json``, and ``…_val.json``; images in ``train`` and ``val``.

    Background and ignore pixels belong to no object.

    Parameters
    ----------
    polygons : bool
        Whether objects are polygons. Otherwise they are compressed run lengths, pixel for pixel.
    """

    def __init__(self, *, polygons: bool) -> None:
        self.name, self.options = ("coco-polygons", POLYGONS) if polygons else ("coco", OBJECTS)
        self._polygons = polygons

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the sample's objects as the entry, and no file."""
        categories = category_ids(sample.classes)
        height, width = sample.labels.shape
        drawn = np.zeros_like(sample.labels) if self._polygons else None
        objects = []
        for segment in find_objects(sample, settings):
            if drawn is None:
                segmentation: Any = write_rle(*segment.runs((height, width)), (height, width))
            else:
                segmentation = _trace(segment, settings, drawn)
            top, left, bottom, right = segment.box
            objects.append({
                "category_id": categories[segment.class_id],
                "segmentation": segmentation,
                "area": segment.area,
                "bbox": [left, top, right - left, bottom - top],
                "iscrowd": 0,
            })  # fmt: skip
        image = {"file_name": sample.image_name, "height": height, "width": width}
        place = f"{sample.split}/{sample.image_name}"
        return Encoded({}, place, {"image": image, "objects": objects}, drawn)

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:  # noqa: ARG002
        """Return the JSON of each split."""
        numbers = _number([one for ids in listing.splits.values() for one in ids])

        return {
            f"annotations/instances_{split}.json": partial(_write, listing, ids, numbers)
            for split, ids in listing.splits.items()
        }


def _trace(
    segment: Segment, settings: ExportSettings, drawn: NDArray[np.uint8]
) -> list[list[float]]:
    """Return a segment's polygons, x and y alternating, and draw them as pycocotools does."""
    rings = trace_polygons(segment.region, settings.holes, tolerance=settings.tolerance)
    drawn[segment.box.slices][fill_polygons(rings, segment.region.shape)] = segment.class_id
    offset = (segment.box.top, segment.box.left)
    return [(ring + offset)[:, ::-1].ravel().tolist() for ring in rings]


def _number(names: list[str]) -> dict[str, int]:
    """Return the images' numbers: COCO's if all names are COCO's, else from 1 on."""
    found = [_NUMBERED.fullmatch(one) for one in names]
    numbers = [int(match[1]) for match in found if match]
    if len(set(numbers)) == len(names):
        return dict(zip(names, numbers, strict=True))
    return {one: number for number, one in enumerate(names, 1)}


def _write(listing: Listing, ids: list[str], numbers: Mapping[str, int]) -> Iterator[bytes]:
    """Yield the JSON in parts, for COCO's annotations may not fit into memory."""
    categories = [
        {"id": number, "name": listing.classes.name(class_id), "supercategory": ""}
        for class_id, number in category_ids(listing.classes).items()
    ]
    info = {"description": f"labels of the class list {listing.classes.title}"}
    yield f'{{"info": {json.dumps(info)}, "licenses": [], "images": ['.encode("ascii")
    yield from _joined(
        {"id": numbers[one], **entry["image"]} for one, entry in listing.entries(ids)
    )
    yield b'], "annotations": ['
    yield from _joined(_annotations(listing, ids, numbers))
    yield f'], "categories": {json.dumps(categories)}}}\n'.encode("ascii")


def _annotations(
    listing: Listing, ids: list[str], numbers: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    number = 0
    for one, entry in listing.entries(ids):
        for fields in entry["objects"]:
            number += 1
            yield {"id": number, "image_id": numbers[one], **fields}


def _joined(records: Iterable[object]) -> Iterator[bytes]:
    comma = ""
    for record in records:
        yield f"{comma}\n{json.dumps(record)}".encode("ascii")
        comma = ","
