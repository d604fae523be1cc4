"""Where SAM computes: a graphics card if there is one, else the processor."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari_sepl.core.errors import InputError

AUTO = "auto"
"""Stands for the fastest device that is there."""

_NAME = re.compile(r"cpu|mps|cuda(:[0-9]+)?")
_NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory", re.IGNORECASE)


def choose_device(asked: str = AUTO) -> str:
    """Return the device to compute on; torch must be installed.

    Parameters
    ----------
    asked : str
        "auto", "cuda", "cuda:1" and so on, "mps" or "cpu".

    Returns
    -------
    str
        What was asked for; of "auto" the first there is of "cuda", "mps" and "cpu".

    Raises
    ------
    InputError
        If it is not there: nobody who asked for a card shall wait for a processor.
    """
    there = available_devices()
    if asked == AUTO:
        return there[0]
    if not _NAME.fullmatch(asked):
        raise InputError("device", found=repr(asked), expected="auto, cuda, cuda:N, mps or cpu")
    if asked not in there:
        raise InputError(
            "device", found=f"no {asked} on this computer", expected=f"one of {', '.join(there)}"
        )
    return asked


def available_devices() -> list[str]:
    """Return the devices of this computer, the fastest first; torch must be installed."""
    import torch

    cards = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [
        *(["cuda", *cards] if cards else []),
        *(["mps"] if torch.backends.mps.is_available() else []),
        "cpu",
    ]


def describe_device(device: str) -> str:
    """Return a device's name with what it is, for people."""
    import torch

    if device.startswith("cuda"):
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return "mps (Apple GPU)" if device == "mps" else f"cpu ({torch.get_num_threads()} threads)"


def float_type(device: str) -> Any:
    """Return the torch type in which prompts are handed over, as exact as the device allows.

    SAM's own generator hands over float64, which decides the last bit of a mask; Apple's GPUs
    have no float64 and fail on it.
    """
    import torch

    return torch.float32 if device == "mps" else torch.float64


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether torch raised `error` because the memory of the device or computer is full."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None
    )


@contextmanager
def full_memory_as(kind: type[Exception], message: str) -> Iterator[None]:
    """Raise `kind`, with a message for people, where torch runs out of memory in the block."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise kind(message) from error


def free_memory(device: str) -> None:
    """Give back what torch keeps on a device for later."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
