"""A sweep's surface as the cells of a drawing."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sepl.workflow.measure.sweep import Sweep
from napari_sepl.workflow.report.wording import hex_of, percent

# viridis at nine places, from its published table
_VIRIDIS = np.array([
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129),
    (92, 200, 99), (170, 220, 50), (253, 231, 37),
])  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A pair of thresholds on the heat map."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    told: str


def heat_map(sweep: Sweep, side: float = 320.0) -> Iterable[Cell]:
    """Yield the cells of a sweep's surface, for a square of `side` with t2 upwards."""
    surface = sweep.matches.mean_iou
    known = surface[~np.isnan(surface)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    columns, rows = _spans(sweep.t1), _spans(sweep.t2)
    name = "mIoU" if sweep.against_truth else "agreement"
    for i, j in np.ndindex(surface.shape):
        value = float(surface[i, j])
        share = 0.0 if math.isnan(value) or high == low else (value - low) / (high - low)
        (left, width), (bottom, height) = columns[i], rows[j]
        yield Cell(
            side * left,
            side * (1 - bottom - height),
            side * width,
            side * height,
            hex_of(_colour(share)) if not math.isnan(value) else "none",
            f"t1 {sweep.t1[i]:.4g}, t2 {sweep.t2[j]:.4g}: {name} {percent(value)} %",
        )


def _spans(grid: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return where the cell of each threshold begins and how long it is, as shares of the whole."""
    middles = (grid[1:] + grid[:-1]) / 2
    edges = np.concatenate([grid[:1], middles, grid[-1:]])
    edges = (edges - edges[0]) / max(float(edges[-1] - edges[0]), 1e-9)
    return list(zip(edges[:-1].tolist(), np.diff(edges).tolist(), strict=True))


def _colour(share: float) -> NDArray[np.float64]:
    places = np.linspace(0, 1, len(_VIRIDIS))
    return np.array([np.interp(share, places, channel) for channel in _VIRIDIS.T])
