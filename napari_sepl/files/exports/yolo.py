"""YOLO segmentation as ultralytics reads it: a line of text for each object."""

import json
from collections.abc import Mapping

import numpy as np

from napari_sepl.files.atomic import Content
from napari_sepl.files.exports.base import (
    POLYGONS,
    Encoded,
    ExportFormat,
    ExportSettings,
    Labelled,
    Listing,
    draw_as_pillow,
    find_objects,
    split_places,
    text_file,
    trace_outlined,
)

_DIGITS = 6


class Yolo(ExportFormat):
    """``labels/train/ID.txt``, images in ``images/train``, the same for val, and data.yaml.

    A line is a class, counted from 0 without background, and the corners of one polygon as
    shares x y of width and height. An object of several pieces has several lines. Background and
    ignore are the same.
    """

    name, options = "yolo", POLYGONS

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:
        """Return the text file."""
        height, width = sample.labels.shape
        drawn = np.zeros_like(sample.labels)
        lines = []
        for segment in find_objects(sample, settings):
            for ring in trace_outlined(segment, settings):
                shares = (ring / (width, height)).round(_DIGITS)
                # ultralytics cuts to whole pixels
                draw_as_pillow(drawn, np.trunc(shares * (width, height)), segment.class_id)
                numbers = " ".join(f"{share:.{_DIGITS}f}" for share in shares.ravel())
                lines.append(f"{sample.classes.positions[segment.class_id] - 1} {numbers}\n")
        name = f"labels/{sample.split}/{sample.name}.txt"
        place = f"images/{sample.split}/{sample.image_name}"
        return Encoded({name: "".join(lines).encode("ascii")}, place, drawn=drawn)

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:  # noqa: ARG002
        """Return data.yaml; val is train if there is no such split, for the key is required."""
        lines = ["# without a path the folders are beside this file"]
        lines += [f"{split}: images/{place}" for split, place in split_places(listing).items()]
        lines += ["names:"]
        # JSON strings are YAML strings
        lines += [
            f"  {at}: {json.dumps(name)}" for at, name in enumerate(listing.classes.names[1:])
        ]
        return {"data.yaml": text_file("\n".join(lines) + "\n")}
