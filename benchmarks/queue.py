"""The queue: 100,000 samples listed, sorted and filtered; and a walk from image to image.

Run with ``python -m benchmarks.queue`` (without a display: under ``xvfb-run -a``).
The walk goes over ../shared/data/voc if present, else over generated images.
"""

import itertools
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from benchmarks.examples import VOC, generate
from benchmarks.timing import duration, machine, print_table
from napari_sepl.core.labels.classes import VOC as CLASSES
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.workflow.review.queue import STATUSES, Column, Filter, Queue

MANY = 100_000
WALK = 500
PAUSE = 150  # milliseconds a person looks at an image at the very least


def seconds(act: Callable[[], object]) -> float:
    """Return the median of five runs."""
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def measure_listing() -> None:
    """Print how long the panel takes to list, sort and filter many samples."""
    application = QApplication.instance() or QApplication(sys.argv)  # held until the end
    queue = Queue([f"2008_{number:06d}" for number in range(MANY)])
    rng = np.random.default_rng(0)
    queue.status[:] = rng.integers(0, len(STATUSES), MANY)
    queue.change[:] = rng.random(MANY)
    queue.edits[:] = rng.integers(0, 30, MANY)
    for row in range(MANY):
        queue.set_classes(row, rng.integers(1, 21, 2))
    panel = QueuePanel()
    panel.resize(400, 600)
    panel.show()
    rows = []
    for column in Column:
        panel.sorted_by = column
        rows.append((f"sort by {column}", duration(seconds(lambda: show(panel, queue)))))
    panel.sorted_by = Column.SAMPLE
    for name, wanted in (
        ("status", Filter(status=STATUSES[0])),
        ("class", Filter(class_id=8)),
        ("text", Filter(text="0123")),
    ):
        panel.show_filter(wanted)
        rows.append((f"filter by {name}", duration(seconds(lambda: show(panel, queue)))))
    panel.close()
    application.processEvents()
    print_table(f"{MANY:,} samples, to the painted table (target < 100 ms)", ("", "median"), rows)


def show(panel: QueuePanel, queue: Queue) -> None:
    """List the samples and let Qt paint them."""
    panel.list_samples(queue, CLASSES)
    QApplication.processEvents()


def make_dataset(folder: Path) -> tuple[str, DatasetSpec]:
    """Return what the examples are, and a dataset of 500 samples."""
    if VOC.is_dir():
        ids = (VOC / "train120.txt").read_text().split()
        sources = [
            (VOC / "JPEGImages" / f"{i}.jpg", VOC / "pseudo_transcam" / f"{i}.png",
             VOC / "masks_simulated" / f"{i}.json")
            for i in ids
        ]  # fmt: skip
        description = "120 PASCAL VOC images with simulated masks, again and again"
    else:
        sources = [generate_files(folder / "made", number) for number in range(20)]
        description = "20 generated images of 375 × 500, again and again"
    roles = ("images", "pseudo", "masks")
    for role in roles:
        (folder / role).mkdir()
    for number, files in zip(range(WALK), itertools.cycle(sources), strict=False):
        for role, source in zip(roles, files, strict=True):
            shutil.copy(source, folder / role / f"w{number:04d}{source.suffix}")
    return description, DatasetSpec(**{r: folder / r for r in roles}, out=folder / "out")


def generate_files(folder: Path, number: int) -> tuple[Path, Path, Path]:
    """Write a generated example with its pseudo-labels and masks."""
    folder.mkdir(exist_ok=True)
    example = generate((375, 500), 100, classes=2, seed=number)
    image, pseudo, masks = (folder / f"{number}{end}" for end in (".jpg", "_p.png", ".json"))
    Image.fromarray(example.pseudo * 10).convert("RGB").save(image)
    Image.fromarray(example.pseudo).save(pseudo)
    write_masks(masks, example.masks)
    return image, pseudo, masks


def resident() -> float:
    """Return the memory of this process in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


class Walk:
    """A window with a dataset, walked as by a person who presses a key now and then."""

    def __init__(self, spec: DatasetSpec) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1400, 900)
        self.widget = widget_of(self.viewer)
        self.widget.open_dataset(spec)
        for _ in range(5):
            self.widget.controller.context.background.wait()
            QTest.qWait(100)
        queue = self.widget.docks.queue
        assert queue is not None
        self.dock = queue
        self.frames = 0
        canvas: Any = self.viewer.window._qt_viewer.canvas  # noqa: SLF001
        canvas._scene_canvas.events.draw.connect(self._count, position="last")  # noqa: SLF001

    def _count(self, _: object) -> None:
        self.frames += 1

    def step(self, go: Callable[[], None]) -> float:
        """Return the seconds from a key to the painted frame of another sample."""
        QTest.qWait(PAUSE)
        navigator = self.dock.navigator
        row, frames, start = navigator.row, self.frames, time.perf_counter()
        go()
        while navigator.row == row or self.frames == frames:
            QApplication.processEvents()
        return time.perf_counter() - start

    def close(self) -> None:
        """Close dataset and window."""
        self.dock.close_dataset()
        self.viewer.close()


def measure_walk() -> None:
    """Print how long next and previous take, and what a long walk leaves in memory."""
    with TemporaryDirectory() as folder:
        description, spec = make_dataset(Path(folder))
        walk = Walk(spec)
        navigator = walk.dock.navigator
        onwards = [walk.step(navigator.next) for _ in range(40)]
        back = [walk.step(navigator.previous) for _ in range(20)]
        before = resident()
        for _ in range(WALK - 30):
            walk.step(navigator.next)
        grown = resident() - before
        walk.close()
    rows = [
        ("next, read ahead", *median_and_range(onwards), "< 100 ms"),
        ("previous", *median_and_range(back), "< 100 ms"),
        (f"memory after {WALK - 30} more", f"{grown:+.0f} MB", "", "< 50 MB"),
    ]
    print_table(f"A walk over {description}", ("", "median", "90th percentile", "target"), rows)


def median_and_range(taken: list[float]) -> tuple[str, str]:
    """Return median and 90th percentile."""
    return duration(float(np.median(taken))), duration(float(np.percentile(taken, 90)))


def main() -> None:
    """Print both tables."""
    print(machine())
    measure_listing()
    measure_walk()


if __name__ == "__main__":
    main()
