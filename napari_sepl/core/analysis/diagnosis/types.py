"""Why the labels of an image may be wrong: causes, their weights, and findings in words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from napari_sepl.core.labels.classes import ClassList

HINT = 0.25
"""Weight of a cause that often does no harm. A cause that shows in the labels, or that no setting
can repair, weighs 1."""


class Kind(StrEnum):
    """Which input or step is at fault."""

    PSEUDO = "pseudo-labels"
    MASKS = "masks"
    ALGORITHM = "algorithm"


class Cause(StrEnum):
    """A cause of failure of one class. Each is measured as a share in 0..1.

    P_k are the pixels of class k in the pseudo-labels, E_k those in the labels. Masks that a person
    selected or rejected do not count.

    Attributes
    ----------
    kind : Kind
        Which input or step is at fault.
    weight : float
        Its weight in the suspicion.
    label : str
        Its name in a table.
    sentence : str
        Text of a finding, with {name} of the class, {mask}, {share}, {left} and {times}.
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
        """Make a member; the defaults are for `Cause(value)`, which looks one up."""
        cause = str.__new__(cls, value)
        cause._value_ = value
        cause.kind, cause.weight, cause.label, cause.sentence = kind, weight, label, sentence
        return cause

    UNMET = (
        "unmet", Kind.PSEUDO, HINT, "no overlapping mask",
        "{name}: no mask overlaps this class most",
    )  # fmt: skip
    """No mask shares more pixels with k than with other classes: 1."""
    SCATTERED = (
        "scattered", Kind.PSEUDO, HINT, "fragmented",
        "{name}: {share} of its pseudo-labels are outside the largest connected component",
    )  # fmt: skip
    """Share of P_k outside its largest connected component."""
    MISSING = (
        "missing", Kind.PSEUDO, 1.0, "in image-level labels only",
        "{name}: in the image-level labels, but no pixel has this class",
    )  # fmt: skip
    """The image-level labels contain k, and neither pseudo-labels nor labels do: 1."""
    UNCOVERED = (
        "uncovered", Kind.MASKS, 1.0, "not covered by any mask",
        "{name}: {share} of its pseudo-labels are not covered by any mask",
    )  # fmt: skip
    """Share of P_k that no mask covers; 0 if k is `UNMET`."""
    STRADDLING = (
        "straddling", Kind.MASKS, HINT, "covered by another class's mask",
        "{name}: mask {mask}, selected for another class, covers {share} of its pseudo-labels",
    )  # fmt: skip
    """The largest share of P_k that one mask covers which is selected for another class."""
    SWALLOWING = (
        "swallowing", Kind.ALGORITHM, HINT, "contains rejected sub-masks",
        "{name}: mask {mask} contains rejected sub-masks outside the class ({share} of it)",
    )  # fmt: skip
    """The largest share of a mask selected for k that lies outside k, in rejected sub-masks.

    Sub-masks count if half of them or less lies in k; of nested ones, the outermost counts.
    """
    OUTSIDE = (
        "outside", Kind.ALGORITHM, HINT, "mask extends outside the class",
        "{name}: mask {mask} was selected, but {share} of it is outside the class",
    )  # fmt: skip
    """The largest share outside P_k, half or more, of a mask selected for k by o_p alone or by its
    level."""
    GROWN = "grown", Kind.ALGORITHM, 1.0, "grew", "{name}: grew to {times} times its pseudo-labels"
    """Share of E_k beyond twice the size of P_k: 1 - 2 |P_k| / |E_k|."""
    SHRUNK = (
        "shrunk", Kind.ALGORITHM, 1.0, "shrank",
        "{name}: shrank to {left} of its pseudo-labels",
    )  # fmt: skip
    """By how much E_k is smaller than P_k: 1 - |E_k| / |P_k|."""
    CONTESTED = (
        "contested", Kind.ALGORITHM, HINT, "contested",
        "{name}: another class also claims {share} of its pixels",
    )  # fmt: skip
    """Share of the pixels that k's masks, or its kept pseudo-labels, claim as well as
    another class."""


class Finding(NamedTuple):
    """One problem of one class, with its cause.

    Parameters
    ----------
    cause : Cause
        The cause.
    strength : float
        The share in 0..1 that `Cause` defines.
    class_id : int
        The class that has the problem.
    mask_index : int or None
        The mask at fault, if there is one.
    """

    cause: Cause
    strength: float
    class_id: int
    mask_index: int | None = None

    @property
    def weighed(self) -> float:
        """Strength times the weight of the cause, 0..1."""
        return self.strength * self.cause.weight

    def describe(self, classes: ClassList) -> str:
        """Return the finding as one sentence."""
        gone = self.cause is Cause.SHRUNK and self.strength == 1
        sentence = "{name}: no pixel of it is left" if gone else self.cause.sentence
        return sentence.format(
            name=classes.name(self.class_id),
            mask=self.mask_index,
            share=f"{100 * self.strength:.0f} %",
            left=f"{100 - 100 * self.strength:.0f} %",
            times=f"{2 / max(1 - self.strength, 1e-9):.1f}",
        )


@dataclass(frozen=True)
class Diagnosis:
    """The findings in one image, the gravest first.

    Parameters
    ----------
    findings : tuple of Finding
        The strongest of each cause and class, if it is at least `masks.LEAST`.
    """

    findings: tuple[Finding, ...]

    @property
    def main(self) -> Finding | None:
        """The gravest finding; None without findings."""
        return self.findings[0] if self.findings else None

    @property
    def suspicion(self) -> float:
        """How likely the labels are wrong, 0..1: the weighed strength of the main finding."""
        return self.findings[0].weighed if self.findings else 0.0
