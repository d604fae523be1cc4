"""Something that answers prompts as SAM would, but simply; another process can import it."""

import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.proposals.maker import ProposalError

RADIUS = 12


class Discs:
    """A disc around each point, without the discs around those beside; or the whole box."""

    def __init__(self, delay: float = 0.0, remark: str = "") -> None:
        self._delay, self._remark = delay, remark
        self._shape = (0, 0)

    def prepare(self, image: NDArray[Any]) -> str:
        time.sleep(self._delay)
        self._shape = image.shape[:2]
        return self._remark

    def predict(
        self, points: NDArray[Any], labels: NDArray[Any], box: Any, region: Any
    ) -> tuple[NDArray[np.bool_], float]:
        mask = np.zeros(self._shape, np.bool_) if region is None else region.copy()
        if box is not None:
            top, left, bottom, right = np.rint(box).astype(int)
            mask[top : bottom + 1, left : right + 1] = True
        rows, cols = np.ogrid[: self._shape[0], : self._shape[1]]
        for on in (1, 0):
            for row, col in points[labels == on]:
                mask[(rows - row) ** 2 + (cols - col) ** 2 <= RADIUS**2] = bool(on)
        return mask, 0.87


class Dying(Discs):
    def predict(self, *_: Any) -> tuple[NDArray[np.bool_], float]:
        os.abort()


class Failing(Discs):
    def prepare(self, image: NDArray[Any]) -> str:  # noqa: ARG002
        raise ProposalError("The memory of cuda does not hold an image in SAM ViT-H.")
