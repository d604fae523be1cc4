"""SAM in processes that are not this one: only what tells how to load it is sent there."""

import functools
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import SeplError
from napari_sepl.core.masks import MaskSet
from napari_sepl.proposals.checkpoints import Checkpoint
from napari_sepl.proposals.errors import OpeningError
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.progress import Told, ignore
from napari_sepl.proposals.sam import SamMasks, open_sam
from napari_sepl.proposals.settings import SamSettings

_LOADING = threading.Lock()  # of a worker with several threads one loads the model


@dataclass(frozen=True)
class SentSam:
    """Makes masks in any process it is sent to, which loads the model once; looks as `SamMasks`.

    Parameters
    ----------
    weights : Checkpoint
        The model's weights; the other process must see the file under the same name.
    device : str
        As `choose_device` takes it, there.
    settings : SamSettings
        The generator's settings.
    margin : float
        What is near a pseudo-label, as a share of the longer side.
    """

    weights: Checkpoint
    device: str
    settings: SamSettings
    margin: float = MARGIN

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        told: Told = ignore,
    ) -> MaskSet:
        """Make the masks of one image, as `SamMasks.make`.

        Raises
        ------
        OpeningError
            If the model cannot be loaded.
        """
        with _LOADING:
            sam = _loaded(self)
        return sam.make(image, pseudo, told)


@functools.lru_cache(maxsize=1)
def _loaded(sent: SentSam) -> SamMasks:
    try:
        return open_sam(sent.weights, sent.device, sent.settings, sent.margin)
    except SeplError as error:
        raise OpeningError(str(error)) from error
