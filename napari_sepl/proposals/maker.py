"""What a maker of masks offers, what it tells of its progress, and how it can fail.

ProposalError               no masks could be made
├── MissingPackageError     a package that SAM needs is not installed
├── DownloadError           weights could not be fetched
├── OpeningError            the model could not be made ready in its process
└── StoppedError            someone stopped the work; nothing is wrong
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import RunEndedError, SeplError
from napari_sepl.core.masks.mask_set import MaskSet


class ProposalError(SeplError):
    """No masks could be made."""


class MissingPackageError(ProposalError):
    """A package that SAM needs is not installed."""


class DownloadError(ProposalError):
    """Weights could not be fetched; nothing wrong is left where they belong."""


class OpeningError(ProposalError, RunEndedError):
    """What makes masks could not be made ready: the next image would meet the same."""


class StoppedError(ProposalError, RunEndedError):
    """Someone stopped the work; nothing is wrong."""


@dataclass(frozen=True)
class MaskProgress:
    """How far the masks of one image have come.

    Parameters
    ----------
    done, total : int
        Points dealt with, and in all; or other steps, where masks are made without points.
    message : str
        What users should know; empty for most.
    """

    done: int
    total: int
    message: str = ""


OnProgress = Callable[[MaskProgress], None]
"""Called now and then while masks are made."""


def ignore(_progress: MaskProgress) -> None:
    """Hear of progress and do nothing."""


class Maker(Protocol):
    """What makes masks."""

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Return the masks of an image, (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16."""
