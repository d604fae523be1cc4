"""A network that learns: one step of SGD at a time."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.proposals.device import full_memory_as
from napari_sepl.training.recipe import (
    DivergedError,
    Precision,
    TooLittleMemoryError,
    TrainingRecipe,
)

_BFLOAT16_CARDS = 8  # compute capability from which CUDA cards compute in bfloat16 themselves


def settle_precision(asked: Precision, device: str) -> Precision:
    """Return the numbers to compute with on a device.

    Raises
    ------
    InputError
        If the device does not compute with those asked for.
    """
    import torch

    on_card = device.startswith("cuda")
    if asked == Precision.AUTO:
        if not on_card:
            return Precision.FLOAT32
        new = torch.cuda.get_device_capability(device)[0] >= _BFLOAT16_CARDS
        return Precision.BFLOAT16 if new else Precision.FLOAT16
    if asked != Precision.FLOAT32 and not on_card:
        raise InputError(
            "precision", found=f"{asked} on {device}", expected="float32, or a CUDA card"
        )
    return asked


class Learner:
    """A network with its optimizer.

    Parameters
    ----------
    module : torch.nn.Module
        The network, as `networks.Network` tells; it is moved to the device.
    recipe : TrainingRecipe
        How to train it; its precision is not "auto".
    device : str
        Where to compute.
    """

    def __init__(self, module: Any, recipe: TrainingRecipe, device: str) -> None:
        import torch

        self.recipe, self.device = recipe, device
        with _memory_told(recipe, device):
            self.module = module.to(device)
        if recipe.freeze_bn:
            for norm in self._backbone_norms():
                norm.requires_grad_(requires_grad=False)
        parts = (module.backbone, recipe.lr), (module.classifier, recipe.lr * recipe.head_factor)
        groups = [
            {"params": [one for one in part.parameters() if one.requires_grad], "lr": rate}
            for part, rate in parts
        ]
        self.optimizer = torch.optim.SGD(
            groups, recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay
        )
        scaled = recipe.precision == Precision.FLOAT16  # whose gradients would be too small
        self.scaler = torch.amp.GradScaler("cuda", enabled=scaled)

    def step(self, images: Any, labels: Any, iteration: int) -> float:
        """Learn from a batch; return its loss, the mean over all pixels that count.

        Parameters
        ----------
        images : (B, 3, H, W) float32 torch.Tensor
            Normalised crops.
        labels : (B, H, W) int64 torch.Tensor
            Their labels; 255 does not count.
        iteration : int
            Counted from 0; it says how large the step is.

        Raises
        ------
        DivergedError
            If the loss is no number; the weights are then as they were.
        TooLittleMemoryError
            If the batch does not fit into the memory of the device.
        """
        with _memory_told(self.recipe, self.device):
            return self._step(images, labels, iteration)

    def check_finite(self, iteration: int) -> None:
        """Raise DivergedError if a weight is no number after so many iterations.

        A loss is computed before the step that may spoil the weights.
        """
        import torch

        if not all(bool(torch.isfinite(one).all()) for one in self.module.parameters()):
            raise DivergedError(
                f"Iteration {iteration}: weights are no numbers any more, so no checkpoint is "
                "written. A lower --lr may help."
            )

    def _step(self, images: Any, labels: Any, iteration: int) -> float:
        self._begin(iteration)
        images = images.to(self.device, non_blocking=True)
        labels = labels.to(self.device, non_blocking=True)
        with computing(self.device, self.recipe.precision):
            loss = mean_loss(self.module(images)["out"], labels)
        value = float(loss.detach())
        if not abs(value) < float("inf"):
            raise DivergedError(
                f"Iteration {iteration + 1}: the loss is {value}. A lower --lr may help"
                + (", or --precision float32." if self.recipe.precision == "float16" else ".")
            )
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value

    def _begin(self, iteration: int) -> None:
        rate = self.recipe.rate(iteration)
        backbone, head = self.optimizer.param_groups
        backbone["lr"], head["lr"] = rate, rate * self.recipe.head_factor
        self.optimizer.zero_grad(set_to_none=True)
        self.module.train()
        if self.recipe.freeze_bn:
            for norm in self._backbone_norms():
                norm.eval()

    def _backbone_norms(self) -> Iterator[Any]:
        from torch.nn import BatchNorm2d

        return (part for part in self.module.backbone.modules() if isinstance(part, BatchNorm2d))


def mean_loss(scores: Any, labels: Any) -> Any:
    """Return the cross entropy, mean over the pixels that are not 255; 0 where all are.

    Parameters
    ----------
    scores : (B, C, H, W) torch.Tensor
        Of each class.
    labels : (B, H, W) int64 torch.Tensor
        The right classes.
    """
    from torch.nn.functional import cross_entropy

    total = cross_entropy(scores.float(), labels, ignore_index=IGNORE, reduction="sum")
    return total / (labels != IGNORE).sum().clamp(min=1)


@contextmanager
def computing(device: str, precision: Precision) -> Iterator[None]:
    """Compute in 16 bits within the block, where that is asked for and harmless."""
    import torch

    kind = {Precision.FLOAT16: torch.float16}.get(precision, torch.bfloat16)
    on_card = device.startswith("cuda")
    enabled = on_card and precision != Precision.FLOAT32
    with torch.autocast("cuda" if on_card else "cpu", dtype=kind, enabled=enabled):
        yield


def _memory_told(recipe: TrainingRecipe, device: str) -> AbstractContextManager[None]:
    """Return what turns torch's error for a full memory into one that names what to lower."""
    return full_memory_as(
        TooLittleMemoryError,
        f"{recipe.network} with batches of {recipe.batch} crops of {recipe.crop} × "
        f"{recipe.crop} does not fit into the memory of {device}: lower --batch or --crop, or "
        "take a smaller network.",
    )
