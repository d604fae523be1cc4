"""DeepLab V2: a dilated ResNet and four convolutions of different reach, added up.

Imported only where torch is installed, by `networks`.
"""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional

RATES = (6, 12, 18, 24)
"""Dilations of the large field of view, in pixels of the features: ASPP-L of arXiv 1606.00915."""

_CLASSIFIES = ("avgpool", "fc")  # what a ResNet does after its features


class DeepLabV2(nn.Module):
    """A network that gives each pixel of an image a score for each class.

    Parameters
    ----------
    resnet : torchvision.models.ResNet
        The backbone; what it classifies whole images with is left out.
    channels : int
        How many features the backbone gives.
    classes : int
        How many classes there are.
    """

    def __init__(self, resnet: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        stages = [(name, part) for name, part in resnet.named_children() if name not in _CLASSIFIES]
        self.backbone = nn.Sequential(OrderedDict(stages))
        self.classifier = nn.ModuleList(
            nn.Conv2d(channels, classes, 3, padding=rate, dilation=rate) for rate in RATES
        )
        for branch in self.classifier:
            nn.init.normal_(branch.weight, std=0.01)
            nn.init.zeros_(branch.bias)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return "out": (B, classes, H, W) scores of (B, 3, H, W) normalised images."""
        features = self.backbone(images)
        scores = torch.stack([branch(features) for branch in self.classifier]).sum(dim=0)
        size = images.shape[-2:]
        whole = functional.interpolate(scores, size=size, mode="bilinear", align_corners=False)
        return {"out": whole}


def without_strides(resnet: nn.Module) -> nn.Module:
    """Let the last two stages of a shallow ResNet, which torchvision cannot dilate, keep size."""
    for stage in (resnet.layer3, resnet.layer4):
        for part in stage.modules():
            if isinstance(part, nn.Conv2d):
                part.stride = (1, 1)
    return resnet
