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

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import attempt
from napari_sepl.training.augment import random_crop
from napari_sepl.training.errors import TrainingError
from napari_sepl.training.recipe import Recipe
from napari_sepl.training.samples import LabelledImage, read_labelled

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


def draws(recipe: Recipe, samples: int, start: int) -> Iterator[list[Draw]]:
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
    recipe : Recipe
        How to crop.
    """

    samples: Sequence[LabelledImage]
    classes: ClassList
    recipe: Recipe

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
        except RuntimeError as error:  # how torch tells that a process is gone
            told = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"A process that reads samples ended ({told}); its memory may have been too "
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
