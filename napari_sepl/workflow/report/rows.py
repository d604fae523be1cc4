"""The lines of a page's tables."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_sepl.core.overlap import IGNORE
from napari_sepl.core.provenance import NAMES, Source
from napari_sepl.workflow.report.report import Report
from napari_sepl.workflow.report.wording import hex_of

_SOURCE_COLOURS = {
    Source.NOTHING: "#d8dce2", Source.IGNORED: "#9aa0a8", Source.KEPT: "#e0b020",
    Source.BY_O_P: "#7350d8", Source.BY_O_S: "#2a8cf0", Source.PERSON: "#1fae55",
    Source.PROMPTED: "#00a8a8", Source.PINNED: "#e86fb0", Source.PAINTED: "#e2472c",
}  # fmt: skip


@dataclass(frozen=True)
class ClassRow:
    """A line of the table of classes; shares in 0..1, NaN where they are not defined."""

    name: str
    colour: str
    images: int
    before: int
    after: int
    iou_before: float
    iou: float
    precision_before: float
    precision: float
    recall_before: float
    recall: float


def class_rows(report: Report) -> list[ClassRow]:
    """Return a line for each class that pseudo-labels, labels or truth hold."""
    classes = report.index.classes
    before, after = report.agreement_before, report.agreement_after
    present = report.before + report.after
    if after is not None:
        present[:IGNORE] += after.regions.wanted
    rows = []
    for class_id in np.flatnonzero(present[:IGNORE]).tolist():
        shares = [math.nan] * 6
        if before is not None and after is not None:
            pairs = [
                (getattr(old.regions, name)[class_id], getattr(new.regions, name)[class_id])
                for old, new in [(before, after)]
                for name in ("iou", "precision", "recall")
            ]
            shares = [float(one) for pair in pairs for one in pair]
        rows.append(
            ClassRow(
                classes.name(class_id),
                hex_of(classes.palette()[class_id]),
                int(report.holding[class_id]),
                int(report.before[class_id]),
                int(report.after[class_id]),
                *shares,
            )
        )
    return rows


def mean_rows(report: Report) -> dict[str, tuple[float, float]]:
    """Return the means over classes, before and after, by name; none without truth."""
    before, after = report.agreement_before, report.agreement_after
    if before is None or after is None:
        return {}
    old, new = before.mean, after.mean
    return {
        "mIoU": (old.iou, new.iou),
        "precision": (old.precision, new.precision),
        "recall": (old.recall, new.recall),
        "boundary IoU": (old.boundary_iou, new.boundary_iou),
    }


def source_shares(report: Report) -> Iterable[tuple[str, str, float]]:
    """Yield name, colour and share of pixels of each source."""
    total = sum(report.sources.values()) or 1
    for source, pixels in sorted(report.sources.items()):
        yield NAMES[source], _SOURCE_COLOURS[source], pixels / total
