"""Why the labels of an image may be wrong: causes, what each weighs, and findings in words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from napari_sepl.core.labels.classes import ClassList

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

    Attributes
    ----------
    kind : Kind
        What is at fault.
    weight : float
        What it weighs in the suspicion.
    label : str
        What it is called in a table.
    sentence : str
        What a finding says, with {name} of the class, {mask}, {share}, {left} and {times}.
    """

    kind: Kind
    weight: float
    label: str
    sentence: str

    def __new__(
        cls,
        value: str,
        kind: Kind = Kind.ALGORITHM,
        weight: float = HINT,
        label: str = "",
        sentence: str = "",
    ) -> "Cause":
        """Make a member; `Cause(value)` looks one up, which is what the defaults are for."""
        cause = str.__new__(cls, value)
        cause._value_ = value
        cause.kind, cause.weight, cause.label, cause.sentence = kind, weight, label, sentence
        return cause

    UNMET = "unmet", Kind.PSEUDO, HINT, "met by no mask", "{name}: no mask meets its pseudo-labels"
    """No mask shares more pixels with k than with other classes: 1."""
    SCATTERED = (
        "scattered", Kind.PSEUDO, HINT, "scattered",
        "{name}: {share} of its pseudo-labels lie apart from their largest piece",
    )  # fmt: skip
    """Share of P_k outside its largest connected piece."""
    MISSING = (
        "missing", Kind.PSEUDO, 1.0, "in image-level labels only",
        "{name}: the image-level labels name it, but no pixel has it",
    )  # fmt: skip
    """The image-level labels name k, and neither pseudo-labels nor labels hold it: 1."""
    UNCOVERED = (
        "uncovered", Kind.MASKS, 1.0, "not covered",
        "{name}: {share} of its pseudo-labels lie in no mask",
    )  # fmt: skip
    """Share of P_k that no mask covers; not told where k is `UNMET`."""
    STRADDLING = (
        "straddling", Kind.MASKS, HINT, "in another's mask",
        "{name}: mask {mask}, selected for another class, holds {share} of its labels",
    )  # fmt: skip
    """The largest share of P_k that lies in one mask taken for another class."""
    SWALLOWING = (
        "swallowing", Kind.ALGORITHM, HINT, "swallows parts",
        "{name}: mask {mask} contains rejected sub-masks outside the class, {share} of itself",
    )  # fmt: skip
    """The largest share of a mask taken for k that lies off k, in refused masks within it.

    Counted are refused masks that lie on k by half at most, and of those in one another the
    outermost.
    """
    OUTSIDE = (
        "outside", Kind.ALGORITHM, HINT, "mask outside",
        "{name}: mask {mask} was selected though {share} of it lies outside",
    )  # fmt: skip
    """The largest share of a mask outside P_k, of masks that were taken for k though half of them
    or less lies on it: by o_p alone, or by their level."""
    GROWN = "grown", Kind.ALGORITHM, 1.0, "grew", "{name}: grew to {times} times its pseudo-labels"
    """Share of E_k beyond twice the size of P_k: 1 - 2 |P_k| / |E_k|."""
    SHRUNK = (
        "shrunk", Kind.ALGORITHM, 1.0, "shrank",
        "{name}: shrank to {left} of its pseudo-labels",
    )  # fmt: skip
    """By how much E_k is smaller than P_k: 1 - |E_k| / |P_k|."""
    CONTESTED = (
        "contested", Kind.ALGORITHM, HINT, "contested",
        "{name}: another class claims {share} of its pixels too",
    )  # fmt: skip
    """Share of the pixels that k's masks, or its kept pseudo-labels, claim together with
    another class's."""


class Finding(NamedTuple):
    """One cause of failure, of one class.

    Parameters
    ----------
    cause : Cause
        What was found.
    strength : float
        How much of it, a share in 0..1; `Cause` tells of what.
    class_id : int
        The class that it harms.
    mask_index : int or None
        The mask at fault, if one is.
    """

    cause: Cause
    strength: float
    class_id: int
    mask_index: int | None = None

    @property
    def weighed(self) -> float:
        """Strength times what the cause weighs, 0..1."""
        return self.strength * self.cause.weight

    def describe(self, classes: ClassList) -> str:
        """Return one sentence on it."""
        gone = self.cause is Cause.SHRUNK and self.strength == 1
        sentence = "{name}: all its pseudo-labels are gone" if gone else self.cause.sentence
        return sentence.format(
            name=classes.name(self.class_id),
            mask=self.mask_index,
            share=f"{100 * self.strength:.0f} %",
            left=f"{100 - 100 * self.strength:.0f} %",
            times=f"{2 / max(1 - self.strength, 1e-9):.1f}",
        )


@dataclass(frozen=True)
class Diagnosis:
    """What was found in one image, the gravest first.

    Parameters
    ----------
    findings : tuple of Finding
        Of each cause and class the strongest, if it is at least `masks.LEAST`.
    """

    findings: tuple[Finding, ...]

    @property
    def main(self) -> Finding | None:
        """What weighs most; None if nothing was found."""
        return self.findings[0] if self.findings else None

    @property
    def suspicion(self) -> float:
        """How much an image deserves to be looked at, 0..1: what its main cause weighs."""
        return self.findings[0].weighed if self.findings else 0.0
