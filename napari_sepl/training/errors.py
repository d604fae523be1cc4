"""What can go wrong while a network is trained.

TrainingError              the training cannot go on
├── MissingTorchError      torch or torchvision is not installed
├── DivergedError          the loss is no number any more
└── TooLittleMemoryError   a batch does not fit into the memory of the device
"""

from napari_sepl.core.errors import SeplError


class TrainingError(SeplError):
    """The training cannot go on; the last checkpoint is whole."""


class MissingTorchError(TrainingError):
    """A package that training needs is not installed."""


class DivergedError(TrainingError):
    """The loss is no number any more."""


class TooLittleMemoryError(TrainingError):
    """A batch does not fit into the memory of the device."""
