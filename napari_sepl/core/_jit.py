"""The one way this package compiles a kernel."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def jit(kernel: Kernel) -> Kernel:
    """Compile `kernel` with numba, kept on disk, without the interpreter lock.

    Without the lock, a background thread that runs kernels leaves the window responsive.
    """
    return cast("Kernel", numba.njit(cache=True, nogil=True)(kernel))
