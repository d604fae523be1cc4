"""Writers of masks as other programs and people keep them, as simple as can be."""

import base64
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

Masks = NDArray[np.bool_]
Writer = Callable[[Path, Masks], Path]
"""Writes (N, H, W) masks at a place without ending; returns the file or folder."""


def compressed(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return pycocotools' dict, with its counts as text."""
    made = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": made["counts"].decode()}


def counted(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the lengths of runs, column by column, beginning with background."""
    counts, inside = [0], False
    for pixel in mask.T.ravel().tolist():
        if pixel != inside:
            counts.append(0)
            inside = pixel
        counts[-1] += 1
    return {"size": list(mask.shape), "counts": counts}


def squares(mask: NDArray[np.bool_]) -> list[list[float]]:
    """Return a square polygon for each pixel."""
    return [[x, y, x + 1, y, x + 1, y + 1, x, y + 1] for y, x in np.argwhere(mask).tolist()]


def generated(masks: Masks) -> list[dict[str, Any]]:
    """Return a list as SamAutomaticMaskGenerator.generate() does."""
    return [
        {
            "segmentation": mask,
            "area": mask.sum(),
            "bbox": [0, 0, 1, 1],
            "predicted_iou": 0.5 + index / 64,
            "point_coords": [[1.5, 2.0]],
            "stability_score": np.float64(0.75),
            "crop_box": [0, 0, mask.shape[1], mask.shape[0]],
        }
        for index, mask in enumerate(masks)
    ]


def instances(masks: Masks, segmentation: Callable[[Any], Any], name: str) -> dict[str, Any]:
    """Return COCO's instances of two images, of which the other one has a mask as well."""
    height, width = masks.shape[1:]
    size = {"height": height, "width": width}
    annotations = [
        {"id": 10 + index, "image_id": 7, "category_id": 3, "segmentation": segmentation(mask)}
        for index, mask in enumerate(masks)
    ]
    other = {"id": 1, "image_id": 4, "category_id": 3, "segmentation": segmentation(~masks[0])}
    return {
        "info": {"year": 2026, "about": "käse"},
        "images": [
            {"id": 4, "file_name": "other.png", **size},
            {"id": 7, "file_name": f"train/{name}.jpg", **size},
        ],
        "annotations": [*annotations[:1], other, *annotations[1:]],
        "categories": [{"id": 3, "name": "cat"}],
    }


def labelme(masks: Masks) -> dict[str, Any]:
    """Return labelme's shapes of the type "mask"."""
    shapes: list[dict[str, Any]] = []
    for index, mask in enumerate(masks):
        file = io.BytesIO()
        Image.fromarray(mask).save(file, "PNG")
        shapes.append({
            "label": f"thing {index}", "group_id": None, "shape_type": "mask", "flags": {},
            "points": [[0.0, 0.0], [mask.shape[1] - 1.0, mask.shape[0] - 1.0]],
            "mask": base64.b64encode(file.getvalue()).decode(),
        })  # fmt: skip
    return {
        "version": "5.5.0", "shapes": shapes, "imagePath": "a.jpg", "imageData": None,
        "imageHeight": masks.shape[1], "imageWidth": masks.shape[2],
    }  # fmt: skip


def isat(masks: Masks) -> dict[str, Any]:
    """Return ISAT's objects: a group of squares for each mask."""
    objects = [
        {
            "category": "thing", "group": index, "layer": 1.0, "iscrowd": False, "note": "",
            "segmentation": [ring[at : at + 2] for at in range(0, 8, 2)],
        }
        for index, mask in enumerate(masks, 1)
        for ring in squares(mask)
    ]  # fmt: skip
    info = {"description": "ISAT", "width": masks.shape[2], "height": masks.shape[1], "depth": 3}
    return {"info": info, "objects": objects}


def _json(content: Callable[[Masks], Any]) -> Writer:
    def write(place: Path, masks: Masks) -> Path:
        path = place.with_suffix(".json")
        path.write_text(json.dumps(content(masks)))
        return path

    return write


def _pickled(content: Callable[[Masks], Any], protocol: int) -> Writer:
    def write(place: Path, masks: Masks) -> Path:
        path = place.with_suffix(".pkl")
        path.write_bytes(pickle.dumps(content(masks), protocol))
        return path

    return write


def _array(content: Callable[[Masks], Any], suffix: str = ".npy") -> Writer:
    def write(place: Path, masks: Masks) -> Path:
        path = place.with_suffix(suffix)
        if suffix == ".npy":
            np.save(path, content(masks), allow_pickle=True)
        else:
            value = content(masks)
            named = value if isinstance(value, dict) else {"arr_0": value}
            np.savez_compressed(path, **named)
        return path

    return write


def _folder(name: Callable[[int], str], picture: Callable[[NDArray[np.bool_]], Any]) -> Writer:
    def write(place: Path, masks: Masks) -> Path:
        place.mkdir()
        for index, mask in enumerate(masks):
            Image.fromarray(picture(mask)).save(place / name(index))
        return place

    return write


def rimmed(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a mask with greys on both sides of the half."""
    grey = np.where(mask, 255, 0).astype(np.uint8)
    grey[::2, ::3] = np.where(mask, 128, 127)[::2, ::3]
    return grey


def objects(values: list[Any]) -> NDArray[np.object_]:
    """Return an array of Python objects, as np.save makes of a list of dicts."""
    made = np.empty(len(values), object)
    made[:] = values
    return made


WRITERS: dict[str, Writer] = {
    "generate, pickled": _pickled(generated, 5),
    "generate, pickled by Python 2's protocol": _pickled(generated, 2),
    "generate, np.save": _array(lambda masks: objects(generated(masks))),
    "arrays, pickled": _pickled(list, 4),
    "stack, pickled": _pickled(lambda masks: masks, 4),
    "COCO bytes, pickled": _pickled(
        lambda masks: [coco.encode(np.asfortranarray(m.astype(np.uint8))) for m in masks], 4
    ),
    "bare compressed": _json(lambda masks: [compressed(mask) for mask in masks]),
    "bare counts": _json(lambda masks: [counted(mask) for mask in masks]),
    "text of bytes": _json(
        lambda masks: [
            {"segmentation": (made := compressed(mask)) | {"counts": repr(made["counts"].encode())}}
            for mask in masks
        ]
    ),
    "by key": _json(lambda masks: {str(at): compressed(mask) for at, mask in enumerate(masks)}),
    "rows of bool": _json(lambda masks: [{"segmentation": mask.tolist()} for mask in masks]),
    "rows of 0 and 1": _json(
        lambda masks: [{"segmentation": mask.astype(int).tolist()} for mask in masks]
    ),
    "bare rows": _json(lambda masks: masks.tolist()),
    "columns": _json(lambda masks: {"masks": masks.tolist(), "scores": [0.5] * len(masks)}),
    "polygons": _json(lambda masks: [{"segmentation": squares(mask)} for mask in masks]),
    "COCO, counts": _json(lambda masks: instances(masks, counted, "a")),
    "COCO, polygons": _json(lambda masks: instances(masks, squares, "a")),
    "COCO, results": _json(
        lambda masks: [
            {"image_id": one, "category_id": 2, "score": 0.5, "segmentation": compressed(mask)}
            for mask in masks
            for one in ("a", "b")
        ]
    ),
    "labelme": _json(labelme),
    "ISAT": _json(isat),
    "stack": _array(lambda masks: masks),
    "stack of floats": _array(lambda masks: masks.astype(np.float32)),
    "stack, by columns": _array(np.asfortranarray),
    "stack, one more axis": _array(lambda masks: masks[:, np.newaxis]),
    "stack, two more axes": _array(lambda masks: masks[np.newaxis, ..., np.newaxis]),
    "stack, masks last": _array(lambda masks: np.moveaxis(masks, 0, -1)),
    "stack, compressed": _array(lambda masks: masks.astype(np.float64), ".npz"),
    "grey stack": _array(lambda masks: np.array([rimmed(mask) for mask in masks])),
    "packed rows": _array(lambda masks: np.packbits(masks, axis=2)),
    "packed masks": _array(lambda masks: np.packbits(masks.reshape(len(masks), -1), axis=1)),
    "packed": _array(np.packbits),
    "packed beside its shape": _array(
        lambda masks: {"bits": np.packbits(masks), "shape": masks.shape}, ".npz"
    ),
    "PNGs": _folder(lambda at: f"{at}.png", lambda mask: mask.astype(np.uint8) * 255),
    "PNGs of 0 and 1": _folder(lambda at: f"mask_{at}.png", lambda mask: mask.astype(np.uint8)),
    "PNGs with rims": _folder(lambda at: f"object-{at} of a.PNG", rimmed),
    "PNGs of 1 bit": _folder(lambda at: f"m{at:03}.png", lambda mask: mask),
}
"""Each keeps all masks, overlapping or not, in their order."""


def numbered(masks: Masks, first: int = 1) -> NDArray[np.int32]:
    """Return (H, W) numbers of masks that do not overlap; `first` - 1 for none."""
    numbers = np.full(masks.shape[1:], first - 1, np.int32)
    for at, mask in enumerate(masks):
        numbers[mask] = at + first
    return numbers


def _tiff(place: Path, masks: Masks) -> Path:
    path = place.with_suffix(".tif")
    tifffile.imwrite(path, numbered(masks).astype(np.uint16))
    return path


def _png(dtype: type[Any], *, palette: bool = False) -> Writer:
    def write(place: Path, masks: Masks) -> Path:
        image = Image.fromarray(numbered(masks).astype(dtype))
        if palette:
            image.putpalette(bytes(range(256)) * 3)
        path = place.with_suffix(".png")
        image.save(path)
        return path

    return write


NUMBERED: dict[str, Writer] = {
    "numbers, npy": _array(numbered),
    "numbers from 0, -1 none": _array(lambda masks: numbered(masks, 0)),
    "numbers, floats": _array(lambda masks: numbered(masks).astype(np.float32)),
    "numbers, one more axis": _array(lambda masks: numbered(masks)[np.newaxis]),
    "numbers, compressed": _array(numbered, ".npz"),
    "numbers, rows": _json(lambda masks: numbered(masks).tolist()),
    "numbers, TIFF": _tiff,
    "numbers, grey PNG": _png(np.uint8),
    "numbers, PNG of 16 bits": _png(np.uint16),
    "numbers, PNG with a palette": _png(np.uint8, palette=True),
}
"""Each keeps masks that do not overlap and are not empty."""
