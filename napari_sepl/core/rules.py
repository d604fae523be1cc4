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
    POOR_FIT = 3
    """Refused by `tree`: it lies outside the class too much, or on too little of it."""
    OTHER_LEVEL = 4
    """Refused by `tree`: a mask around it, or those in it, fit the class better."""
    BELOW = 5
    """Refused: both shares are at or under their thresholds."""
    BY_O_S = 6
    """Taken: enough of the mask lies on the class."""
    BY_O_P = 7
    """Taken: the mask covers enough of the class."""
    BY_BOTH = 8
    """Taken: both shares pass."""
    BY_LEVEL = 9
    """Taken by `tree`: of the masks in one another it fits the class best."""
    BY_PERSON = 10
    """A person took it."""
