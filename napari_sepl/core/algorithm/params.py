"""The settings of SEPL, described once for sliders, command line and files."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.algorithm.strategies import Strategy


class Conflict(StrEnum):
    """Who wins a pixel that several classes claim.

    `highest-id`: the highest class id, as in the authors' code. `pseudo`: the class that the
    pseudo-label has there if it is among the claimants, else as `highest-id`. `smallest`: the
    smallest region that claims it (of equal ones, the highest class id).
    """

    HIGHEST_ID = "highest-id"
    PSEUDO = "pseudo"
    SMALLEST = "smallest"

    @classmethod
    def _missing_(cls, value: object) -> "Conflict | None":
        """Return the rule by the name that label PNGs had for it at first."""
        return {"ascending": cls.HIGHEST_ID, "seed": cls.PSEUDO}.get(str(value))


class Params(BaseModel):
    """The settings of one SEPL run; frozen, so that a result can be tied to them.

    Parameters
    ----------
    t1 : float
        Share in 0..1 of a mask that must lie on the class's pseudo-label (o_s). In `tree`, how
        dear a mask's pixels outside the class are.
    t2 : float
        Share in 0..1 of the class's pseudo-label that the mask must cover (o_p). In `tree`, share
        of a piece of it beyond which the masks taken stand for all of it.
    strategy : Strategy
        How masks are chosen.
    conflict : Conflict
        Who wins a pixel that several classes claim.
    background : float, optional
        What the background of soft scores goes by, at least 0: see `labels.scores.cut_scores`. The
        default of the method that wrote them if left out; label maps have no use for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    t1: float = Field(
        0.5,
        ge=0,
        le=1,
        title="t1 (share of mask)",
        description=" ".join(
            [
                "Select a mask if more than this share of it is inside the class (o_s > t1).",
                *(f"In {one}: {one.method.of_t1}." for one in Strategy if one.method.of_t1),
            ]
        ),
    )
    t2: float = Field(
        0.85,
        ge=0,
        le=1,
        title="t2 (share of class)",
        description=" ".join(
            [
                "Select a mask if it covers more than this share of the class (o_p > t2).",
                *(f"In {one}: {one.method.of_t2}." for one in Strategy if one.method.of_t2),
            ]
        ),
    )
    strategy: Strategy = Field(
        Strategy.PAPER,
        title="strategy",
        description=" ".join(f"{one}: {one.method.summary}." for one in Strategy),
    )
    conflict: Conflict = Field(
        Conflict.HIGHEST_ID,
        title="conflict",
        description=(
            "Which class gets a pixel that several classes claim: the highest class ID "
            "(highest-id), the pseudo-label's class (pseudo), or the class of the smallest region "
            "(smallest)."
        ),
    )
    background: float | None = Field(
        None,
        ge=0,
        le=64,
        title="background",
        description=(
            "Only for CAM scores; the method's own by default. Below 1: the background's score "
            "everywhere. From 1 on: exponent of (1 - highest score). For scores with a background "
            "map: its factor."
        ),
    )
