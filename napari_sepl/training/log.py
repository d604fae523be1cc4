"""The log of a training: a file of JSON lines, one for each mark that was passed."""

import json
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import write_whole

ITERATION = "iteration"
MEAN_IOU = "mean_iou"


class Log:
    """The lines of a log, on the disk as soon as they are added.

    Parameters
    ----------
    path : Path
        The file; it need not be there.
    iteration : int
        Where the training goes on: what was logged later will be logged again, and is dropped.

    Raises
    ------
    InputError
        If a line but the last, which a crash may have cut off, cannot be understood.
    SaveError
        If the file cannot be written.
    """

    def __init__(self, path: Path, iteration: int) -> None:
        self._path = path
        known = _read(path) if path.exists() else []
        self._lines = [line for line in known if line[ITERATION] <= iteration]
        if path.exists():
            text = "".join(f"{json.dumps(line)}\n" for line in self._lines)
            write_whole(path, text.encode())

    def add(self, line: dict[str, Any]) -> None:
        """Append a line of names and values of JSON, an "iteration" among them."""
        self._lines.append(line)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(line)}\n")
        except OSError as error:
            raise SaveError(
                f"{self._path}: could not be written ({error.strerror or error})."
            ) from error

    def evaluation(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """Return the last line with a mean IoU that says all of `wanted`; None if there is none."""
        return next(
            (
                line
                for line in reversed(self._lines)
                if MEAN_IOU in line and wanted.items() <= line.items()
            ),
            None,
        )


def _read(path: Path) -> list[dict[str, Any]]:
    lines = read_bytes(path, "a log of a training").split(b"\n")
    whole, _cut_off = lines[:-1], lines[-1]
    found = []
    for number, line in enumerate(whole, start=1):
        try:
            told = json.loads(line)
            int(told[ITERATION])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                path,
                found=f"a line {number} that is no JSON object with an iteration",
                expected="the log as it was written; move it away to begin another",
            ) from error
        found.append(told)
    return found
