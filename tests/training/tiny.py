"""A network of a few hundred weights, and a handful of small images with labels for it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl.core.labels.classes import VOC, ClassList
from napari_sepl.files.dataset.index import Role
from napari_sepl.training.labelled import LabelledImage, find_labelled
from napari_sepl.training.networks import NETWORKS, Network
from napari_sepl.training.recipe import TrainingRecipe
from tests.files.dataset.opening import open_labels
from tests.files.making import save_image

NAME = "tiny"
SHAPE = (40, 56)
CLASSES = ClassList("three", VOC.names[:3], VOC.colours[:3])
COLOURS = np.array([(30, 30, 30), (200, 60, 40), (40, 80, 210)])
RECIPE = TrainingRecipe(
    network=NAME, iterations=12, batch=3, crop=32, lr=0.05, head_factor=2, weight_decay=1e-4
)  # fmt: skip


def need_torch() -> None:
    """Skip the tests of a file where torch or torchvision does not start."""
    for package in ("torch", "torchvision"):
        pytest.importorskip(
            package,
            reason=f"{package} cannot be imported (the extra 'train'): training is not tested",
            exc_type=(ImportError, OSError, RuntimeError),  # type: ignore[arg-type]
        )


def build(classes: int) -> Any:
    """Return a network with all that makes resuming hard: normalisation and dropout."""
    from torch import nn

    module = nn.Module()
    module.backbone = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
    )  # fmt: skip
    module.classifier = nn.Sequential(nn.Dropout(0.2), nn.Conv2d(8, classes, 1))
    upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    module.forward = lambda x: {"out": upsample(module.classifier(module.backbone(x)))}
    return module


def register(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(NETWORKS, NAME, Network("the tiny network", "resnet18", build, RECIPE))


def picture(seed: int, shape: tuple[int, int] = SHAPE) -> tuple[NDArray[np.uint8], ...]:
    """Return an image whose colours tell the labels, and the labels, with a border of 255."""
    random = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    for class_id in (1, 2):
        row, col = random.integers(4, shape[0] - 16), random.integers(4, shape[1] - 16)
        labels[row : row + 14, col : col + 14] = class_id
    image = (COLOURS[labels] + random.normal(0, 6, (*shape, 3))).clip(0, 255).astype(np.uint8)
    labels[0] = 255
    return image, labels


def find_samples(folder: Path, count: int = 6, first: int = 0) -> list[LabelledImage]:
    """Write samples and return them."""
    images, labels = save_samples(folder, count, first)
    return find_labelled(open_labels(labels, Role.IMAGE, images=images))


def save_samples(folder: Path, count: int = 6, first: int = 0) -> tuple[Path, Path]:
    """Write samples s0, s1, …; return the folders of images and of labels."""
    images, labels = folder / "images", folder / "labels"
    for place in (images, labels):
        place.mkdir(parents=True)
    for seed in range(first, first + count):
        for place, array in zip((images, labels), picture(seed), strict=True):
            save_image(place / f"s{seed}.png", array)
    return images, labels


def same_weights(first: Path, second: Path) -> bool:
    """Return whether two trainings came to the same weights, bit for bit."""
    import torch

    one, other = (
        torch.load(folder / "weights.pt", weights_only=True) for folder in (first, second)
    )
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
