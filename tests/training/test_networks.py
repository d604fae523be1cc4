"""The networks, without their weights: shapes, and the names by which weights are found."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.proposals.weights import misfit
from napari_sepl.training import networks
from napari_sepl.training.networks import (
    NETWORKS,
    Network,
    find_network,
    load_backbone,
    name_weights,
    require_torch,
)
from napari_sepl.training.recipe import MissingTorchError, TrainingError
from tests.files.making import refused
from tests.training.tiny import RECIPE, build, need_torch

need_torch()

TINY = Network("the tiny network", "resnet18", build, RECIPE)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_score_each_pixel_and_take_torchvisions_weights(name: str) -> None:
    import torch
    from torchvision.models import get_model

    network = NETWORKS[name]
    with torch.device("meta"):  # shapes without numbers
        module = network.build(5)
        scores = module(torch.zeros(2, 3, 97, 65))["out"]
        classifier = get_model(network.backbone, weights=None)
        features = module.backbone(torch.zeros(2, 3, 96, 64))
    assert scores.shape == (2, 5, 97, 65)
    last = features["out"] if isinstance(features, dict) else features
    assert last.shape[2:] == ((6, 4) if "mobilenet" in name else (12, 8))
    weights = networks._features(classifier.state_dict(), network)
    assert misfit(module.backbone.state_dict(), weights) == ""
    trained = sum(1 for _ in module.backbone.parameters())
    trained += sum(1 for _ in module.classifier.parameters())
    assert trained == sum(1 for _ in module.parameters())


def test_deeplab_v2_adds_four_reaches_up() -> None:
    import torch
    from torch import nn

    from napari_sepl.training.deeplabv2 import RATES, DeepLabV2

    torch.manual_seed(0)
    resnet = nn.Sequential()
    resnet.add_module("conv1", nn.Conv2d(3, 4, 1))
    resnet.add_module("fc", nn.Linear(4, 2))
    network = DeepLabV2(resnet, 4, 3).eval()
    image = torch.rand(1, 3, 60, 60)
    features = network.backbone(image)
    expected = torch.zeros(3)
    for branch, rate in zip(network.classifier, RATES, strict=True):
        expected += branch.bias
        for row in range(3):
            for col in range(3):
                place = features[0, :, 30 + (row - 1) * rate, 30 + (col - 1) * rate]
                expected += branch.weight[:, :, row, col] @ place
    torch.testing.assert_close(network(image)["out"][0, :, 30, 30], expected)


def test_weights_from_before_torch_counted_batches(tmp_path: Path) -> None:
    import torch

    given, own = build(3), build(3)
    path = tmp_path / "backbone.pth"
    weights = given.backbone.state_dict()
    counters = [name for name in weights if name.endswith("num_batches_tracked")]
    assert counters
    torch.save({name: value for name, value in weights.items() if name not in counters}, path)
    load_backbone(own, TINY, str(path))
    for name, value in own.backbone.state_dict().items():
        assert torch.equal(value, weights[name])


def test_first_weights_from_files(tmp_path: Path) -> None:
    import torch

    given, own = build(3), build(3)
    path = tmp_path / "backbone.pth"
    torch.save({**given.backbone.state_dict(), "fc.weight": torch.zeros(2, 2)}, path)
    load_backbone(own, TINY, str(path))
    for name, value in own.backbone.state_dict().items():
        assert torch.equal(value, given.backbone.state_dict()[name])
    before = own.backbone[0].weight.clone()
    load_backbone(own, TINY, "none")
    assert torch.equal(own.backbone[0].weight, before)
    assert name_weights(str(path)) not in (name_weights("none"), name_weights("imagenet"))
    torch.save({"conv1.weight": torch.zeros(2, 2)}, path)
    with refused(path, "weights without 0.weight and with conv1.weight", "weights of resnet18"):
        load_backbone(own, TINY, str(path))
    path.write_bytes(b"x" * 100)
    with refused(path, "torch does not read"):
        load_backbone(own, TINY, str(path))
    with refused(tmp_path / "no.pth", "no such file"):
        name_weights(str(tmp_path / "no.pth"))


def test_weights_that_cannot_be_fetched_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def offline(*_arguments: Any, **_options: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(TrainingError) as caught:
        load_backbone(build(3), TINY, "imagenet")
    told = str(caught.value)
    assert told.startswith("could not be fetched: https://download.pytorch.org/models/resnet18-")
    assert "no route to host" in told
    assert f"put it at {tmp_path / 'checkpoints' / 'resnet18-f37072fd.pth'}" in told
    assert "--backbone-weights none" in told


def test_unknown_networks_and_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with refused("network", "'deeplabv4'", "deeplabv2_resnet101"):
        find_network("deeplabv4")
    require_torch()

    def broken(_name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(MissingTorchError, match=r"does not start here \(operator torchvision"):
        require_torch()
