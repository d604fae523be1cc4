"""Why a mask was taken or refused."""

from enum import IntEnum


class Rule(IntEnum):
    """Why a mask was taken or refused; those from `BY_O_S` on are taken.

    Attributes
    ----------
    told : str
        The same in words.
    """

    told: str

    def __new__(cls, number: int, told: str = "") -> "Rule":
        """Make a member of its number and its words; `Rule(number)` looks one up."""
        rule = int.__new__(cls, number)
        rule._value_ = number
        rule.told = told
        return rule

    EMPTY = 0, "rejected: it has no pixel"
    NO_CLASS = 1, "rejected: it meets no pseudo-label"
    REJECTED = 2, "rejected by you"
    POOR_FIT = 3, "rejected: it fits the class too poorly"
    """By `tree`: it lies outside the class too much, or on too little of it."""
    OTHER_LEVEL = 4, "rejected: a mask around it, or those in it, fit better"
    BELOW = 5, "rejected: below both thresholds"
    BY_O_S = 6, "selected by o_s"
    """Enough of the mask lies on the class."""
    BY_O_P = 7, "selected by o_p"
    """The mask covers enough of the class."""
    BY_BOTH = 8, "selected by o_s and o_p"
    BY_LEVEL = 9, "selected: the level that fits best"
    """By `tree`: of the masks in one another."""
    BY_PERSON = 10, "selected by you"
