"""Make the three sample pictures, their pseudo-labels, masks and expected labels.

Everything here follows from pictures that scikit-image carries in its own
package; no neural network takes part. Roughly drawn outlines come from
outlines.json. See README.md beside this file.

Run it with ``python sample_data/make_samples.py``. It needs scikit-image,
Pillow and pycocotools, and writes the same bytes each time.
"""

# mypy: disable-error-code="no-untyped-call"
# (scikit-image says that it is typed, and annotates few of its functions.)

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from scipy import ndimage
from skimage import color, data, draw, filters, graph, measure, morphology, segmentation, transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]
Colours = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Real = NDArray[np.float64]

HERE = Path(__file__).parent
PERSON, CAT, CUP, SPOON, DINING_TABLE, IGNORE = 1, 16, 42, 45, 61, 255
T1, T2 = 0.5, 0.85

CAM_STRIDE = 16  # pixels per cell of a usual network's last layer
PAD = 16  # room around the picture, so that no outline is cut by its edge
SMALLEST_SHARE = 0.006  # of the picture; keeps each picture under 100 masks
SAME_IOU = 0.7  # a region this close to a kept mask shows nothing new
FELZENSZWALB_SCALES = (60.0, 200.0, 600.0)
MERGE_DISTANCES = (8.0, 14.0)


@dataclass(frozen=True)
class Outline:
    """One object drawn by hand, roughly, as (row, col) corners.

    `band` is how far, in pixels, the picture may move the border from there.
    """

    corners: list[tuple[float, float]]
    band: int


@dataclass(frozen=True)
class Bump:
    """One hot spot of a simulated class activation map."""

    class_id: int
    row: float
    col: float
    height: float
    width: float
    strength: float = 1.0


@dataclass(frozen=True)
class Picture:
    """What is known by hand about one picture.

    `groups` builds masks out of outlines: ``"cup saucer -spoon"`` is the union
    of the first two without the third. Activation under `possible` is
    background, from `certain` on a class, and between the two 255. Outlines in
    `unseen` serve the groups and give no mask of their own.
    """

    name: str
    load: Callable[[], Colours]
    size: tuple[int, int]
    groups: tuple[str, ...]
    bumps: tuple[Bump, ...]
    possible: float = 0.35
    certain: float = 0.35
    unseen: tuple[str, ...] = ()


CHELSEA = Picture(
    name="chelsea",
    load=data.chelsea,
    size=(300, 451),
    groups=("cat -head", "all -cat"),
    bumps=(
        Bump(CAT, 110, 240, 95, 120, 1.0),
        Bump(CAT, 210, 270, 70, 80, 0.8),
        Bump(CAT, 195, 375, 35, 28, 0.55),
    ),
)

ASTRONAUT = Picture(
    name="astronaut",
    load=data.astronaut,
    size=(448, 448),
    groups=(
        "hair face",
        "person -hair -face",
        "person -hair -face -collar",
        "person helmet",
        "helmet -visor",
        "all -person -helmet -flag -shuttle",
    ),
    bumps=(
        Bump(PERSON, 95, 200, 80, 90, 1.0),
        Bump(PERSON, 255, 190, 105, 110, 0.9),
    ),
    possible=0.33,
)

COFFEE = Picture(
    name="coffee",
    load=data.coffee,
    size=(320, 480),
    groups=(
        "rim -mouth",
        "cup -rim",
        "mouth -drink",
        "bowl stem",
        "dish cup bowl stem",
        "dish -cup -bowl -stem",
        "all -dish -cup -bowl -stem -floor",
    ),
    bumps=(
        Bump(CUP, 70, 235, 85, 105, 1.0),
        Bump(SPOON, 225, 293, 24, 24, 0.9),
        Bump(DINING_TABLE, 150, 450, 150, 80, 0.9),
        Bump(DINING_TABLE, 300, 30, 90, 100, 0.9),
        Bump(DINING_TABLE, 60, 40, 90, 60, 0.8),
    ),
    unseen=("dish",),
)

PICTURES = (CHELSEA, ASTRONAUT, COFFEE)


def read_picture(picture: Picture) -> Colours:
    """Return the picture at sample size, (H, W, 3) uint8."""
    height, width = picture.size
    loaded = Image.fromarray(picture.load()).convert("RGB")
    return np.asarray(loaded.resize((width, height), Image.Resampling.LANCZOS))


def read_outlines(name: str) -> dict[str, Outline]:
    """Return the outlines that were drawn by hand on a picture."""
    drawn = json.loads((HERE / "outlines.json").read_text(encoding="ascii"))[name]
    return {part: Outline(**fields) for part, fields in drawn.items()}


def edge_strength(colours: Colours) -> Real:
    """Return how sharply the colour changes at each pixel, (H, W) float64."""
    lab = color.rgb2lab(ndimage.gaussian_filter(colours, (0.7, 0.7, 0)))
    strength: Real = np.sqrt(sum(filters.sobel(lab[..., axis]) ** 2 for axis in range(3)))
    return strength


