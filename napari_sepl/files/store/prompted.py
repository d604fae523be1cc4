"""Masks made by prompts, as a store keeps them: COCO RLE, and SAM's rating."""

import json
import math
import sqlite3
from collections.abc import Mapping

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskSet


def encode_prompted(mask: MaskSet) -> tuple[str, float | None]:
    """Return one mask as JSON of a COCO RLE, and its predicted IoU; None if it has none."""
    (rle,) = mask.to_rle()
    rating = float(mask.scores.predicted_iou[0])
    return json.dumps(rle), None if math.isnan(rating) else rating


def decode_prompted(rle: object, predicted_iou: object) -> MaskSet:
    """Return the one mask of a row or a log entry.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    try:
        segmentation = json.loads(rle) if isinstance(rle, str) else None
        record = {"segmentation": segmentation, "predicted_iou": predicted_iou}
        return MaskSet.from_rle([record])
    except InputError as error:
        raise ValueError(str(error)) from error


def read_prompted(connection: sqlite3.Connection, sample_id: str) -> dict[int, MaskSet]:
    """Return the masks that a person made on a sample, by index; ValueError if one is damaged."""
    rows = connection.execute(
        "SELECT mask_index, rle, predicted_iou FROM prompted_mask "
        "WHERE sample_id = ? ORDER BY mask_index",
        (sample_id,),
    ).fetchall()
    return {index: decode_prompted(rle, rating) for index, rle, rating in rows}


def write_prompted(
    connection: sqlite3.Connection, sample_id: str, prompted: Mapping[int, MaskSet]
) -> None:
    """Replace the masks that a person made on a sample."""
    connection.execute("DELETE FROM prompted_mask WHERE sample_id = ?", (sample_id,))
    connection.executemany(
        "INSERT INTO prompted_mask VALUES (?, ?, ?, ?)",
        [(sample_id, int(index), *encode_prompted(mask)) for index, mask in prompted.items()],
    )
