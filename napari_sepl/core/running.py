"""The figures that SEPL's authors' program tells of an image, to compare with what they tell."""

from dataclasses import dataclass

import numpy as np

from napari_sepl.core.metrics import Confusion

_TINY = 1e-10  # which they add to each whole


@dataclass(frozen=True)
class RunningFigures:
    """What ``Processor.evaluate`` of SAM_WSSS writes for one image, in 0..1, to three digits.

    It goes through the classes of the image's truth by id, without background and without classes
    that only the labels hold. Pixels right, found and wanted are summed from class to class and
    never set back, so that the k-th IoU, precision and recall are those of the first k classes
    together; the image's figures are the means of these. Void is left out. The program writes them
    to a table, a line for each image, and tells no figure for the dataset.

    Parameters
    ----------
    iou, precision, recall : float
        The means; NaN for an image whose truth holds background alone.
    """

    iou: float
    precision: float
    recall: float

    @classmethod
    def of(cls, confusion: Confusion) -> "RunningFigures":
        """Compute them of the counts of one image."""
        classes = np.flatnonzero(confusion.wanted[1:]) + 1
        if not classes.size:
            return cls(np.nan, np.nan, np.nan)
        right, found, wanted = (
            np.cumsum(counts[classes])
            for counts in (confusion.right, confusion.found, confusion.wanted)
        )
        wholes = (wanted + found - right, found, wanted)
        return cls(*(float(round(np.mean(right / (whole + _TINY)), 3)) for whole in wholes))
