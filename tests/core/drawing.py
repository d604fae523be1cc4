"""Small pictures as text: "." background, "?" ignore, digits classes, "#" a mask's pixel."""

import numpy as np
from numpy.typing import NDArray

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import Assignment, assign
from napari_sepl.core.algorithm.overlap import measure_overlap


def labels(*rows: str) -> NDArray[np.uint8]:
    values = {".": 0, "?": 255} | {str(k): k for k in range(1, 10)}
    return np.array([[values[char] for char in row] for row in rows], np.uint8)


def mask(*rows: str) -> NDArray[np.bool_]:
    return np.array([[char == "#" for char in row] for row in rows])


def text(drawn: NDArray[np.uint8]) -> str:
    """Return a one-row label map as the text it is drawn with."""
    assert drawn.shape[0] == 1
    return "".join({0: ".", 255: "?"}.get(value, str(value)) for value in drawn[0].tolist())


def decide(pseudo: str, masks: list[str], params: Params) -> Assignment:
    """Run the decision alone on one-row pictures."""
    dense = [mask(row) for row in masks]
    overlap = measure_overlap(labels(pseudo), MaskSet.from_dense(dense, shape=(1, len(pseudo))))
    return assign(overlap, params)
