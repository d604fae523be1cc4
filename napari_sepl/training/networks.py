"""The networks that can be trained, their usual recipes, and the weights they start from."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.files.digests import digest_file
from napari_sepl.proposals.weights import misfit, read_weights
from napari_sepl.training.recipe import MissingTorchError, TrainingError, TrainingRecipe


@dataclass(frozen=True)
class Network:
    """A network by its name.

    Its parts are called ``backbone`` and ``classifier``, and it maps (B, 3, H, W) normalised
    images to a dict with (B, classes, H, W) scores as "out".

    Parameters
    ----------
    title : str
        What it is, for people.
    backbone : str
        torchvision's name of the classifier whose weights the backbone may start from.
    build : callable
        Returns the network, a torch Module with random weights, for a number of classes.
    usual : TrainingRecipe
        How it is usually trained on PASCAL VOC.
    prefix : str
        What the names of the backbone's weights begin with in torchvision's classifier.
    """

    title: str
    backbone: str
    build: Callable[[int], Any]
    usual: TrainingRecipe
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
    dilated = [False, True, True]  # features at an eighth of the image's size
    backbone = getattr(models, resnet)(weights=None, replace_stride_with_dilation=dilated)
    return DeepLabV2(backbone, 2048, classes)


def _v3(backbone: str, title: str, prefix: str = "") -> tuple[str, Network]:
    name = f"deeplabv3_{backbone}"
    build = partial(_torchvisions, name)
    return name, Network(
        f"DeepLab V3, {title}", backbone, build, TrainingRecipe(network=name), prefix
    )


def _v2(backbone: str, title: str) -> tuple[str, Network]:
    name = f"deeplabv2_{backbone}"
    usual = TrainingRecipe(
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


IMAGENET, NONE = "imagenet", "none"
"""What stands for torchvision's published weights, and for random ones."""

_COUNTER = "num_batches_tracked"  # which older files lack, and nothing computes with


def name_weights(asked: str) -> str:
    """Return what tells first weights from others: "imagenet", "none" or a file's SHA-256.

    Raises
    ------
    InputError
        If there is no such file.
    """
    return asked if asked in (IMAGENET, NONE) else digest_file(Path(asked))


def load_backbone(module: Any, network: Network, asked: str) -> None:
    """Give the backbone of a network its first weights.

    Parameters
    ----------
    module : torch.nn.Module
        The network, as `network` builds it; its backbone is changed.
    network : Network
        Which one.
    asked : str
        "imagenet", "none" to leave it as it is, or a file of weights: of a classifier, as
        torchvision names them, or of the backbone alone.

    Raises
    ------
    InputError
        If the file is no file of weights, or of another backbone.
    TrainingError
        If ImageNet's weights are not here and cannot be fetched.
    """
    if asked == NONE:
        return
    title = f"the weights of {network.backbone}"
    if asked == IMAGENET:
        weights = _fetch(network.backbone)
    else:
        weights = read_weights(Path(asked), f"{title} as torch saves them")
    wanted = module.backbone.state_dict()
    counters = {name: value for name, value in wanted.items() if name.endswith(_COUNTER)}
    weights = counters | _features(weights, network)
    difference = misfit(wanted, weights)
    if difference:
        raise InputError(asked, found=f"weights {difference}", expected=title)
    module.backbone.load_state_dict(weights)


def _features(weights: dict[str, Any], network: Network) -> dict[str, Any]:
    """Leave out what a classifier does after its features."""
    named = {
        name.removeprefix(network.prefix): value
        for name, value in weights.items()
        if not name.startswith(("fc.", "classifier."))
    }
    return {name: value for name, value in named.items() if name}


def _fetch(backbone: str) -> dict[str, Any]:
    """Return torchvision's weights, from its own store on the disk or from the net."""
    import torch
    from torchvision.models import get_model_weights

    published = get_model_weights(backbone)["IMAGENET1K_V1"]
    try:
        weights: dict[str, Any] = published.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; RuntimeError: a wrong hash
        place = Path(torch.hub.get_dir()) / "checkpoints" / published.url.rpartition("/")[2]
        raise TrainingError(
            f"could not be fetched: {published.url} ({error}). Fetch it by other means and put it "
            f"at {place}, name another file as --backbone-weights FILE, or begin with random "
            "weights: --backbone-weights none."
        ) from error
    return weights