def follow_edges(outline: Outline, edges: Real) -> Mask:
    """Move an outline on to the strongest edges within its band.

    The inside and the outside of the band are seeds of a watershed.
    """
    corners = np.array(outline.corners) + PAD
    drawn = draw.polygon2mask((edges.shape[0] + 2 * PAD, edges.shape[1] + 2 * PAD), corners)
    disk = morphology.disk(outline.band)
    inside = ndimage.binary_erosion(drawn, disk, border_value=1)
    outside = ~ndimage.binary_dilation(drawn, disk)
    seeds = (inside + 2 * outside.astype(np.int32))[PAD:-PAD, PAD:-PAD]
    found: Mask = segmentation.watershed(edges, seeds) == 1
    return found


def combine(rule: str, parts: dict[str, Mask]) -> Mask:
    """Return the mask that a group rule names: unions, then ``-`` takes away."""
    shape = next(iter(parts.values())).shape
    whole = np.zeros(shape, dtype=np.bool_)
    for word in rule.split():
        if word.startswith("-"):
            whole &= ~parts[word[1:]]
        else:
            whole |= parts[word]
    return whole


def region_maps(colours: Colours) -> Iterator[Numbers]:
    """Yield label maps of the picture's regions, each scale from fine to coarse."""
    smooth = ndimage.gaussian_filter(colours, (2.0, 2.0, 0))
    for scale in FELZENSZWALB_SCALES:
        yield segmentation.felzenszwalb(smooth, scale=scale, sigma=0.8, min_size=200)
    fine = segmentation.felzenszwalb(smooth, scale=40.0, sigma=0.8, min_size=100)
    lab = color.rgb2lab(smooth)
    for distance in MERGE_DISTANCES:
        yield graph.cut_threshold(fine, graph.rag_mean_color(lab, fine), distance)


def region_masks(colours: Colours, parts: Iterable[Mask]) -> Iterator[Mask]:
    """Yield every region of every label map as a mask, cut where a part ends."""
    cells: Numbers = np.zeros(colours.shape[:2], dtype=np.int64)
    for part in parts:
        cells = 2 * cells + part
    for regions in region_maps(colours):
        joined = measure.label(cells * (regions.max() + 1) + regions + 1, connectivity=1)
        areas = np.bincount(joined.ravel())
        for number in np.flatnonzero(areas >= SMALLEST_SHARE * joined.size):
            yield joined == number


