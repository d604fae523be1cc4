"""The device on which SAM runs: a graphics card if there is one, else the processor."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napari_sepl.core.errors import InputError

AUTO = "auto"
"""Stands for the fastest device of the computer."""

_NAME = re.compile(r"cpu|mps|cuda(:[0-9]+)?")
_NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory", re.IGNORECASE)


def choose_device(asked: str = AUTO) -> str:
    """Return the device to run on; torch must be installed.

    Parameters
    ----------
    asked : str
        "auto", "cuda", "cuda:1" and so on, "mps" or "cpu".

    Returns
    -------
    str
        The requested device; for "auto" the first of "cuda", "mps" and "cpu" that exists.

    Raises
    ------
    InputError
        If the requested device does not exist.
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
    """Return the devices of this computer, fastest first; torch must be installed."""
    import torch

    cards = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    mps = ["mps"] * torch.backends.mps.is_available()
    return [*(["cuda", *cards] if cards else []), *mps, "cpu"]


def describe_device(device: str) -> str:
    """Return a device's name and model, for people."""
    import torch

    if device.startswith("cuda"):
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return "mps (Apple GPU)" if device == "mps" else f"cpu ({torch.get_num_threads()} threads)"


def float_type(device: str) -> Any:
    """Return the torch type of prompts, as exact as the device allows.

    SAM's own generator uses float64, on which the last bit of a mask depends; Apple's GPUs have
    no float64.
    """
    import torch

    return torch.float32 if device == "mps" else torch.float64


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of torch means that the device or the computer is out of memory."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None
    )


@contextmanager
def full_memory_as(kind: type[Exception], message: str) -> Iterator[None]:
    """Raise `kind` with a message if torch runs out of memory within the block."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise kind(message) from error


def free_memory(device: str) -> None:
    """Free the memory that torch has cached on a device."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
