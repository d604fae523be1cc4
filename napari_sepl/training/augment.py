"""Random crops of a picture with its labels, the same for the same random numbers."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl.core.overlap import IGNORE
from napari_sepl.training.recipe import MEAN, SPREAD, Recipe

Picture = NDArray[np.float32]
Labels = NDArray[np.uint8]


def random_crop(
    image: NDArray[np.uint8], labels: Labels, recipe: Recipe, random: np.random.Generator
) -> tuple[Picture, Labels]:
    """Scale, crop and perhaps mirror a picture and its labels.

    Where the scaled picture is smaller than the crop, it is filled up with ImageNet's mean colour
    and labels of 255.

    Parameters
    ----------
    image : (H, W, 3) uint8
        The picture.
    labels : (H, W) uint8
        Its labels; 255 is ignored in training.
    recipe : Recipe
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
    """Return an (H, W, 3) uint8 picture at another (height, width), bilinear and antialiased."""
    if image.shape[:2] == shape:
        return image
    resized = Image.fromarray(image).resize(shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(resized)


def normalise(image: NDArray[np.uint8]) -> Picture:
    """Return an (H, W, 3) uint8 picture as (3, H, W) float32: mean 0 and spread 1 on ImageNet."""
    shares = image.astype(np.float32) / 255
    normal = (shares - np.asarray(MEAN, np.float32)) / np.asarray(SPREAD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1))


def _window(length: int, crop: int, share: float) -> slice:
    """Return the part of `length` that a crop takes; `share` in 0..1 says which, if not all."""
    start = int(share * (max(length - crop, 0) + 1))
    return slice(start, min(start + crop, length))
