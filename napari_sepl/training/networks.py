"""The networks that can be trained, each with its usual recipe."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.training.errors import MissingTorchError
from napari_sepl.training.recipe import Recipe


@dataclass(frozen=True)
class Network:
    """A network by its name.

    Its parts are called ``backbone`` and ``classifier``, and it maps (B, 3, H, W) normalised
    pictures to a dict with (B, classes, H, W) scores as "out".

    Parameters
    ----------
    title : str
        What it is, for people.
    backbone : str
        torchvision's name of the classifier whose weights the backbone may start from.
    build : callable
        Returns the network, a torch Module with random weights, for a number of classes.
    usual : Recipe
        How it is usually trained on PASCAL VOC.
    prefix : str
        What the names of the backbone's weights begin with in torchvision's classifier.
    """

    title: str
    backbone: str
    build: Callable[[int], Any]
    usual: Recipe
    prefix: str = ""


def require_torch() -> None:
    """Raise MissingTorchError, saying what to install, if torch or torchvision cannot be used."""
    missing = [name for name in ("torch", "torchvision") if find_spec(name) is None]
    install = "pip install 'napari-sepl[train]'"
    if missing:
        raise MissingTorchError(
            f"Training needs {' and '.join(missing)}, not installed here: {install}."
        )
    try:
        importlib.import_module("torchvision")
    except (ImportError, OSError, RuntimeError) as error:  # of builds that do not fit each other
        reason = " ".join(str(error).split())[:200]
        raise MissingTorchError(
            f"Training needs torchvision, which does not start here ({reason}): {install} in a "
            "fresh environment."
        ) from error


def find_network(name: str) -> Network:
    """Return the network of that name, or raise InputError naming those there are."""
    if name not in NETWORKS:
        raise InputError("network", found=repr(name), expected=f"one of {', '.join(NETWORKS)}")
    return NETWORKS[name]


def _torchvisions(name: str, classes: int) -> Any:
    from torchvision.models import segmentation

    build = getattr(segmentation, name)
    return build(weights=None, weights_backbone=None, num_classes=classes, aux_loss=False)


def _deeplabv2(resnet: str, classes: int) -> Any:
    from torchvision import models

    from napari_sepl.training.deeplabv2 import DeepLabV2, without_strides

    if resnet == "resnet18":
        return DeepLabV2(without_strides(models.resnet18(weights=None)), 512, classes)
    dilated = [False, True, True]  # features at an eighth of the picture's size
    backbone = getattr(models, resnet)(weights=None, replace_stride_with_dilation=dilated)
    return DeepLabV2(backbone, 2048, classes)


def _v3(backbone: str, title: str, prefix: str = "") -> tuple[str, Network]:
    name = f"deeplabv3_{backbone}"
    build = partial(_torchvisions, name)
    return name, Network(f"DeepLab V3, {title}", backbone, build, Recipe(network=name), prefix)


def _v2(backbone: str, title: str) -> tuple[str, Network]:
    name = f"deeplabv2_{backbone}"
    usual = Recipe(
        network=name, iterations=20_000, batch=10, crop=321, scale_max=1.5, lr=2.5e-4,
        weight_decay=5e-4, freeze_bn=True,
    )  # fmt: skip
    return name, Network(f"DeepLab V2, {title}", backbone, partial(_deeplabv2, backbone), usual)


NETWORKS = dict((
    _v2("resnet101", "ResNet-101"),
    _v2("resnet50", "ResNet-50"),
    _v2("resnet18", "ResNet-18, small enough to try things out on a processor"),
    _v3("resnet101", "ResNet-101"),
    _v3("resnet50", "ResNet-50"),
    _v3("mobilenet_v3_large", "MobileNetV3", prefix="features."),
))  # fmt: skip
"""The networks by name; add to it what has the parts that `Network` tells of."""