def tidy(mask: Mask, sigma: float) -> Mask:
    """Smooth a mask, fill its small holes and keep its largest piece."""
    weight = ndimage.gaussian_filter(mask.astype(np.float64), sigma, mode="nearest")
    smooth = weight > 0.5
    smooth = morphology.remove_small_holes(smooth, max_size=max(30, int(mask.sum()) // 50))
    pieces = measure.label(smooth, connectivity=1)
    sizes = np.bincount(pieces.ravel())[1:]
    if sizes.size == 0:
        return np.zeros_like(mask)
    largest: Mask = pieces == int(sizes.argmax()) + 1
    return largest


def is_blob(mask: Mask) -> bool:
    """Say whether a mask is neither too small nor a mere thread."""
    area = int(mask.sum())
    core = ndimage.binary_erosion(mask, iterations=2, border_value=1)
    return area >= SMALLEST_SHARE * mask.size and int(core.sum()) >= 0.4 * area


def intersection_over_union(first: Mask, second: Mask) -> float:
    """Return the share of their union that two masks have in common."""
    common = int((first & second).sum())
    return common / (int(first.sum()) + int(second.sum()) - common)


def propose(picture: Picture, colours: Colours) -> list[Mask]:
    """Return the picture's masks, largest first, without near twins.

    A region that nearly repeats a drawn mask or an earlier region is left out.
    """
    edges = edge_strength(colours)
    outlines = read_outlines(picture.name)
    parts = {name: follow_edges(outline, edges) for name, outline in outlines.items()}
    everything = {**parts, "all": np.ones(edges.shape, dtype=np.bool_)}
    drawn = [parts[name] for name in outlines if name not in picture.unseen]
    drawn += [combine(rule, everything) for rule in picture.groups]
    regions = (tidy(mask, 2.5) for mask in region_masks(colours, parts.values()))
    kept = [tidy(mask, 1.2) for mask in drawn]
    for mask in filter(is_blob, regions):
        if all(intersection_over_union(mask, other) < SAME_IOU for other in kept):
            kept.append(mask)
    return sorted(kept, key=lambda mask: -int(mask.sum()))


def activation(bumps: Iterable[Bump], shape: tuple[int, int], seed: int) -> Real:
    """Return a simulated class activation map, (H, W) float64.

    It is made on a grid of `CAM_STRIDE` pixels, as a network's last layer
    would be, with some unevenness, and stretched to the picture.
    """
    coarse = tuple(-(-side // CAM_STRIDE) for side in shape)
    rows, cols = (np.indices(coarse) + 0.5) * CAM_STRIDE
    heat = np.random.default_rng(seed).normal(0.0, 0.03, coarse)
    for bump in bumps:
        distance = ((rows - bump.row) / bump.height) ** 2 + ((cols - bump.col) / bump.width) ** 2
        heat += bump.strength * np.exp(-distance)
    stretched: Real = transform.resize(heat, shape, order=1, mode="edge")
    return stretched


def simulate_pseudo(picture: Picture) -> Labels:
    """Return CAM-like pseudo-labels, (H, W) uint8: right class, rough outline."""
    class_ids = sorted({bump.class_id for bump in picture.bumps})
    heat = np.stack(
        [
            activation([b for b in picture.bumps if b.class_id == k], picture.size, seed=k)
            for k in class_ids
        ]
    )
    strongest = heat.max(axis=0)
    pseudo: Labels = np.array(class_ids, dtype=np.uint8)[heat.argmax(axis=0)]
    pseudo[strongest < picture.certain] = IGNORE
    pseudo[strongest < picture.possible] = 0
    return pseudo


def assign(masks: Sequence[Mask], pseudo: Labels) -> dict[int, list[Mask]]:
    """Give each mask to the class that it covers most of; ties go to the lowest."""
    class_ids = [int(k) for k in np.unique(pseudo) if k not in (0, IGNORE)]
    assigned: dict[int, list[Mask]] = {k: [] for k in class_ids}
    for mask in masks:
        covered = {k: int((mask & (pseudo == k)).sum()) for k in class_ids}
        best = max(class_ids, key=lambda k: (covered[k], -k))
        if covered[best] > 0:
            assigned[best].append(mask)
    return assigned


def enhance(masks: Sequence[Mask], pseudo: Labels) -> Labels:
    """Return the labels that strategy `paper` makes, conflicts in ascending order.

    Written plainly, mask by mask, to check the faster one in the package by.
    """
    enhanced = np.where(pseudo == IGNORE, IGNORE, 0).astype(np.uint8)
    for class_id, candidates in assign(masks, pseudo).items():
        seed = pseudo == class_id
        region = np.zeros_like(seed)
        for mask in candidates:
            common = int((mask & seed).sum())
            if common / int(mask.sum()) > T1 or common / int(seed.sum()) > T2:
                region |= mask
        enhanced[region if region.any() else seed] = class_id
    return enhanced


def innermost_point(mask: Mask) -> tuple[float, float]:
    """Return the (x, y) of the pixel farthest from the mask's border."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(col - 1), float(row - 1)


def record(mask: Mask) -> dict[str, Any]:
    """Return one mask as segment-anything's automatic generator writes it.

    Its scores are left out: no model gave any. As there, the box's width and
    height are last minus first pixel.
    """
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    height, width = mask.shape
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(cols[0]), int(rows[0])
    return {
        "segmentation": {"size": [height, width], "counts": encoded["counts"].decode("ascii")},
        "area": int(mask.sum()),
        "bbox": [left, top, int(cols[-1]) - left, int(rows[-1]) - top],
        "point_coords": [list(innermost_point(mask))],
        "crop_box": [0, 0, width, height],
    }


def voc_palette() -> list[int]:
    """Return the 256 colours of PASCAL VOC label pictures, flat."""
    palette = np.zeros((256, 3), dtype=np.uint8)
    index = np.arange(256)
    for level in range(8):
        for channel in range(3):
            bit = (index >> (3 * level + channel)) & 1
            palette[:, channel] |= (bit << (7 - level)).astype(np.uint8)
    return [int(value) for value in palette.ravel()]


def write_labels(path: Path, labels: Labels) -> None:
    """Write labels as an index PNG in the colours of PASCAL VOC."""
    image = Image.fromarray(labels).convert("L")
    image.putpalette(voc_palette())
    image.save(path, optimize=True)


def make(picture: Picture, folder: Path) -> None:
    """Write the four files of one picture under a folder."""
    colours = read_picture(picture)
    masks = propose(picture, colours)
    pseudo = simulate_pseudo(picture)
    for part in ("images", "pseudo", "masks", "expected"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    Image.fromarray(colours).save(folder / "images" / f"{picture.name}.jpg", quality=90)
    write_labels(folder / "pseudo" / f"{picture.name}.png", pseudo)
    text = json.dumps([record(mask) for mask in masks])
    (folder / "masks" / f"{picture.name}.json").write_text(text, encoding="ascii")
    write_labels(folder / "expected" / f"{picture.name}.png", enhance(masks, pseudo))


def main() -> None:
    """Write all samples beside this file, or under the folder that is given."""
    parser = argparse.ArgumentParser(description="Make the sample pictures and their labels.")
    parser.add_argument("folder", nargs="?", type=Path, default=HERE)
    folder = parser.parse_args().folder
    for picture in PICTURES:
        make(picture, folder)


if __name__ == "__main__":
    main()
