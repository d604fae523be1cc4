"""The sums of runs as plain arrays, and back: what is kept of a run that is stopped."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.boundaries import BoundaryCounts
from napari_sepl.core.metrics import Confusion
from napari_sepl.core.running import RunningFigures
from napari_sepl.core.sweep import Matches, SweepCounts
from napari_sepl.files.progress import Arrays
from napari_sepl.workflow.measure.agreement import Agreement, Figures, ImageFigures

_MATCHES = ("right", "painted", "wanted")
_FIGURES = ("iou", "precision", "recall", "boundary_iou")
_RUNNING = ("iou", "precision", "recall")


def sweep_to_arrays(counts: SweepCounts) -> Arrays:
    """Return the counts of a sweep by name."""
    arrays: Arrays = {"labels": counts.labels, "changed": counts.changed}
    arrays["pixels"] = np.array(counts.pixels, np.int64)
    for name, matches in (("truth", counts.truth), ("pseudo", counts.pseudo)):
        if matches is not None:
            arrays |= {f"{name}_{field}": getattr(matches, field) for field in _MATCHES}
    return arrays


def sweep_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> SweepCounts:
    """Return the counts that `sweep_to_arrays` was given."""

    def matches(name: str) -> Matches:
        return Matches(*(arrays[f"{name}_{field}"] for field in _MATCHES))

    truth = matches("truth") if "truth_wanted" in arrays else None
    pixels = int(arrays["pixels"])
    return SweepCounts(arrays["labels"], truth, matches("pseudo"), arrays["changed"], pixels)


def agreement_to_arrays(name: str, agreement: Agreement) -> Arrays:
    """Return the counts of labels under names that begin with `name`."""
    bands = agreement.boundaries
    return {
        f"{name}_regions": agreement.regions.counts,
        f"{name}_bands": np.stack([bands.right, bands.found, bands.wanted]),
    }


def agreement_from_arrays(name: str, arrays: Mapping[str, NDArray[Any]]) -> Agreement:
    """Return the counts that `agreement_to_arrays` was given."""
    regions, bands = arrays[f"{name}_regions"], arrays[f"{name}_bands"]
    return Agreement(Confusion(regions), BoundaryCounts(*bands))


def images_to_arrays(images: Iterable[ImageFigures]) -> Arrays:
    """Return the figures of N images, bit for bit: (N, 7 or 14), and the IoU of their classes."""
    rows = list(images)
    return {
        "images": np.array([_told(row) for row in rows]),
        "image_classes": np.array([len(row.iou) for row in rows], np.int64),
        "class_ids": np.array([k for row in rows for k in row.iou], np.uint8),
        "class_iou": np.array([iou for row in rows for iou in row.iou.values()], np.float64),
    }


def images_from_arrays(
    sample_ids: Iterable[str], arrays: Mapping[str, NDArray[Any]]
) -> list[ImageFigures]:
    """Return the figures that `images_to_arrays` was given of these samples."""
    iou = iter(zip(arrays["class_ids"].tolist(), arrays["class_iou"].tolist(), strict=True))
    images = []
    rows = zip(sample_ids, arrays["images"].tolist(), arrays["image_classes"], strict=True)
    for sample_id, told, classes in rows:
        labels, baseline = told[:7], told[7:]
        images.append(
            ImageFigures(
                sample_id,
                Figures(*labels[:4]),
                Figures(*baseline[:4]) if baseline else None,
                dict(next(iou) for _ in range(classes)),
                RunningFigures(*labels[4:]),
                RunningFigures(*baseline[4:]) if baseline else None,
            )
        )
    return images


def _told(image: ImageFigures) -> list[float]:
    """Return the figures of an image: seven of its labels, then those of the baseline, if any."""
    told: list[float] = []
    for figures, running in (
        (image.labels, image.running),
        (image.baseline, image.running_baseline),
    ):
        if figures is not None and running is not None:
            told += [getattr(figures, name) for name in _FIGURES]
            told += [getattr(running, name) for name in _RUNNING]
    return told
