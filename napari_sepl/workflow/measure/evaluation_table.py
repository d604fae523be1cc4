"""An evaluation as files: a table of images, one of classes, and JSON that holds it all."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_sepl.core.metrics import DILATION_RATIO, RunningFigures
from napari_sepl.files.guard import NO_INPUTS, Guard
from napari_sepl.workflow.measure.agreement import ClassFigures, Evaluation, Figures, ImageFigures
from napari_sepl.workflow.measure.tables import (
    class_table,
    encode_csv,
    encode_json,
    evaluation_files,
    running_table,
    write_tables,
)

_FIGURES = ("iou", "precision", "recall", "boundary_iou")
_RUNNING = {"mIoU": "iou", "mprecision": "precision", "mrecall": "recall"}


def write_evaluation(
    path: Path,
    evaluation: Evaluation,
    guard: Guard = NO_INPUTS,
    *,
    running: bool = False,
) -> list[Path]:
    """Write an evaluation as two tables and as JSON, and the authors' figures as a third table.

    The first has a row for each image: its means over the classes of its truth, those of the
    baseline (``baseline_iou`` …), the change in IoU, then the IoU of each class. The second has a
    row for each class. The JSON has the means, "classes" and "images" with the same keys. Shares
    are in 0..1 with all digits; one that is not defined is empty in the tables, null in the JSON.

    Parameters
    ----------
    path : Path
        The first file, which ends in .csv; its folder is made if need be.
    evaluation : Evaluation
        What to write.
    guard : Guard
        Tells what is not to be written over; files of earlier evaluations are.
    running : bool
        Write the table of the authors' program too, with its columns.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError, SaveError
        As `write_tables`.
    """
    contents = {
        path: encode_csv(_image_rows(evaluation)),
        class_table(path): encode_csv(_class_rows(evaluation)),
        path.with_suffix(".json"): encode_json(evaluation_content(evaluation)).encode(),
    }
    if running:
        contents[running_table(path)] = encode_csv(_running_rows(evaluation))
    return write_tables(contents, evaluation_files(path), guard)


def _image_rows(evaluation: Evaluation) -> Iterable[list[object]]:
    rows = [row for row in evaluation.class_figures if row.pixels]
    for image in evaluation.images:
        told = _told(image)
        if image is evaluation.images[0]:
            yield ["sample_id", *told, *(f"iou {row.name}" for row in rows)]
        ious = [image.iou.get(row.class_id, "") for row in rows]
        yield [image.sample_id, *told.values(), *ious]


def _class_rows(evaluation: Evaluation) -> Iterable[list[object]]:
    for row in evaluation.class_figures:
        told = _told(row)
        if row is evaluation.class_figures[0]:
            yield ["class_id", "class", "pixels", *told]
        yield [row.class_id, row.name, row.pixels, *told.values()]


def _told(row: ImageFigures | ClassFigures) -> dict[str, float]:
    """Return the figures of a row by the names of their columns."""
    told = _named(row.labels)
    if row.baseline is not None:
        told |= _named(row.baseline, "baseline_") | {"change": row.change}
    return told


def _named(figures: Figures, prefix: str = "") -> dict[str, float]:
    return {f"{prefix}{name}": getattr(figures, name) for name in _FIGURES}


def _running_rows(evaluation: Evaluation) -> Iterable[list[object]]:
    """Yield the lines of the authors' table, whose names and order they keep."""
    pseudo = evaluation.baseline is not None
    prefixes = ["pseudo_"] * pseudo + ["after_sam_"]
    deltas = [f"{name}_delta" for name in _RUNNING] * pseudo
    yield ["name", *(f"{prefix}{name}" for prefix in prefixes for name in _RUNNING), *deltas]
    for image in evaluation.images:
        after = _figures(image.running)
        before = [] if image.running_baseline is None else _figures(image.running_baseline)
        deltas_of = [a - b for a, b in zip(after, before, strict=True)] if before else []
        yield [image.sample_id, *before, *after, *deltas_of]


def _figures(figures: RunningFigures) -> list[float]:
    return [getattr(figures, name) for name in _RUNNING.values()]


def evaluation_content(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as its JSON holds it."""
    baseline = evaluation.baseline
    return {
        "boundary_dilation_ratio": DILATION_RATIO,
        "mean": asdict(evaluation.labels.mean),
        "baseline_mean": baseline and asdict(baseline.mean),
        "released": asdict(evaluation.running),
        "released_baseline": evaluation.running_baseline and asdict(evaluation.running_baseline),
        "classes": [
            {"class_id": row.class_id, "class": row.name, "pixels": row.pixels, **_told(row)}
            for row in evaluation.class_figures
        ],
        "images": [
            {"sample_id": row.sample_id, **_told(row), "classes": row.iou}
            for row in evaluation.images
        ],
    }
