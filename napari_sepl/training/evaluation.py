"""How well a network labels images that it did not learn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.label_png import write_label_png
from napari_sepl.proposals.device import full_memory_as
from napari_sepl.training.batches import normalise, resize_picture
from napari_sepl.training.labelled import LabelledImage, read_labelled
from napari_sepl.training.learner import computing
from napari_sepl.training.recipe import Precision, TooLittleMemoryError, TrainingError


@dataclass(frozen=True)
class Views:
    """How an image is shown to the network; what it says to each view is averaged.

    Parameters
    ----------
    scales : tuple of float
        Factors of its size.
    flip : bool
        Whether it is shown mirrored too.
    """

    scales: tuple[float, ...] = (1.0,)
    flip: bool = False


ONE_VIEW = Views()
"""The image as it is."""


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network with the class list that its scores are of.

    Parameters
    ----------
    module : torch.nn.Module
        The network, on the device.
    device : str
        Where it computes.
    precision : Precision
        What it computes with.
    views : Views
        How images are shown to it.
    """

    module: Any
    device: str
    precision: Precision = Precision.FLOAT32
    views: Views = ONE_VIEW

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the likeliest class of each pixel, (H, W) uint8, for an (H, W, 3) uint8 image.

        Raises
        ------
        TooLittleMemoryError
            If the image does not fit into the memory of the device.
        """
        size, scales = (
            f"{image.shape[0]} × {image.shape[1]}",
            ", ".join(map(str, self.views.scales)),
        )
        message = (
            f"An image of {size} at the scales {scales} does not fit into the memory of "
            f"{self.device}: lower --scales."
        )
        with full_memory_as(TooLittleMemoryError, message):
            return self._predict(image)

    def _predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        import torch

        height, width = image.shape[:2]
        self.module.eval()
        with torch.inference_mode(), computing(self.device, self.precision):
            shares: Any = 0
            for scale in self.views.scales:
                size = max(1, round(height * scale)), max(1, round(width * scale))
                view = torch.from_numpy(normalise(resize_picture(image, size)))[None]
                view = view.to(self.device)
                shares = shares + self._shares(view, (height, width))
                if self.views.flip:
                    shares = shares + self._shares(view.flip(-1), (height, width)).flip(-1)
            labels = shares[0].argmax(dim=0).to(torch.uint8)
        return np.asarray(labels.cpu().numpy())

    def _shares(self, view: Any, size: tuple[int, int]) -> Any:
        """Return each class's likelihood, (1, C, H, W), at the size of the image."""
        from torch.nn.functional import interpolate

        scores = self.module(view)["out"].float()
        whole = interpolate(scores, size=size, mode="bilinear", align_corners=False)
        return whole.softmax(dim=1)


def evaluate(
    predictor: Predictor,
    samples: Sequence[LabelledImage],
    classes: ClassList,
    save_to: Path | None = None,
) -> Iterator[Confusion]:
    """Compare what a network says of samples with their labels.

    Parameters
    ----------
    predictor : Predictor
        The network.
    samples : sequence of LabelledImage
        Images with their true labels; where those are 255, nothing is compared.
    classes : ClassList
        The classes, and the colours of what is saved.
    save_to : Path, optional
        A folder for palette PNGs of what the network says; it is made if needed.

    Yields
    ------
    Confusion
        Of each sample, in their order.

    Raises
    ------
    InputError
        If a sample cannot be read.
    SaveError
        If a PNG cannot be written.
    TrainingError
        If the memory is too small.
    """
    if save_to is not None:
        make_folder(save_to)
    for sample in samples:
        image, truth = read_labelled(sample, classes)
        try:
            labels = predictor.predict(image)
        except TrainingError as error:
            raise type(error)(f"{error} The image: {sample.image}.") from error
        if save_to is not None:
            write_label_png(save_to / f"{sample.sample_id}.png", labels, classes, None)
        yield Confusion.of(labels, truth)
