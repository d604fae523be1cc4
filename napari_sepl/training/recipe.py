"""How a network is trained, and what can end a training.

TrainingError              the training cannot continue
├── MissingTorchError      torch or torchvision is not installed
├── DivergedError          the loss is no number any more
└── TooLittleMemoryError   a batch does not fit into the memory of the device
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_sepl.core.errors import SeplError


class TrainingError(SeplError):
    """The training cannot continue; the last checkpoint is whole."""


class MissingTorchError(TrainingError):
    """A package that training needs is not installed."""


class DivergedError(TrainingError):
    """The loss is no number any more."""


class TooLittleMemoryError(TrainingError):
    """A batch does not fit into the memory of the device."""


MEAN = (0.485, 0.456, 0.406)
"""Mean of ImageNet's red, green and blue, as shares of full brightness."""

STD = (0.229, 0.224, 0.225)
"""Their standard deviations."""


class Precision(StrEnum):
    """The numbers a network computes with; its weights are float32 always."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class TrainingRecipe(BaseModel):
    """The settings of a training; frozen, so that a checkpoint can be tied to them.

    The defaults are those usual for DeepLab V3 on PASCAL VOC; each network has its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    network: str = Field("deeplabv3_resnet101", description="The network.")
    iterations: int = Field(30_000, ge=1, description="Batches to train on.")
    batch: int = Field(16, ge=2, description="Crops a batch; batch normalisation needs two.")
    crop: int = Field(513, ge=16, description="Height and width of a crop, in pixels.")
    scale_min: float = Field(0.5, gt=0, le=10, description="Smallest factor of random scaling.")
    scale_max: float = Field(2.0, gt=0, le=10, description="Largest factor of random scaling.")
    flip: bool = Field(True, description="Mirror every other crop, by chance.")
    lr: float = Field(0.001, gt=0, description="Learning rate of the backbone, to begin with.")
    head_factor: float = Field(
        10.0, gt=0, description="How many times faster all but the backbone learns."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of SGD.")
    weight_decay: float = Field(1e-4, ge=0, description="Weight decay of SGD.")
    power: float = Field(
        0.9, gt=0, description="The rate falls as (1 - iteration / iterations) to this power."
    )
    freeze_bn: bool = Field(
        False, description="Leave the backbone's batch normalisation as its weights have it."
    )
    precision: Precision = Field(
        Precision.AUTO,
        description="auto: bfloat16 or else float16 on a CUDA card, float32 elsewhere.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of all that is random.")

    @model_validator(mode="after")
    def _check_scales(self) -> Self:
        if self.scale_min > self.scale_max:
            raise ValueError(f"scale_min {self.scale_min:g} is above scale_max {self.scale_max:g}")
        return self

    def rate(self, iteration: int) -> float:
        """Return the backbone's learning rate at an iteration, counted from 0."""
        return float(self.lr * (1 - iteration / self.iterations) ** self.power)
