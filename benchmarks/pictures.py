"""Images to measure on: PASCAL VOC with simulated masks where it is there, else generated."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_sepl import MaskSet

VOC = Path(__file__).parents[2] / "shared" / "data" / "voc"
NEST = 4  # of so many blobs one is the parent and the others lie in it


@dataclass(frozen=True, eq=False)
class Picture:
    """Pseudo-labels and masks of one image."""

    name: str
    pseudo: NDArray[np.uint8]
    masks: MaskSet


def voc_size_pictures(count: int) -> tuple[str, list[Picture]]:
    """Return what the pictures are, and about `count` of them."""
    if not VOC.is_dir():
        made = [generate((375, 500), 100, classes=2, seed=seed) for seed in range(count)]
        return f"{count} generated pictures of 375 × 500 with 100 masks each", made
    ids = (VOC / "train120.txt").read_text().split()
    pictures = [read_voc(image_id) for image_id in ids[:: max(1, len(ids) // count)]]
    masks = int(np.median([len(picture.masks) for picture in pictures]))
    return f"{len(pictures)} PASCAL VOC images with {masks} simulated masks (median)", pictures


def read_voc(image_id: str) -> Picture:
    """Read one image of ../shared/data/voc."""
    records = json.loads((VOC / "masks_simulated" / f"{image_id}.json").read_text())
    pseudo = np.array(Image.open(VOC / "pseudo_transcam" / f"{image_id}.png"))
    return Picture(image_id, pseudo, MaskSet.from_rle(records))


def generate(
    shape: tuple[int, int], count: int, classes: int, seed: int = 0, *, ignore: bool = False
) -> Picture:
    """Return a picture of nested blobs with rough borders, sized from specks to a third of it.

    The pseudo-labels are a few of the blobs, shrunk and shifted as class activation maps are,
    with a rim of 255 if `ignore`.
    """
    rng = np.random.default_rng(seed)
    blobs = [Blob.random(rng, shape) for _ in range(count // NEST)]
    blobs += [blob.child(rng) for blob in blobs for _ in range(NEST - 1)]
    masks = MaskSet.from_rle([blob.rle(shape) for blob in blobs], shape=shape)
    flat = np.zeros(shape[0] * shape[1], np.uint8)
    for number, blob in enumerate(blobs[: min(3 * classes, count // NEST)]):
        if ignore:
            fill(flat, blob.moved(0.1, 0.95), shape, 255)
        fill(flat, blob.moved(0.1, 0.8), shape, number % classes + 1)
    pseudo = np.ascontiguousarray(flat.reshape(shape[::-1]).T)
    return Picture(f"generated {seed}", pseudo, masks)


@dataclass(frozen=True)
class Blob:
    """A slanted ellipse whose border waves; all lengths in pixels."""

    row: float
    col: float
    radius: float
    slant: float
    phase: float

    @classmethod
    def random(cls, rng: np.random.Generator, shape: tuple[int, int]) -> "Blob":
        """Return a blob somewhere, small ones as likely as large ones."""
        largest = 0.33 * min(shape)
        radius = float(np.exp(rng.uniform(np.log(largest / 30), np.log(largest))))
        row, col = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        return cls(row, col, radius, rng.uniform(-0.8, 0.8), rng.uniform(0, 6))

    def child(self, rng: np.random.Generator) -> "Blob":
        """Return a smaller blob within this one."""
        row, col = np.array([self.row, self.col]) + rng.uniform(-0.4, 0.4, 2) * self.radius
        radius = self.radius * rng.uniform(0.15, 0.5)
        return Blob(row, col, radius, rng.uniform(-0.8, 0.8), rng.uniform(0, 6))

    def moved(self, by: float, scale: float) -> "Blob":
        """Return this blob shifted by a share of its radius and scaled."""
        return replace(self, row=self.row + by * self.radius, radius=self.radius * scale)

    def rle(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Return this blob as an uncompressed COCO RLE dict."""
        edges = np.column_stack(self.runs(shape)).ravel()
        counts = np.diff(edges, prepend=0, append=shape[0] * shape[1])
        return {"size": list(shape), "counts": counts}

    def runs(self, shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (starts, stops) in column-major positions, one run for each column."""
        first, last = max(0, self.col - self.radius), min(shape[1], self.col + self.radius)
        cols = np.arange(int(first), int(last))
        across = (cols - self.col) / self.radius
        heights = np.sqrt(np.maximum(0, 1 - across**2)) * (
            1 + 0.06 * np.sin(9 * across + self.phase)
        )
        middles = self.row + self.slant * across * self.radius
        tops = np.clip(middles - heights * self.radius, 0, shape[0] - 1).astype(np.int64)
        bottoms = np.clip(middles + heights * self.radius, 0, shape[0] - 1).astype(np.int64)
        kept = bottoms > tops
        begin = cols[kept] * shape[0]
        return begin + tops[kept], begin + bottoms[kept]


def fill(flat: NDArray[np.uint8], blob: Blob, shape: tuple[int, int], value: int) -> None:
    """Write a value on a blob's pixels in a column-major map."""
    for start, stop in zip(*blob.runs(shape), strict=True):
        flat[start:stop] = value
