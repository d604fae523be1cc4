"""Why a mask was taken or refused."""

from enum import IntEnum


class Rule(IntEnum):
    """Why a mask was taken or refused; those from `BY_O_S` on are taken."""

    EMPTY = 0
    """The mask has no pixel."""
    NO_CLASS = 1
    """The mask meets no pseudo-label."""
    REFUSED = 2
    """A person refused it."""
    BELOW = 3
    """Refused: both shares are at or under their thresholds."""
    BY_O_S = 4
    """Taken: enough of the mask lies on the class."""
    BY_O_P = 5
    """Taken: the mask covers enough of the class."""
    BY_BOTH = 6
    """Taken: both shares pass."""
    BY_PERSON = 7
    """A person took it."""
