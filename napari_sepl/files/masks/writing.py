"""Writing masks as segment-anything's scripts/amg.py does with ``--convert-to-rle``."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.files.atomic import write_whole


def mask_file(folder: Path, sample_id: str) -> Path:
    """Return the JSON file in a folder that holds the masks of a sample, once they are made."""
    return folder / f"{sample_id}.json"


def write_masks(path: Path, masks: MaskSet) -> None:
    """Write `encode_masks`'s bytes, whole or not at all.

    Raises
    ------
    SaveError
        If the file cannot be written; an older one is untouched.
    """
    write_whole(path, encode_masks(masks))


def encode_masks(masks: MaskSet) -> bytes:
    """Return masks as amg.py's ``--convert-to-rle`` writes them.

    Each record has "segmentation", "area" and "bbox" (x, y, width, height in pixels, as
    pycocotools counts them), and "predicted_iou", "point_coords", "stability_score", "crop_box",
    "class_name" and "score" as far as they are known.
    """
    records = [
        {
            "segmentation": segmentation, "area": area, "bbox": [col, row, width, height],
            **_known_scores(masks.scores, index), **_brought(masks, index),
        }
        for index, (segmentation, area, (row, col, height, width)) in enumerate(
            zip(masks.to_rle(), masks.areas.tolist(), masks.boxes.tolist(), strict=True)
        )
    ]  # fmt: skip
    return json.dumps(records, allow_nan=False).encode("ascii")


def _known_scores(scores: MaskScores, index: int) -> dict[str, Any]:
    """Return the scores that are finite, for JSON has no NaN."""
    held = {
        "predicted_iou": scores.predicted_iou[index],
        "point_coords": scores.point[index][np.newaxis],
        "stability_score": scores.stability_score[index],
        "crop_box": scores.crop_box[index],
    }
    return {name: _shortest(one) for name, one in held.items() if np.isfinite(one).all()}


def _brought(masks: MaskSet, index: int) -> dict[str, Any]:
    """Return the class that a mask brings, and its score."""
    brought = masks.brought
    if brought is None or not brought.names[index]:
        return {}
    score = brought.scores[index]
    known = {"score": _shortest(score)} if np.isfinite(score) else {}
    return {"class_name": brought.names[index], **known}


def _shortest(numbers: Any) -> Any:
    """Return float32 numbers with the fewest digits that read back as the same float32."""
    return [_shortest(one) for one in numbers] if np.ndim(numbers) else float(str(numbers))
