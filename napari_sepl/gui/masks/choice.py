"""Settings for mask generation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_sepl.proposals.device import AUTO
from napari_sepl.proposals.models import REGIONS, SamSettings, find_model
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.regions import RegionSettings
from napari_sepl.proposals.weights import Checkpoint, find_checkpoint
from napari_sepl.workflow.masks import made_by_regions, made_by_sam


@dataclass(frozen=True)
class MaskChoice:
    """Model and settings that masks are generated with.

    Parameters
    ----------
    model : str
        A model's name, or "regions".
    checkpoint : Path, optional
        The user's own weights; published weights are downloaded if left out.
    settings : SamSettings
        Settings of the generator.
    device : str
        "auto", "cuda", "cuda:N", "mps" or "cpu".
    guided : bool
        Sample points only in and near the pseudo-labels.
    """

    model: str = REGIONS
    checkpoint: Path | None = None
    settings: SamSettings = field(default_factory=SamSettings)
    device: str = AUTO
    guided: bool = True

    def find_weights(self, progress: Callable[[int, int], None]) -> Checkpoint:
        """Return the weights of a SAM model, downloading them where needed.

        Raises
        ------
        MissingPackageError, DownloadError, InputError, SaveError
            If a package or the weights are not available.
        """
        model = find_model(self.model)
        model.require()
        return find_checkpoint(model, self.checkpoint, progress)


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a process creates the mask generator of a choice, with its weights downloaded."""

    choice: MaskChoice
    factory: Callable[..., Any]  # called in the process
    arguments: tuple[Any, ...] = ()  # for the factory

    @property
    def made_with(self) -> dict[str, Any]:
        """All settings that decide on the masks, as a folder of masks records them."""
        if self.choice.model == REGIONS:
            return made_by_regions(RegionSettings())
        checkpoint, _, settings = self.arguments
        return made_by_sam(checkpoint, settings, MARGIN if self.choice.guided else None)
