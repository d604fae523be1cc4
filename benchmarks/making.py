"""The window during mask generation, and prompts from the click to the frame with the mask.

Run with ``python -m benchmarks.making [checkpoint]`` (on a machine without a display: under
``xvfb-run -a``). Gaps are times between runs of the event loop, where a timer asks for one every
5 ms. Without torch only regions are generated; with it, a ViT-B of random weights, which take the
same time, or one of your own, generates masks and answers prompts too.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from benchmarks.examples import Example, generate
from benchmarks.screen import Screen
from benchmarks.timing import machine, print_table
from napari_sepl.gui.masks.choice import MaskChoice
from napari_sepl.proposals.models import MODELS, REGIONS

TICK, GAP, ANSWER = 5, 100.0, 100.0  # milliseconds
IDLE = 3.0  # seconds
WATCHED = 60.0  # seconds of SAM's minutes that are watched before it is cancelled
PROMPTS = 20


class Gaps:
    """Times between the ticks of a timer of the window's thread."""

    def __init__(self) -> None:
        self._ticks: list[float] = []
        self._timer = QTimer()
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(lambda: self._ticks.append(perf_counter()))

    def watch(self, seconds: float, over: "Screen | None" = None) -> NDArray[np.float64]:
        """Return the gaps, in ms, until masks are generated, or of so many seconds at most."""
        self._ticks, end = [perf_counter()], perf_counter() + seconds
        self._timer.start()
        while perf_counter() < end and (over is None or not over.widget.masks.make.isEnabled()):
            QApplication.processEvents()
        self._timer.stop()
        return 1000 * np.diff([*self._ticks, perf_counter()])


def making_rows(
    screen: Screen, example: Example, choices: list[MaskChoice]
) -> list[tuple[str, ...]]:
    """Return a line for the window at rest, and one for each way to generate masks."""
    screen.open(example)
    gaps, size = Gaps(), f"{example.pseudo.shape[0]} × {example.pseudo.shape[1]}"
    rows = [gap_row(f"{size}, at rest", gaps.watch(IDLE))]
    for choice in choices:
        screen.widget.controller.making.start(choice)
        found = gaps.watch(WATCHED, screen)
        screen.widget.controller.making.cancel()
        screen.widget.controller.context.background.wait()
        rows.append(gap_row(f"{size}, {choice.model}, {found.sum() / 1000:.0f} s", found))
    return rows


def gap_row(name: str, gaps: NDArray[np.float64]) -> tuple[str, ...]:
    """Return a line of the first table."""
    longest = float(gaps.max())
    met = "met" if longest <= GAP else "MISSED"
    return name, f"{np.median(gaps):.0f} ms", f"{longest:.0f} ms", f"≤ {GAP:.0f} ms {met}"


def prompt_row(screen: Screen, example: Example, choice: MaskChoice) -> tuple[str, ...]:
    """Return a line of the second table: from a point to the frame that shows its mask."""
    screen.open(example)
    prompting = screen.widget.controller.prompting
    screen.widget.masks.model.value = choice.model
    screen.widget.masks.checkpoint.value = choice.checkpoint
    start = perf_counter()
    prompting.toggle()
    screen.widget.controller.context.background.wait()
    read = perf_counter() - start
    rng, taken = np.random.default_rng(0), []
    for row, col in rng.uniform(0.1, 0.9, (PROMPTS, 2)) * example.pseudo.shape:
        start, frames = perf_counter(), screen.frames
        prompting.point(row, col, on=True)
        screen.widget.controller.context.background.wait()
        while screen.frames == frames:
            QApplication.processEvents()
        taken.append(1000 * (perf_counter() - start))
        prompting.remove_prompts()
    prompting.switch_off()
    height, width = example.pseudo.shape
    median = float(np.median(taken))
    met = "met" if median <= ANSWER else "MISSED"
    return f"{height} × {width}", f"{read:.1f} s", f"{median:.0f} ms", f"≤ {ANSWER:.0f} ms {met}"


def random_weights(folder: Path) -> Path:
    """Return a file of weights for ViT-B without training."""
    import torch  # noqa: PLC0415  not installed everywhere

    torch.manual_seed(0)
    path = folder / "random_vit_b.pth"
    torch.save(MODELS["vit_b"].build().state_dict(), path)
    return path


def main() -> None:
    """Print both tables."""
    print(machine())
    screen = Screen()
    examples = [generate(shape, 200, 2) for shape in ((375, 500), (2048, 2048))]
    with tempfile.TemporaryDirectory() as folder:
        sam = []
        if MODELS["vit_b"].is_installed:
            own = Path(sys.argv[1]) if len(sys.argv) > 1 else random_weights(Path(folder))
            sam.append(MaskChoice("vit_b", own, device="auto"))
        choices = [MaskChoice(REGIONS), *sam]
        rows = [row for one in examples for row in making_rows(screen, one, choices)]
        print_table("Gaps of the event loop", ("", "median", "longest", "target"), rows)
        if sam:
            answers = [prompt_row(screen, one, sam[0]) for one in examples]
            header = (
                "ViT-B",
                "loaded, and the image read",
                "a point, to the mask's frame",
                "target",
            )
            print_table("Prompts", header, answers)
        screen.widget.controller.making.close()
        screen.widget.controller.prompting.close()
    screen.viewer.close()


if __name__ == "__main__":
    main()
