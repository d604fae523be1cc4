"""Why the labels of an image may be wrong: causes, how they are measured, what each weighs."""

from enum import StrEnum

HINT = 0.25
"""What a cause weighs that may do harm, but often does none; a cause that is seen in the labels, or
that no setting mends, weighs 1."""


class Kind(StrEnum):
    """What is at fault."""

    PSEUDO = "pseudo-labels"
    MASKS = "masks"
    ALGORITHM = "algorithm"


class Cause(StrEnum):
    """A cause of failure of one class. Each is measured as a share in 0..1.

    P_k are the pixels that the pseudo-labels give class k, E_k those that the labels give it.
    What a person decided or painted is no cause: masks they took or refused do not count.
    """

    UNMET = "unmet"
    """No mask shares more pixels with k than with other classes: 1."""
    SCATTERED = "scattered"
    """Share of P_k outside its largest connected piece."""
    MISSING = "missing"
    """The image-level labels name k, and neither pseudo-labels nor labels hold it: 1."""
    UNCOVERED = "uncovered"
    """Share of P_k that no mask covers; not told where k is `UNMET`."""
    STRADDLING = "straddling"
    """The largest share of P_k that lies in one mask taken for another class."""
    SWALLOWING = "swallowing"
    """The largest share of a mask taken for k that lies off k, in refused masks within it.

    Counted are refused masks that lie on k by half at most, and of those in one another the
    outermost.
    """
    OUTSIDE = "outside"
    """The largest share of a mask outside P_k, of masks that were taken for k though half of them
    or less lies on it: by o_p alone, or by their level."""
    GROWN = "grown"
    """Share of E_k beyond twice the size of P_k: 1 - 2 |P_k| / |E_k|."""
    SHRUNK = "shrunk"
    """By how much E_k is smaller than P_k: 1 - |E_k| / |P_k|."""
    CONTESTED = "contested"
    """Share of the pixels that k's masks, or its kept pseudo-labels, claim together with
    another class's."""

    @property
    def kind(self) -> Kind:
        """What is at fault."""
        return _KINDS[self]

    @property
    def weight(self) -> float:
        """What it weighs in the suspicion."""
        return 1.0 if self in _SEEN else HINT


_KINDS = {
    Cause.UNMET: Kind.PSEUDO,
    Cause.SCATTERED: Kind.PSEUDO,
    Cause.MISSING: Kind.PSEUDO,
    Cause.UNCOVERED: Kind.MASKS,
    Cause.STRADDLING: Kind.MASKS,
    Cause.SWALLOWING: Kind.ALGORITHM,
    Cause.OUTSIDE: Kind.ALGORITHM,
    Cause.GROWN: Kind.ALGORITHM,
    Cause.SHRUNK: Kind.ALGORITHM,
    Cause.CONTESTED: Kind.ALGORITHM,
}

_SEEN = frozenset({Cause.MISSING, Cause.UNCOVERED, Cause.GROWN, Cause.SHRUNK})
