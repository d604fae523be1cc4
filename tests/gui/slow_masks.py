"""Something that makes masks, but not soon; of a module, so that another process can import it."""

import os
import time
from typing import Any

from napari_sepl.core.masks import MaskSet
from napari_sepl.proposals.progress import Progress


class Slow:
    def make(self, _image: Any, _pseudo: Any, told: Any) -> MaskSet:
        told(Progress(3, 1000))
        time.sleep(300)
        raise AssertionError("nobody waits so long")


class Crashing:
    def make(self, _image: Any, _pseudo: Any, told: Any) -> MaskSet:  # noqa: ARG002
        os.abort()
