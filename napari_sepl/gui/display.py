"""Checks for a Qt binding and a display, and a virtual display for screenshots."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from napari_sepl.core.errors import SeplError

_SCREEN = "1600x1000x24"


class NoDisplayError(SeplError):
    """There is no display, and none could be started."""


class NoBindingError(SeplError):
    """No Qt binding is installed."""


def require_binding() -> None:
    """Raise NoBindingError, with what to install, if no Qt binding is installed."""
    if not any(importlib.util.find_spec(name) for name in ("PyQt6", "PySide6")):
        raise NoBindingError(
            "The window needs a Qt binding, and none is installed: "
            'pip install "napari-sepl[qt]" (PyQt6) or "napari-sepl[pyside]" (PySide6).'
        )


def trouble_with(pyside: str | None, python: tuple[int, ...]) -> str:
    """Return a warning about a version of PySide6 under one of Python; empty for none.

    Parameters
    ----------
    pyside : str or None
        As `qtpy.PYSIDE_VERSION`: None under another binding.
    python : tuple of int
        As `sys.version_info`.
    """
    if pyside is None or python >= (3, 12) or tuple(map(int, pyside.split(".")[:2])) < (6, 11):
        return ""
    return (
        f"PySide6 {pyside} crashes under Python 3.11, sooner or later. "
        'Install an older one (pip install "PySide6-Essentials<6.11"), or PyQt6, or Python 3.12.'
    )


def has_display() -> bool:
    """Return whether a window can open here."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def require_display() -> None:
    """Raise NoDisplayError, with what to do, if no window can open."""
    if not has_display():
        raise NoDisplayError(
            "There is no display to open a window on (DISPLAY is not set). Run this on a desktop, "
            "or over ssh -X, or add --screenshot FILE to save a screenshot of the window instead."
        )


def run_on_virtual_display(command: list[str]) -> int:
    """Run a command with an Xvfb of its own as its screen, and return its exit code.

    It must be another process, because Qt uses its display until the end of a process, and crashes
    if the display ends first.

    Raises
    ------
    NoDisplayError
        If Xvfb is not installed, or does not start.
    """
    with _virtual_display() as display:
        environment = {**os.environ, "DISPLAY": display}
        return subprocess.call(command, env=environment)  # noqa: S603  # this very program


@contextmanager
def _virtual_display() -> Iterator[str]:
    program = shutil.which("Xvfb")
    if program is None:
        raise NoDisplayError(
            "There is no display, and Xvfb, which can replace it, is not installed "
            "(on Debian and Ubuntu: apt install xvfb libgl1-mesa-dri)."
        )
    reader, writer = os.pipe()
    command = [program, "-displayfd", str(writer), "-screen", "0", _SCREEN, "-nolisten", "tcp"]
    server = subprocess.Popen(  # noqa: S603  # the program is Xvfb, the arguments are ours
        command, pass_fds=[writer], stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        number = answer.readline().strip()  # empty if the server ended instead
    if not number:
        raise NoDisplayError(f"{program} did not start (exit code {server.wait()}).")
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
