"""Small images as text: "." background, "?" ignore, digits classes, "#" a mask's pixel."""

import numpy as np
from numpy.typing import NDArray

from napari_sepl import MaskSet, Params, enhance
from napari_sepl.core.algorithm.assignment import Assignment, assign
from napari_sepl.core.algorithm.overlap import measure_overlap


def labels(*rows: str) -> NDArray[np.uint8]:
    values = {".": 0, "?": 255} | {str(k): k for k in range(1, 10)}
    return np.array([[values[char] for char in row] for row in rows], np.uint8)


def mask(*rows: str) -> NDArray[np.bool_]:
    return np.array([[char == "#" for char in row] for row in rows])


def text(drawn: NDArray[np.uint8]) -> str:
    """Return a one-row label map as text."""
    assert drawn.shape[0] == 1
    return "".join({0: ".", 255: "?"}.get(value, str(value)) for value in drawn[0].tolist())


def enhance_row(pseudo: str, /, *masks: str, **settings: object) -> str:
    """Enhance a one-row image."""
    dense = np.array([mask(row) for row in masks]).reshape(len(masks), 1, len(pseudo))
    return text(enhance(labels(pseudo), dense, Params.model_validate(settings)))


def decide(pseudo: str, masks: list[str], params: Params) -> Assignment:
    """Return the assignment of a one-row image."""
    dense = [mask(row) for row in masks]
    overlap = measure_overlap(labels(pseudo), MaskSet.from_dense(dense, shape=(1, len(pseudo))))
    return assign(overlap, params)
