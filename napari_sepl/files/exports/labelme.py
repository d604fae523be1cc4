"""labelme: a JSON for each image."""

import base64
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.labels.polygons import Segment
from napari_sepl.files.atomic import Content
from napari_sepl.files.exports.base import (
    OBJECTS,
    POLYGONS,
    Encoded,
    ExportFormat,
    ExportSettings,
    ImageFiles,
    Labelled,
    Listing,
    draw_as_pillow,
    encode_json,
    find_objects,
    text_file,
    trace_outlined,
)

_VERSION = "6.3.1"  # of the labelme whose reader these files were checked with
_IGNORE = "__ignore__"  # labelme's own label of ignored pixels
_BACKGROUND = "_background_"


class Labelme(ExportFormat):
    """``ID.json`` for each sample, and labels.txt as labelme's scripts take it.

    Shapes of one object share a group_id; ignore pixels are shapes of the label ``__ignore__``.

    Parameters
    ----------
    masks : bool
        Whether objects are shapes of the type "mask", which hold pixels exactly, instead of
        polygons.
    """

    needs_image = True  # labelme opens no JSON without an image

    def __init__(self, *, masks: bool) -> None:
        self.name, self.options = ("labelme-masks", OBJECTS) if masks else ("labelme", POLYGONS)
        self._masks = masks

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the JSON."""
        drawn = None if self._masks else np.zeros_like(sample.labels)
        shapes: list[dict[str, Any]] = []
        for group, segment in enumerate(find_objects(sample, settings, ignore=True), 1):
            named = _IGNORE if segment.class_id == IGNORE else sample.classes.name(segment.class_id)
            if drawn is None:
                shapes.append(_shape(named, group, _corners(segment), _png(segment)))
                continue
            for ring in trace_outlined(segment, settings):
                draw_as_pillow(drawn, ring, segment.class_id)
                shapes.append(_shape(named, group, ring.tolist(), None))
        height, width = sample.labels.shape
        here = settings.pictures is not ImageFiles.NO
        content = {
            "version": _VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": sample.image_name if here else sample.image_path,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        files = {f"{sample.name}.json": encode_json(text)}
        return Encoded(files, sample.image_name, drawn=drawn)

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:  # noqa: ARG002
        """Return labels.txt: ``__ignore__``, ``_background_``, and the classes."""
        names = (_IGNORE, _BACKGROUND, *listing.classes.names[1:])
        return {"labels.txt": text_file("".join(f"{name}\n" for name in names))}


def _corners(segment: Segment) -> list[list[float]]:
    """Return the first and the last pixel of a segment's box, (x, y) each."""
    top, left, bottom, right = segment.box
    return [[left, top], [right - 1, bottom - 1]]


def _png(segment: Segment) -> str:
    file = io.BytesIO()
    Image.fromarray(segment.region).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def _shape(label: str, group: int, points: list[list[float]], mask: str | None) -> dict[str, Any]:
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "description": "",
        "shape_type": "polygon" if mask is None else "mask",
        "flags": {},
        "mask": mask,
    }
