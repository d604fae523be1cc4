"""Functions for other processes, some of which end them."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_sepl.files.samples import Sample
from tests.waiting import wait_until


def end(_: object = None) -> None:
    """End this process at once, as the system does where the memory is full."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    threading.Event().wait()


def square(number: int) -> int:
    return number * number


def square_or_end(number: int) -> int:
    if number == 7:
        end()
    return number * number


def end_once(folder: Path, number: int) -> int:
    """End the process at number 5, unless that happened before."""
    (folder / f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
    if number == 5:
        try:
            (folder / "ended").touch(exist_ok=False)
        except FileExistsError:
            return number
        end()
    return number


def wait_for(path: Path, number: int) -> int:
    """Return the number as soon as a file is there."""
    wait_until(path.exists)
    return number


def end_at(sample_id: str, function: Callable[[Sample], Any], sample: Sample) -> Any:
    """Do a sample's work, and then end the process if it is this one."""
    answer = function(sample)
    if sample.sample_id == sample_id:
        end()
    return answer


def raise_key_error(number: int) -> int:
    raise KeyError(number)


def tell_and_wait(folder: Path, number: int) -> int:
    """Tell this process's number, then wait."""
    (folder / str(os.getpid())).touch()
    threading.Event().wait()
    return number


if __name__ == "__main__":  # the victim of a test: it works until it is killed
    from functools import partial

    from napari_sepl.workflow.parallel.processes import Processes

    work = partial(tell_and_wait, Path(sys.argv[1]))
    list(Processes(2).run(work, range(8), lambda number, _why: number))
