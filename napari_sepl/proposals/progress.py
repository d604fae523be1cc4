"""How far the making of masks has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
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


Told = Callable[[Progress], None]
"""Called now and then while masks are made."""


def ignore(_progress: Progress) -> None:
    """Hear of progress and do nothing."""
