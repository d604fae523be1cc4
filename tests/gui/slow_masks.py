"""Something that makes masks, but not soon; of a module, so that another process can import it."""

import os
import time
from typing import Any

from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.proposals.maker import MaskProgress
from napari_sepl.proposals.regions import RegionMasks

AFTER = "SEPL_TEST_SLOW_AFTER"
"""The environment variable that tells after how many images `Tiring` makes no more."""


class Slow:
    def make(self, _image: Any, _pseudo: Any, on_progress: Any) -> MaskSet:
        on_progress(MaskProgress(3, 1000))
        time.sleep(300)
        raise AssertionError("nobody waits so long")


class Crashing:
    def make(self, _image: Any, _pseudo: Any, on_progress: Any) -> MaskSet:  # noqa: ARG002
        os.abort()


class Tiring:
    """Makes regions of as many images as it is told, and is slow from then on."""

    def __init__(self) -> None:
        self.left = int(os.environ[AFTER])

    def make(self, image: Any, pseudo: Any, on_progress: Any) -> MaskSet:
        if self.left == 0:
            return Slow().make(image, pseudo, on_progress)
        self.left -= 1
        return RegionMasks().make(image, pseudo, on_progress)


class CrashingOnce:
    """Dies of images that begin with a white pixel."""

    def make(self, image: Any, pseudo: Any, on_progress: Any) -> MaskSet:
        if image[0, 0].min() == 255:
            os.abort()
        return RegionMasks().make(image, pseudo, on_progress)
