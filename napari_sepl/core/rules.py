"""Why a mask was taken or refused."""

from enum import IntEnum


class Rule(IntEnum):
    """Why a mask was taken or refused."""

    EMPTY = 0
    """The mask has no pixel."""
    NO_CLASS = 1
    """The mask meets no pseudo-label."""
    BELOW = 2
    """Refused: both shares are at or under their thresholds."""
    BY_O_S = 3
    """Taken: enough of the mask lies on the class."""
    BY_O_P = 4
    """Taken: the mask covers enough of the class."""
    BY_BOTH = 5
    """Taken: both shares pass."""
