"""Exports read back as their users' programs read them."""

import base64
import io
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from napari_sepl.core.labels.classes import VOC, ClassList
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import Encoded, ExportSettings, Labelled, Listing

Labels = NDArray[np.uint8]

LABELS = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 14), st.integers(1, 14)),
    elements=st.sampled_from([0, 0, 1, 2, 20, 255]),
)


class Made(NamedTuple):
    encoded: Encoded
    listing: Listing
    settings: ExportSettings

    def whole(self) -> dict[str, bytes]:
        return whole_files(self.listing, self.settings)


def encode(labels: Labels, name: str, classes: ClassList = VOC, **choices: Any) -> Made:
    settings = ExportSettings(format=name, **choices)
    sample = Labelled("cat", labels, classes, image=Path("/x/cat.jpg"), image_path="../cat.jpg")
    encoded = EXPORT_FORMATS[name].encode(sample, settings)
    listing = Listing(classes, {"train": ["cat"]}, lambda ids: ((i, encoded.entry) for i in ids))
    return Made(encoded, listing, settings)


def whole_files(listing: Listing, settings: ExportSettings) -> dict[str, bytes]:
    files = EXPORT_FORMATS[settings.format].whole(listing, settings)
    assert all(b"".join(content()) == b"".join(content()) for content in files.values())
    return {name: b"".join(content()) for name, content in files.items()}


def coco_of(content: Mapping[str, Any]) -> COCO:
    """Give pycocotools a file's content, as its own constructor does."""
    coco = COCO()
    coco.dataset = dict(content)
    coco.createIndex()
    return coco


def coco_labels(content: Mapping[str, Any], class_of: Mapping[int, int]) -> Labels:
    """Draw all annotations of the one image with pycocotools."""
    coco = coco_of(content)
    (image,) = coco.loadImgs(coco.getImgIds())
    drawn = np.zeros((image["height"], image["width"]), np.uint8)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of pycocotools under numpy 2
            mask = coco.annToMask(annotation) > 0
        drawn[mask] = class_of[annotation["category_id"]]
    return drawn


SHAPE_KEYS = {"label", "points", "group_id", "shape_type", "flags", "description", "mask"}


def labelme_labels(content: bytes, labels_txt: bytes) -> Labels:
    """Draw shapes by the rules of labelme 6.3.1: its checks, Pillow's polygons, masks in boxes."""
    told = json.loads(content)
    assert told["imageData"] is None
    assert isinstance(told["imagePath"], str)
    size = told["imageHeight"], told["imageWidth"]
    drawn = np.zeros(size, np.int32)
    values = {name: at - 1 for at, name in enumerate(labels_txt.decode().splitlines())}
    assert [values["__ignore__"], values["_background_"]] == [-1, 0]
    for shape in told["shapes"]:
        assert shape.keys() == SHAPE_KEYS
        assert isinstance(shape["group_id"], int)
        assert all(isinstance(part, float | int) for xy in shape["points"] for part in xy)
        drawn[labelme_mask(shape, size)] = values[shape["label"]]
    return drawn.astype(np.uint8)


def labelme_mask(shape: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    if shape["shape_type"] == "mask":
        mask = np.zeros(size, np.bool_)
        (x1, y1), (x2, y2) = np.asarray(shape["points"]).astype(int)
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as image:
            mask[y1 : y2 + 1, x1 : x2 + 1] = np.asarray(image).astype(np.bool_)
        return mask
    assert shape["shape_type"] == "polygon"
    assert len(shape["points"]) > 2
    canvas = Image.new("L", (size[1], size[0]))
    ImageDraw.Draw(canvas).polygon([tuple(xy) for xy in shape["points"]], outline=1, fill=1)
    return np.asarray(canvas) > 0


LINE = re.compile(r"\d+( (0|1)\.\d+){6,}")


def yolo_labels(content: bytes, shape: tuple[int, int]) -> Labels:
    """Read a file by the format's rules: a class from 0, then at least three x y in 0 to 1.

    Polygons are drawn as ultralytics does: cut to whole pixels, filled with their outline.
    """
    drawn = np.zeros(shape, np.uint8)
    height, width = shape
    for line in content.decode("ascii").splitlines():
        assert LINE.fullmatch(line)
        class_id, *shares = line.split()
        points = np.array(shares, np.float64).reshape(-1, 2)
        assert len(points) >= 3
        assert points.min() >= 0
        assert points.max() <= 1
        whole = (points * (width, height)).astype(np.int32)
        canvas = Image.new("L", (width, height))
        ImageDraw.Draw(canvas).polygon([tuple(xy) for xy in whole.tolist()], outline=1, fill=1)
        drawn[np.asarray(canvas) > 0] = int(class_id) + 1
    return drawn
