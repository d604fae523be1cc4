"""The interface of mask generators, their progress and their errors.

ProposalError               no masks could be generated
├── MissingPackageError     a package that SAM needs is not installed
├── DownloadError           weights could not be downloaded
├── OpeningError            the model could not be loaded in its process
└── StoppedError            a person stopped the work
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import RunEndedError, SeplError
from napari_sepl.core.masks.mask_set import MaskSet


class ProposalError(SeplError):
    """No masks could be generated."""


class MissingPackageError(ProposalError):
    """A package that SAM needs is not installed."""


class DownloadError(ProposalError):
    """Weights could not be downloaded; no incomplete file has their name."""


class OpeningError(ProposalError, RunEndedError):
    """A mask generator could not be loaded: the next image would fail as well."""


class StoppedError(ProposalError, RunEndedError):
    """A person stopped the work."""


@dataclass(frozen=True)
class MaskProgress:
    """The progress of one image's masks.

    Parameters
    ----------
    done, total : int
        Points, or other steps, done and in all.
    message : str
        A message for users; mostly empty.
    """

    done: int
    total: int
    message: str = ""


OnProgress = Callable[[MaskProgress], None]
"""Called now and then while masks are generated."""


def ignore(_progress: MaskProgress) -> None:
    """Do nothing."""


class Maker(Protocol):
    """A mask generator."""

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Return the masks of an image, (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16."""
