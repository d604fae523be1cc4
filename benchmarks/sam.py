"""Time, memory and agreement of SAM's automatic masks: upstream, here, and guided.

Run with ``python -m benchmarks.sam [model] [device] [points a side]``. The weights are random,
which is as good for time; as many masks stay as a threshold on their ratings lets through. Each
way runs in a process of its own, so that its peak memory is its own.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import VOC, generate, read_voc
from benchmarks.timing import duration, machine, print_table, verdict
from napari_sepl import MaskSet, enhance
from napari_sepl.proposals.checkpoints import LoadedSam
from napari_sepl.proposals.device import choose_device
from napari_sepl.proposals.models import find_model
from napari_sepl.proposals.points import MARGIN, near_labels, plan_crops
from napari_sepl.proposals.process import Remote
from napari_sepl.proposals.sam import SamMasks
from napari_sepl.proposals.settings import SamSettings

SHAPE = (375, 500)
STAY = 0.05  # share of masks that their rating lets through; about 150 of the paper's 3,072
ROUNDS = 2
COVERED = 0.2  # share of the image that pseudo-labels cover
HEADER = ("", "time", "peak memory", "masks", "ratio", "target", "")


@dataclass(frozen=True)
class Measured:
    """What one way took."""

    seconds: float
    memory: float
    masks: int


class Ways:
    """Upstream's generator and ours, with the same network."""

    def __init__(self, name: str, device: str, side: int) -> None:
        import torch  # noqa: PLC0415  not installed everywhere

        torch.manual_seed(0)
        model = find_model(name)
        network = model.build().eval()
        with torch.no_grad():  # ratings below 0, which random weights give, are no thresholds
            network.mask_decoder.iou_prediction_head.layers[-1].bias += 1
        self.device = choose_device(device)
        self._sam = LoadedSam(model, network.to(self.device), self.device, "")
        rng = np.random.default_rng(0)
        self._image = rng.integers(0, 255, (*SHAPE, 3)).astype(np.uint8)
        first = SamSettings(points_per_side=4, pred_iou_thresh=0, stability_score_thresh=0,
                            box_nms_thresh=1)  # fmt: skip
        ratings = SamMasks(self._sam, first).make(self._image).scores.predicted_iou
        self._settings = first.model_copy(update={
            "points_per_side": side,
            "pred_iou_thresh": float(np.quantile(ratings, 1 - STAY)),
        })  # fmt: skip

    def upstream(self) -> Measured:
        """Measure segment-anything's own generator."""
        from segment_anything import SamAutomaticMaskGenerator  # noqa: PLC0415  as torch

        generator = SamAutomaticMaskGenerator(
            self._sam.network, **self._settings.model_dump(), output_mode="coco_rle"
        )
        return self._measured(lambda: generator.generate(self._image))

    def full(self) -> Measured:
        """Measure ours on the whole grid."""
        return self._measured(lambda: SamMasks(self._sam, self._settings).make(self._image))

    def guided(self) -> Measured:
        """Measure ours near pseudo-labels: a disc that covers a fifth of the image."""
        pseudo = disc(SHAPE, COVERED)
        return self._measured(lambda: SamMasks(self._sam, self._settings).make(self._image, pseudo))

    def _measured(self, make: Callable[[], Any]) -> Measured:
        import torch  # noqa: PLC0415  as above

        start = time.perf_counter()
        masks = len(make())
        seconds = time.perf_counter() - start
        if self.device == "cpu":  # kB; of the whole process, torch and weights with it
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        else:
            memory = torch.cuda.max_memory_allocated()
        return Measured(seconds, memory / 1e9, masks)


