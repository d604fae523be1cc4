"""Waiting for what must come to be so: tests wait for conditions, never for times."""

import time
from collections.abc import Callable

PATIENCE = 180.0
"""Seconds after which a thing is taken never to happen; a busy computer takes its time."""


def wait_until(
    is_so: Callable[[], object], nap: Callable[[float], object] = time.sleep, seconds: float = 0.01
) -> None:
    """Nap for some seconds at a time until something is so, or fail."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it did not come to be so"
        nap(seconds)
