"""The batches of a training: which samples, and how cropped, depends on seed and iteration alone.

So a training that is resumed meets the same batches as one that never stopped, with any number of
processes that read them.
"""

import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.errors import attempt
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.training.labelled import LabelledImage, read_labelled
from napari_sepl.training.recipe import MEAN, STD, TrainingError, TrainingRecipe

Picture = NDArray[np.float32]
Labels = NDArray[np.uint8]


def random_crop(
    image: NDArray[np.uint8], labels: Labels, recipe: TrainingRecipe, random: np.random.Generator
) -> tuple[Picture, Labels]:
    """Scale, crop and perhaps mirror an image and its labels.

    Where the scaled image is smaller than the crop, it is filled up with ImageNet's mean colour
    and labels of 255.

    Parameters
    ----------
    image : (H, W, 3) uint8
        The image.
    labels : (H, W) uint8
        Its labels; 255 is ignored in training.
    recipe : TrainingRecipe
        Size of the crop, bounds of the scale, and whether to mirror.
    random : numpy.random.Generator
        Decides; always asked for four numbers.

    Returns
    -------
    (3, crop, crop) float32, (crop, crop) uint8
        The normalised crop, channels first, and its labels.
    """
    choice, top, left, side = random.random(4)
    scale = recipe.scale_min + choice * (recipe.scale_max - recipe.scale_min)
    height, width = (max(1, round(length * scale)) for length in labels.shape)
    picture = resize_picture(image, (height, width))
    targets = np.asarray(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))
    rows = _window(height, recipe.crop, top)
    cols = _window(width, recipe.crop, left)
    crop = np.zeros((3, recipe.crop, recipe.crop), np.float32)  # 0 is the mean once normalised
    target = np.full((recipe.crop, recipe.crop), IGNORE, np.uint8)
    part = np.s_[: rows.stop - rows.start, : cols.stop - cols.start]
    crop[:, *part] = normalise(picture[rows, cols])
    target[part] = targets[rows, cols]
    if recipe.flip and side < 0.5:
        crop, target = crop[..., ::-1], target[:, ::-1]
    return np.ascontiguousarray(crop), np.ascontiguousarray(target)


def resize_picture(image: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an (H, W, 3) uint8 image at another (height, width), bilinear and antialiased."""
    if image.shape[:2] == shape:
        return image
    resized = Image.fromarray(image).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(resized)


def normalise(image: NDArray[np.uint8]) -> Picture:
    """Return an (H, W, 3) uint8 image as (3, H, W) float32: mean 0 and spread 1 on ImageNet."""
    shares = image.astype(np.float32) / 255
    normal = (shares - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1))


def _window(length: int, crop: int, share: float) -> slice:
    """Return the part of `length` that a crop takes; `share` in 0..1 says which, if not all."""
    start = int(share * (max(length - crop, 0) + 1))
    return slice(start, min(start + crop, length))


_ORDER, _CROP = 0, 1  # what random numbers are for: they must not be the same ones


@dataclass(frozen=True)
class Draw:
    """One crop of a batch.

    Parameters
    ----------
    iteration : int
        Which batch, counted from 0.
    slot : int
        Its place in it.
    index : int
        The sample.
    """

    iteration: int
    slot: int
    index: int


def draws(recipe: TrainingRecipe, samples: int, start: int) -> Iterator[list[Draw]]:
    """Yield the batches from iteration `start` on.

    All `samples` are gone through in random order, again and again, each time in another one.
    """
    epoch, order = -1, np.zeros(0, np.int64)
    for iteration in range(start, recipe.iterations):
        batch = []
        for slot in range(recipe.batch):
            wanted, place = divmod(iteration * recipe.batch + slot, samples)
            if wanted != epoch:
                random = np.random.default_rng((recipe.seed, _ORDER, wanted))
                epoch, order = wanted, random.permutation(samples)
            batch.append(Draw(iteration, slot, int(order[place])))
        yield batch


@dataclass(frozen=True)
class Crops:
    """Random crops of samples by their draw; what torch's loader calls a dataset.

    Parameters
    ----------
    samples : sequence of LabelledImage
        What there is to draw from.
    classes : ClassList
        The labels that may occur.
    recipe : TrainingRecipe
        How to crop.
    """

    samples: Sequence[LabelledImage]
    classes: ClassList
    recipe: TrainingRecipe

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> tuple[NDArray[np.float32], NDArray[np.uint8]] | str:
        """Return a crop and its labels; a message where they cannot be read.

        An error would lose its words on the way from another process.
        """
        sample = self.samples[draw.index]
        random = np.random.default_rng((self.recipe.seed, _CROP, draw.iteration, draw.slot))

        def crop() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
            image, labels = read_labelled(sample, self.classes)
            return random_crop(image, labels, self.recipe, random)

        return attempt(crop, str, sample.image)


def load_batches(crops: Crops, start: int, workers: int, *, pinned: bool) -> Generator[Any]:
    """Yield batches from iteration `start` on.

    Parameters
    ----------
    crops : Crops
        What they are made of.
    start : int
        The first iteration.
    workers : int
        Processes that read ahead; 0 to read in this one.
    pinned : bool
        Keep batches where a CUDA card fetches them from.

    Yields
    ------
    images, labels : (B, 3, crop, crop) float32 and (B, crop, crop) int64 torch.Tensor
        A batch.

    Raises
    ------
    TrainingError
        If a sample cannot be read, or a process dies.
    """
    import torch
    from torch.utils.data import DataLoader

    loader = DataLoader(
        crops, batch_sampler=draws(crops.recipe, len(crops), start), num_workers=workers,
        collate_fn=stack, pin_memory=pinned,
        generator=torch.Generator(),  # it would take a number from those of dropout
        multiprocessing_context="spawn" if workers else None,
    )  # fmt: skip
    with _ctrl_c_ignored():  # which the processes that start here inherit
        batches = iter(loader)
    while True:
        try:
            batch = next(batches, None)
        except RuntimeError as error:  # how torch reports that a process is gone
            text = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"a data-loading worker ended ({text}); its memory may have been too "
                "little. Try with fewer --workers."
            ) from error
        if batch is None:
            return
        if isinstance(batch, str):
            raise TrainingError(batch)
        yield batch


def stack(crops: Sequence[tuple[NDArray[np.float32], NDArray[np.uint8]] | str]) -> Any:
    """Return crops as one batch of tensors, or the message of one that could not be read."""
    import torch

    failed = next((crop for crop in crops if isinstance(crop, str)), None)
    if failed is not None:
        return failed
    images = torch.from_numpy(np.stack([crop[0] for crop in crops]))
    labels = torch.from_numpy(np.stack([crop[1] for crop in crops]).astype(np.int64))
    return images, labels


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Let Ctrl+C reach neither this process for a moment nor, ever, those started meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield  # other threads get no signals and may not set what they do
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
