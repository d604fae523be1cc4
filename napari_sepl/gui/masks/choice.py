"""What to make masks with, and what that comes to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_sepl.proposals.device import AUTO
from napari_sepl.proposals.models import REGIONS, SamSettings
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.regions import RegionSettings
from napari_sepl.workflow.masks import made_by_regions, made_by_sam


@dataclass(frozen=True)
class MaskChoice:
    """What to make masks with.

    Parameters
    ----------
    model : str
        A model's name, or "regions".
    checkpoint : Path, optional
        The user's own weights; the published ones are fetched if left out.
    settings : SamSettings
        What to ask of the generator.
    device : str
        "auto", "cuda", "cuda:N", "mps" or "cpu".
    guided : bool
        Ask only about points in and near the pseudo-labels.
    """

    model: str = REGIONS
    checkpoint: Path | None = None
    settings: SamSettings = field(default_factory=SamSettings)
    device: str = AUTO
    guided: bool = True


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a choice comes to, with its weights at hand."""

    choice: MaskChoice
    factory: Callable[..., Any]  # makes, in the process, what makes masks
    arguments: tuple[Any, ...] = ()  # what it is called with

    @property
    def made_with(self) -> dict[str, Any]:
        """What decides on the masks, as a folder of masks keeps it."""
        if self.choice.model == REGIONS:
            return made_by_regions(RegionSettings())
        checkpoint, _, settings = self.arguments
        return made_by_sam(checkpoint, settings, MARGIN if self.choice.guided else None)
