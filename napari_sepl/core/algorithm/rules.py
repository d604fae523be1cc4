"""Why a mask is selected or rejected."""

from enum import IntEnum


class Rule(IntEnum):
    """Why a mask is selected or rejected; those from `BY_O_S` on are selected.

    Attributes
    ----------
    text : str
        The same in words.
    """

    text: str

    def __new__(cls, number: int, text: str = "") -> "Rule":
        """Make a member; `Rule(number)` looks one up."""
        rule = int.__new__(cls, number)
        rule._value_ = number
        rule.text = text
        return rule

    EMPTY = 0, "rejected: empty mask"
    NO_CLASS = 1, "rejected: overlaps no class"
    REJECTED = 2, "rejected by the annotator"
    POOR_FIT = 3, "rejected: fits the class too poorly"
    """By `tree`: too much of it is outside the class, or it covers too little of it."""
    OTHER_LEVEL = 4, "rejected: another level fits better"
    BELOW = 5, "rejected: below both thresholds"
    BY_O_S = 6, "selected by o_s"
    BY_O_P = 7, "selected by o_p"
    BY_BOTH = 8, "selected by o_s and o_p"
    BY_LEVEL = 9, "selected: the level fits best"
    BY_PERSON = 10, "selected by the annotator"
    BROUGHT = 11, "selected for the class it brings"