def disc(shape: tuple[int, int], share: float) -> NDArray[np.uint8]:
    """Return (H, W) uint8: a disc of class 1 that covers a share of the image."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    radius = np.sqrt(share * shape[0] * shape[1] / np.pi)
    inside = (rows - shape[0] / 2) ** 2 + (cols - shape[1] / 2) ** 2 < radius**2
    covered: NDArray[np.uint8] = inside.astype(np.uint8)
    return covered


def time_rows(name: str, device: str, side: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for upstream, ours and guided, measured in turns."""
    told = {"upstream": "upstream", "full": "ours", "guided": "ours, guided"}
    found: dict[str, list[Measured]] = {way: [] for way in told}
    with ExitStack() as stack:
        ways = {way: stack.enter_context(Remote(Ways, name, device, side)) for way in told}
        for _ in range(ROUNDS):
            for way, remote in ways.items():
                found[way].append(remote.call(way))
    times = {way: np.array([taken.seconds for taken in each]) for way, each in found.items()}
    for way, each in found.items():
        ratio = float(np.median(times["upstream"] / times[way]))
        target = verdict(ratio, at_least=3 if way == "guided" else None)
        memory = f"{max(taken.memory for taken in each):.2f} GB"
        spent = duration(float(np.median(times[way])))
        yield told[way], spent, memory, str(each[0].masks), f"{ratio:.2f}×", *target


def choose(masks: MaskSet, points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the indices of the masks that hold one of the points, (x, y)."""
    cells = [(int(y), int(x)) for x, y in points]
    held = np.zeros(len(masks), np.bool_)
    for row, col in cells:
        held |= masks.runs.contains(row, col)
    return np.flatnonzero(held)


def agreement(count: int) -> Iterator[tuple[str, ...]]:
    """Yield how SEPL's labels agree if masks that no point near pseudo-labels hits are missing."""
    ids = (
        (VOC / "train120.txt").read_text().split()[:: max(1, 120 // count)] if VOC.is_dir() else []
    )
    pictures = [read_voc(name) for name in ids] or [
        generate(SHAPE, 100, 2, s) for s in range(count)
    ]
    for margin in (0.0, MARGIN, 2 * MARGIN):
        asked, near, same, equal, dropped = [], [], [], 0, []
        for picture in pictures:
            shape = (picture.pseudo.shape[0], picture.pseudo.shape[1])
            grid = plan_crops(shape, SamSettings())[0].points
            kept = plan_crops(shape, SamSettings(), picture.pseudo, margin)[0].points
            every, some = choose(picture.masks, grid), choose(picture.masks, kept)
            first, second = (
                enhance(picture.pseudo, MaskSet(picture.masks.runs.choose(c), _scores(picture, c)))
                for c in (every, some)
            )
            asked.append(len(kept) / len(grid))
            near.append(near_labels(picture.pseudo, margin).mean())
            dropped.append(1 - len(some) / len(every))
            same.append((first == second).mean())
            equal += np.array_equal(first, second)
        yield (
            f"{margin:.4f}", f"{np.mean(asked):.1%}", f"{np.mean(dropped):.1%}",
            f"{equal} of {len(pictures)}", f"{np.mean(same):.4%}", f"{np.min(same):.2%}",
        )  # fmt: skip


def _scores(picture: Any, chosen: NDArray[np.intp]) -> Any:
    return type(picture.masks.scores).unknown(len(chosen))


def main() -> None:
    """Print both tables."""
    name, device, side = [*sys.argv[1:], *("vit_b", "auto", "32")[len(sys.argv) - 1 :]]
    print(machine())
    header = ("margin", "points asked", "masks not found", "equal labels", "equal pixels", "worst")
    print_table(
        "SEPL on simulated masks (not SAM's), those left out that hold no point of the grid "
        "near pseudo-labels, against those that hold any point of the grid",
        header,
        agreement(40),
    )
    size = f"{SHAPE[0]} × {SHAPE[1]}, {side} points a side"
    title = f"{name} with random weights, {size}, median of {ROUNDS} rounds"
    print_table(title, HEADER, time_rows(name, device, int(side)))


if __name__ == "__main__":
    main()
