"""A window that works through a dataset, or on one image, until it is killed.

Run by test_kill.py as ``python -m tests.gui.victim DATASET.toml SEED``; in the dataset's place may
stand an output folder and the name of a sample image in it. Each line on stdout is what
a person would count as done: a stroke that was let go, a sample that was accepted, and when, on
a clock of its own.
"""

import sys
import threading
import time
from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import Qt

from napari_sepl.files.dataset.specification import read_dataset
from napari_sepl.files.digests import digest_labels
from tests.gui.conftest import Window

MARK = "victim:"
"""Begins each line that is ours; napari prints too."""

AT = "at"
"""Told with a sample before something is done to it: what was not told is done to the last one."""

BEAT = "beat"
"""Told at each tick, so that the last one tells when the process died."""

TICK = 0.02
"""Seconds between two beats."""


class Clock(threading.Thread):
    """Counts the time that this process gets to run: it stands still while the computer is busy
    with others, so that what must be done in half a second is not asked of a process that waits.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ticks = 0

    def run(self) -> None:
        while True:
            time.sleep(TICK)
            self.ticks += 1
            tell(self.ticks * TICK, BEAT)


def say(*words: object) -> None:
    """Tell what is done now, which is before the next tick."""
    tell((clock.ticks + 1) * TICK, *words)


def tell(seconds: float, *words: object) -> None:
    """Write one line at one stroke: two threads do, and napari prints between them."""
    sys.stdout.write("\n" + " ".join([MARK, f"{seconds:.2f}", *map(str, words)]) + "\n")
    sys.stdout.flush()


clock = Clock()


def work(window: Window, rng: np.random.Generator) -> None:
    """Do one thing: paint, mostly; else accept, undo, set a status, go back or forth, or drag."""
    window.widget.controller.context.background.wait()
    document = window.document
    sample_id = document.inputs.sample_id
    say(AT, sample_id)
    kind = rng.choice(
        ["paint", "accept", "undo", "skip", "flag", "reopen", "next", "previous", "drag"],
        p=[0.5, 0.12, 0.06, 0.05, 0.05, 0.04, 0.08, 0.05, 0.05],
    )
    if kind == "paint":
        height, width = document.inputs.shape
        row, col = int(rng.integers(5, height - 5)), int(rng.integers(5, width - 30))
        label = int(rng.integers(1, 21))
        window.widget.controller.context.choose_class(label)
        window.stroke((row, col), (row, col + 20))
        overlay = document.annotations.overlay
        held = -1 if overlay is None else int(overlay[row, col + 10])
        if held == label:  # else the place had this label already, and nothing was painted there
            say("stroke", sample_id, row, col + 10, label)
    elif kind == "drag":
        window.drag_slider("t1", float(rng.uniform(0.1, 0.9)))
    elif kind == "accept":
        digest = digest_labels(document.resolved.labels)
        window.press(Qt.Key.Key_A)
        window.widget.controller.context.background.wait()
        say("accepted", sample_id, digest)
    elif kind == "undo":
        say("undone", sample_id)
        window.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    else:
        keys = {"skip": "W", "flag": "G", "reopen": "R", "next": "J", "previous": "K"}
        window.press(getattr(Qt.Key, f"Key_{keys[kind]}"))


def main() -> None:
    rng = np.random.default_rng(int(sys.argv[2]))
    viewer = napari.Viewer()
    viewer.window.resize(1300, 850)
    window = Window(viewer)
    # Asked for a file that was saved, but killed before the record knew: a person says yes.
    window.widget.confirm_replace = lambda path: path.exists()  # type: ignore[method-assign]
    given = Path(sys.argv[1])
    if given.suffix:
        window.widget.open_dataset(read_dataset(given))
    else:
        window.open_sample(given.name, given.parent)
    for _ in range(4):
        window.settle()
    enhanced = window.widget.controller.context.layers.enhanced
    enhanced.mode = "paint"
    enhanced.brush_size = 6
    clock.start()
    say("ready")
    while True:
        work(window, rng)


if __name__ == "__main__":
    main()
