"""The window: from a slider move to the painted frame, against a bare redraw.

Run with ``python -m benchmarks.screen`` (on a machine without a display: under ``xvfb-run -a``).
Each move is paired with a redraw of the same canvas that changes nothing.
"""

from itertools import cycle
from time import perf_counter
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from benchmarks.examples import Example, generate, voc_size_examples
from benchmarks.timing import machine, print_table
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.labels.classes import VOC
from napari_sepl.document.inputs import Inputs
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.widget import SeplWidget

MOVES = 60
REST = 0.3  # seconds
TARGETS = {1000: 15.0, 10_000: 25.0}
"""Milliseconds over a bare redraw, by the longest side of the image they hold up to."""


class Screen:
    """A window whose frames can be counted."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1400, 900)
        self.widget: SeplWidget = widget_of(self.viewer)
        self._canvas: Any = self.viewer.window._qt_viewer.canvas  # noqa: SLF001
        self.frames = 0
        self._canvas._scene_canvas.events.draw.connect(self._count, position="last")  # noqa: SLF001

    def _count(self, _: object) -> None:
        self.frames += 1

    def open(self, example: Example) -> None:
        """Show an example."""
        image = np.random.default_rng(0).integers(0, 256, example.pseudo.shape, dtype=np.uint8)
        self.show(Inputs(example.name, image, example.pseudo, example.masks, VOC))

    def show(self, inputs: Inputs) -> None:
        """Show an image."""
        self.widget.controller.open(lambda: inputs)
        self.widget.controller.context.background.wait()
        for _ in range(20):
            QApplication.processEvents()

    def redraw(self) -> float:
        """Return milliseconds of a redraw that changes nothing."""
        return self._timed(self._canvas.native.update)

    def move(self, t1: float) -> float:
        """Return milliseconds from a slider move to the frame that shows it."""
        slider = self.widget.params.controls["t1"]

        def drag() -> None:
            slider.setValue(t1)
            self._canvas.native.update()  # a move that flips no mask is timed to a frame too

        return self._timed(drag)

    def drag(self) -> tuple[np.ndarray, np.ndarray]:
        """Return milliseconds of moves and of redraws, one after the other."""
        thresholds = cycle([*np.linspace(0.02, 0.98, 25), *np.linspace(0.98, 0.02, 25)])
        pairs = [(self.move(next(thresholds)), self.redraw()) for _ in range(MOVES)]
        moves, redraws = np.array(pairs[5:]).T
        return moves, redraws

    def point(self, rounds: int = MOVES) -> tuple[np.ndarray, np.ndarray]:
        """Return milliseconds from a mouse move to the outline on screen, and of redraws."""
        controller = self.widget.controller
        document = controller.context.document
        assert document is not None
        rng = np.random.default_rng(0)
        masks = document.inputs.masks
        pairs = []
        for index in rng.permutation(len(masks))[:rounds]:
            inside = np.argwhere(masks.decode(int(index)))
            row, col = map(int, inside[len(inside) // 2])
            moved = self._timed(lambda at=(row, col): self._hover(*at))
            pairs.append((moved, self.redraw()))
        first, second = np.array(pairs[5:]).T
        return first, second

    def _hover(self, row: int, col: int) -> None:
        self.widget.controller.pointing.hover(row, col)
        self._canvas.native.update()

    def click(self, rounds: int = MOVES) -> tuple[np.ndarray, np.ndarray]:
        """Return milliseconds from a click to the labels on screen, and of redraws.

        Between two clicks outlines and thumbnails follow, as they do while a person aims.
        """
        controller = self.widget.controller
        document = controller.context.document
        assert document is not None
        masks, pairs = document.inputs.masks, []
        for index in np.random.default_rng(1).permutation(len(masks))[:rounds]:
            inside = np.argwhere(masks.decode(int(index)))
            controller.pointing.hover(*map(int, inside[len(inside) // 2]))
            self.rest()
            pairs.append((self._timed(self._click), self.redraw()))
        first, second = np.array(pairs[5:]).T
        return first, second

    def rest(self) -> None:
        """Run all delayed work."""
        end = perf_counter() + REST
        while perf_counter() < end:
            QApplication.processEvents()

    def _click(self) -> None:
        self.widget.controller.pointing.decide(self.widget.controller.context.class_id)
        self._canvas.native.update()

    def close(self) -> None:
        """Close the window without a question."""
        document = self.widget.controller.context.settled()
        if document is not None:
            document.mark_saved(document.history.mark)
        self.viewer.close()

    def _timed(self, act: Any) -> float:
        QApplication.processEvents()
        frames, start = self.frames, perf_counter()
        act()
        while self.frames == frames:
            QApplication.processEvents()
        return 1000 * (perf_counter() - start)


def row(screen: Screen, example: Example, strategy: str) -> tuple[str, ...]:
    """Return one line of the table: a drag of t1 over an example."""
    screen.open(example)
    screen.widget.controller.set_params(Params.model_validate({"strategy": strategy}))
    moves, redraws = screen.drag()
    over = moves - redraws
    target = next(ms for side, ms in TARGETS.items() if max(example.pseudo.shape) <= side)
    height, width = example.pseudo.shape
    median = float(np.median(over))
    return (
        f"{height} × {width}, {len(example.masks)} masks, {strategy}",
        f"{np.median(redraws):.1f} ms",
        f"{np.median(moves):.1f} ms",
        f"{median:.1f} ms",
        f"{np.percentile(over, 90):.1f} ms",
        f"≤ {target:.0f} ms {'met' if median <= target else 'MISSED'}",
    )


def pointing_row(
    name: str, example: Example, frames: tuple[np.ndarray, np.ndarray], target: float
) -> tuple[str, ...]:
    """Return one line of the second table: from the mouse to the painted frame, redraw and all."""
    acts, redraws = frames
    median = float(np.median(acts))
    height, width = example.pseudo.shape
    return (
        f"{name}, {height} × {width}, {len(example.masks)} masks",
        f"{np.median(redraws):.1f} ms",
        f"{median:.1f} ms",
        f"{np.percentile(acts, 90):.1f} ms",
        f"≤ {target:.0f} ms {'met' if median <= target else 'MISSED'}",
    )


def main() -> None:
    """Print the table."""
    print(machine())
    screen = Screen()
    description, examples = voc_size_examples(1)
    large = generate((4096, 4096), 1000, classes=20)
    rows = [
        row(screen, example, strategy)
        for example in (examples[0], large)
        for strategy in ("paper", "released")
    ]
    header = ("drag of t1", "redraw", "move", "over redraw", "90th percentile", "target")
    print_table(f"On screen ({description}; 4096² generated), {MOVES} pairs each", header, rows)
    pointed = []
    for example in (examples[0], large):
        screen.open(example)
        pointed.append(pointing_row("hover", example, screen.point(), 30.0))
        pointed.append(pointing_row("click", example, screen.click(), 50.0))
    headings = ("pointing at masks", "redraw", "to the frame", "90th percentile", "target")
    print_table("From the mouse to the painted frame", headings, pointed)
    screen.close()


if __name__ == "__main__":
    main()
