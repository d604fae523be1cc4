"""What a person can do to an image: frozen steps, each with an inverse and a name."""

from collections.abc import Hashable
from dataclasses import dataclass

from napari_sepl.core.classes import ClassList
from napari_sepl.core.params import Params
from napari_sepl.core.pixels import PixelRuns


@dataclass(frozen=True)
class ParamsEdit:
    """Other settings.

    Parameters
    ----------
    before, after : Params
        The settings around the step.
    gesture : hashable, optional
        Steps of one gesture (one drag of a slider) count as one in the history.
    """

    before: Params
    after: Params
    gesture: Hashable = None

    def inverse(self) -> "ParamsEdit":
        """Return the step that takes this one back."""
        return ParamsEdit(self.after, self.before)

    def merged(self, later: "Edit") -> "ParamsEdit | None":
        """Return this and the next step as one, or None if they are not of one gesture."""
        if not isinstance(later, ParamsEdit) or self.gesture is None:
            return None
        if later.gesture != self.gesture:
            return None
        return ParamsEdit(self.before, later.after, self.gesture)

    def describe(self, classes: ClassList) -> str:  # noqa: ARG002
        """Say what the step did."""
        after = self.after.model_dump()
        changed = {k: v for k, v in after.items() if v != getattr(self.before, k)}
        return "set " + ", ".join(f"{name} = {value}" for name, value in changed.items())

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes; two small models."""
        return 1000


@dataclass(frozen=True, eq=False)
class StrokeEdit:
    """Painted pixels: brush, fill, polygon or eraser.

    Parameters
    ----------
    change : PixelRuns
        The overlay's values before and after.
    """

    change: PixelRuns

    def inverse(self) -> "StrokeEdit":
        """Return the step that takes this one back."""
        return StrokeEdit(self.change.inverse())

    def merged(self, later: "Edit") -> None:  # noqa: ARG002
        """Return None: every stroke is a step of its own."""
        return

    def describe(self, classes: ClassList) -> str:
        """Say what the step did."""
        painted = sorted({int(value) for value in self.change.after})
        names = ", ".join(classes.name(value) for value in painted if value >= 0)
        return f"paint {self.change.pixels:,} pixels {names}".rstrip()

    @property
    def nbytes(self) -> int:
        """Memory the step takes, in bytes."""
        return self.change.nbytes


Edit = ParamsEdit | StrokeEdit
