"""What a training is to do, and on what."""

from dataclasses import dataclass
from pathlib import Path

from napari_sepl.core.classes import ClassList
from napari_sepl.training.backbones import name_weights
from napari_sepl.training.evaluation import ONE_VIEW, Views
from napari_sepl.training.recipe import Recipe
from napari_sepl.training.record import Settings
from napari_sepl.training.samples import LabelledImage


@dataclass(frozen=True)
class Part:
    """Samples that were looked at.

    Parameters
    ----------
    samples : tuple of LabelledImage
        The samples.
    digest : str
        Of their names, sizes and labels, as `samples.survey` tells it.
    """

    samples: tuple[LabelledImage, ...]
    digest: str


@dataclass(frozen=True)
class Plan:
    """What is to be trained, on what, and what becomes of it.

    Parameters
    ----------
    recipe : Recipe
        How; its precision is one that the device has.
    classes : ClassList
        What the labels mean.
    training : Part
        What to learn from.
    out : Path
        The folder for checkpoint, weights, log and predictions.
    device : str
        Where to compute.
    backbone_weights : str
        What the backbone starts from, as `load_backbone` takes it.
    held_out : Part, optional
        What to test with; without it, nothing is evaluated.
    views : Views
        How held-out pictures are shown to the network.
    save_predictions : bool
        Whether to save what the network says of held-out pictures.
    workers : int
        Processes that read samples ahead.
    checkpoint_every, log_every, evaluate_every : int
        Iterations between two of them; 0 for an evaluation at the end alone.
    """

    recipe: Recipe
    classes: ClassList
    training: Part
    out: Path
    device: str
    backbone_weights: str
    held_out: Part | None = None
    views: Views = ONE_VIEW
    save_predictions: bool = False
    workers: int = 0
    checkpoint_every: int = 1000
    log_every: int = 20
    evaluate_every: int = 0

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The folders that samples are read from."""
        parts = [part for part in (self.training, self.held_out) if part is not None]
        samples = [sample for part in parts for sample in part.samples]
        return tuple({file.parent for one in samples for file in (one.image, one.labels)})

    @property
    def settings(self) -> Settings:
        """All that decides on the weights, in words and numbers of JSON."""
        return {
            **self.recipe.model_dump(mode="json"),
            "backbone_weights": name_weights(self.backbone_weights),
            "classes": list(self.classes.names),
            "samples": len(self.training.samples),
            "samples_sha256": self.training.digest,
        }
