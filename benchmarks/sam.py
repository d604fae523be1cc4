"""Time and memory of SAM's automatic masks: upstream's generator, ours, and ours guided.

Run with ``python -m benchmarks.sam [model] [device] [points a side] [rounds]``. The weights are
random, which takes the same time; as many masks stay as a threshold on their ratings lets through.
Each way runs in a process of its own, so that its peak memory is its own. Ratios are of processor
time, which other programs affect less; on a graphics card, of time.
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

from benchmarks.timing import duration, machine, print_table, verdict
from napari_sepl.proposals.device import choose_device
from napari_sepl.proposals.models import SamSettings, find_model
from napari_sepl.proposals.process import Remote
from napari_sepl.proposals.sam import SamMasks
from napari_sepl.proposals.weights import LoadedSam

SHAPE = (375, 500)
STAY = 0.05  # share of masks that their rating lets through; about 150 of the paper's 3,072
COVERED = 0.2  # share of the image that pseudo-labels cover
HEADER = (
    "", "time", "processor", "its encoder", "its points", "peak memory", "masks",
    "ratio of points", "ratio", "target", "",
)  # fmt: skip


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and seconds that the processor worked."""

    clock: float
    processor: float


@dataclass(frozen=True)
class Measured:
    """What one way took, in all and in SAM's image encoder; peak memory in GB; how many masks."""

    whole: Spent
    encoder: Spent
    memory: float
    masks: int

    @property
    def points(self) -> Spent:
        """What all took but the encoder, which no choice of points changes."""
        return Spent(
            self.whole.clock - self.encoder.clock, self.whole.processor - self.encoder.processor
        )


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
        network, encoder, before = self._sam.network, [0.0, 0.0], (0.0, 0.0)

        def entering(*_: Any) -> None:
            nonlocal before
            before = self._clocks()

        def leaving(*_: Any) -> None:
            for index, (now, then) in enumerate(zip(self._clocks(), before, strict=True)):
                encoder[index] += now - then

        hooks = [
            network.image_encoder.register_forward_pre_hook(entering),
            network.image_encoder.register_forward_hook(leaving),
        ]
        start = self._clocks()
        masks = len(make())
        spent = [now - then for now, then in zip(self._clocks(), start, strict=True)]
        for hook in hooks:
            hook.remove()
        return Measured(Spent(*spent), Spent(*encoder), self._peak() / 1e9, masks)

    def _clocks(self) -> tuple[float, float]:
        """Return the time, and the processor time of this process, in seconds."""
        if self.device != "cpu":
            import torch  # noqa: PLC0415  as above

            torch.cuda.synchronize()
        return time.perf_counter(), time.process_time()

    def _peak(self) -> int:
        """Return bytes: of the card, or of the whole process with torch and the weights."""
        if self.device == "cpu":
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # it is in kB
        import torch  # noqa: PLC0415  as above

        return int(torch.cuda.max_memory_allocated())


def disc(shape: tuple[int, int], share: float) -> NDArray[np.uint8]:
    """Return (H, W) uint8: a disc of class 1 that covers a share of the image."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    radius = np.sqrt(share * shape[0] * shape[1] / np.pi)
    inside = (rows - shape[0] / 2) ** 2 + (cols - shape[1] / 2) ** 2 < radius**2
    covered: NDArray[np.uint8] = inside.astype(np.uint8)
    return covered


def time_rows(name: str, device: str, side: int, rounds: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for upstream, ours and guided, measured in turns."""
    device = choose_device(device)
    names = {"upstream": "upstream", "full": "ours", "guided": "ours, guided"}
    found: dict[str, list[Measured]] = {way: [] for way in names}
    with ExitStack() as stack:
        ways = {way: stack.enter_context(Remote(Ways, name, device, side)) for way in names}
        for _ in range(rounds):
            for way, remote in ways.items():
                found[way].append(remote.call(way))
    for way, each in found.items():
        yield names[way], *_columns(found["upstream"], each, device, guided=way == "guided")


def _columns(
    upstream: list[Measured], ours: list[Measured], device: str, *, guided: bool
) -> tuple[str, ...]:
    """Return the columns of one way: medians over the rounds, and ratios round by round."""

    def spent(taken: Spent) -> float:
        return taken.processor if device == "cpu" else taken.clock

    def median(of: Callable[[Measured], float]) -> str:
        return duration(float(np.median([of(each) for each in ours])))

    def ratio(of: Callable[[Measured], float]) -> float:
        return float(np.median([of(a) / of(b) for a, b in zip(upstream, ours, strict=True)]))

    whole = ratio(lambda each: spent(each.whole))
    return (
        median(lambda each: each.whole.clock),
        median(lambda each: each.whole.processor),
        median(lambda each: spent(each.encoder)),
        median(lambda each: spent(each.points)),
        f"{max(each.memory for each in ours):.2f} GB",
        str(ours[0].masks),
        f"{ratio(lambda each: spent(each.points)):.2f}×",
        f"{whole:.2f}×",
        *verdict(whole, at_least=3 if guided else None),
    )


def main() -> None:
    """Print the table."""
    usual = ("vit_b", "auto", "32", "2")
    name, device, side, rounds = [*sys.argv[1:], *usual[len(sys.argv) - 1 :]]
    print(machine())
    size = f"{SHAPE[0]} × {SHAPE[1]}, {side} points a side"
    title = f"{name} with random weights, {size}, median of {rounds} rounds"
    print_table(title, HEADER, time_rows(name, device, int(side), int(rounds)))


if __name__ == "__main__":
    main()
