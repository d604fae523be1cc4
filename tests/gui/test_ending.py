"""The program's end: nothing on stderr, whatever is under way when the window goes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.gui import widget
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.display import trouble_with
from tests.gui.conftest import has_message
from tests.messages import says

SAMPLES = Path(__file__).parents[2] / "sample_data"

CLOSED_AT_WORK = """
import sys, threading, time
from napari_sepl.gui import app
from napari_sepl.gui.samples import sample_of

def start(widget):
    background = widget.controller.context.background
    begun = threading.Event()
    if sys.argv[1] == "kernels":
        widget.open_sample(sample_of("coffee"), "coco")
    else:
        def work():
            begun.set()
            closed.wait()
            time.sleep(1)  # beyond the end of the event loop, and of what Qt takes down there
        background.run("slow", work, print, print)
        begun.wait()
    background.later("flush", 60_000, print)
    background.later("close", 100, close)

def close():
    assert windows[0].controller.context.background._running
    windows[0].window().close()
    closed.set()

closed = threading.Event()
windows = []
app.run(lambda widget: (windows.append(widget), start(widget)))
"""


def run(*words: object, without: str = "", **environment: str) -> tuple[int, str, str]:
    """Run Python in a process of its own; return exit code, stdout and stderr."""
    kept = {name: value for name, value in os.environ.items() if name not in without.split()}
    ended = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **environment},
        cwd=Path(__file__).parents[2],
    )
    return ended.returncode, ended.stdout, ended.stderr


def of_samples(name: str) -> tuple[object, ...]:
    """Return the options that open a sample picture as one of a dataset."""
    folders = {"--images": "images", "--pseudo": "pseudo", "--masks": "masks"}
    options = [word for key, folder in folders.items() for word in (key, SAMPLES / folder)]
    return (*options, "--classes", "coco", "--out", name)


@pytest.mark.long
def test_a_picture_of_a_dataset_is_saved_and_the_window_goes(tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    words = ("-m", "napari_sepl", "open", *of_samples(str(tmp_path / "out")))
    assert run(*words, "--screenshot", picture) == (0, "", "")
    assert picture.stat().st_size > 50_000


def test_a_picture_is_saved_where_there_is_no_screen(tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    words = ("-m", "napari_sepl", "demo", "--screenshot", picture)
    assert run(*words, without="DISPLAY WAYLAND_DISPLAY XDG_SESSION_TYPE") == (0, "", "")
    assert picture.stat().st_size > 50_000


@pytest.mark.long
def test_a_window_closes_while_work_is_under_way() -> None:
    assert run("-c", CLOSED_AT_WORK, "slow") == (0, "", "")


@pytest.mark.long
@pytest.mark.long
def test_a_window_closes_while_kernels_compile(tmp_path: Path) -> None:
    assert run("-c", CLOSED_AT_WORK, "kernels", NUMBA_CACHE_DIR=str(tmp_path)) == (0, "", "")
    assert list(tmp_path.rglob("*.nbc")), "no kernel was compiled: nothing was tested"


@pytest.mark.long
def test_a_picture_is_saved_where_kernels_were_never_compiled(tmp_path: Path) -> None:
    words = ("-m", "napari_sepl", "demo", "--screenshot", tmp_path / "window.png")
    assert run(*words, NUMBA_CACHE_DIR=str(tmp_path / "kernels")) == (0, "", "")
    assert list(tmp_path.rglob("*.nbc")), "no kernel was compiled: nothing was tested"


@pytest.mark.parametrize(
    ("pyside", "python", "crashes"),
    [
        ("6.11.0", (3, 11, 7), True),
        ("6.12.1", (3, 11, 0), True),
        ("6.10.2", (3, 11, 7), False),
        ("6.12.1", (3, 13, 0), False),
        (None, (3, 11, 7), False),
    ],
)
def test_a_pair_that_crashes_is_warned_of(
    pyside: str | None, python: tuple[int, ...], crashes: bool
) -> None:
    told = trouble_with(pyside, python)
    assert bool(told) == crashes
    assert not crashes or says(told, f"PySide6 {pyside}", "Python 3.11", "<6.11")


def test_the_window_warns_of_such_a_pair_as_it_opens(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widget, "trouble_with", lambda *_: "This pair crashes.")
    widget_of(make_napari_viewer())
    assert has_message("This pair crashes.")


def test_work_that_is_under_way_as_the_window_goes_is_not_answered(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    background = widget_of(viewer).controller.context.background
    go, answers = threading.Event(), list[bool]()
    background.run("slow", go.wait, answers.append, print)
    background.later("soon", 60_000, lambda: answers.append(False))
    background.stop()
    go.set()
    background.wait()
    background.run("slow", lambda: True, answers.append, print)  # docked anew, it works on
    background.wait()
    assert answers == [True]
