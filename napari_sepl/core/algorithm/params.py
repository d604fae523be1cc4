"""The parameters of SEPL, described once for sliders, command line and files."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.algorithm.strategies import Strategy


class Conflict(StrEnum):
    """Which class gets a pixel that several claim.

    `highest-id`: the highest class id, as in the authors' code. `pseudo`: the class of the
    pseudo-label if it claims the pixel, else as `highest-id`. `smallest`: the class of the smallest
    region (of equal ones, the highest class id).
    """

    HIGHEST_ID = "highest-id"
    PSEUDO = "pseudo"
    SMALLEST = "smallest"

    @classmethod
    def _missing_(cls, value: object) -> "Conflict | None":
        """Return the rule for its name in older label PNGs."""
        return {"ascending": cls.HIGHEST_ID, "seed": cls.PSEUDO}.get(str(value))


class Params(BaseModel):
    """The parameters of one SEPL run; frozen.

    Parameters
    ----------
    t1 : float
        Threshold in 0..1 for o_s, the share of the mask inside the class. In `tree`, it sets the
        price of a mask's pixels outside the class.
    t2 : float
        Threshold in 0..1 for o_p, the share of the class inside the mask. In `tree`, if the
        selected masks cover more than this share of a piece of P_k, they replace it.
    strategy : Strategy
        How masks are selected.
    conflict : Conflict
        Which class gets a pixel that several claim.
    background : float, optional
        The background value for CAM scores, at least 0: see `labels.scores.cut_scores`. By default
        that of the method that wrote them; label maps do not use it.
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
