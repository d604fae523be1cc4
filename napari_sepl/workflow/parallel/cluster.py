"""One function over many items, on the workers of a Dask scheduler."""

import math
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from napari_sepl import __version__
from napari_sepl.core.errors import SeplError
from napari_sepl.core.stopping import raise_if_stopped
from napari_sepl.workflow.parallel.processes import AHEAD, DIED, Answer, Item

CONNECTING = 10.0
"""Seconds that the scheduler gets to answer."""

PATIENCE = 60.0
"""Seconds without any worker after which there will be none."""

ADDRESS = re.compile(r"(\w+://)?[^\s/]+:\d{1,5}")
"""What the address of a scheduler looks like."""

_POLL = 1.0  # seconds between looks at whether there are workers


@dataclass(frozen=True)
class Cluster:
    """A `Executor` over the workers of a Dask scheduler, on this computer or on others.

    They need the same version of this package, and to see the files under the same names.

    Parameters
    ----------
    address : str
        The scheduler's, such as tcp://127.0.0.1:8786.
    """

    address: str

    local = False

    def run(
        self,
        function: Callable[[Item], Answer],
        items: Iterable[Item],
        lost: Callable[[Item, str], Answer],
    ) -> Generator[Answer, None, None]:
        """Call a function on items, as `Executor.run` says.

        The scheduler hands the items of a worker that died to others. One that several died of
        gets one more chance with nothing else under way.
        """
        left = iter(items)
        waiting: deque[tuple[Item, Any]] = deque()
        with _client(self.address) as client:
            job = _Job(client, self.address, function)
            try:
                while True:
                    for item in islice(left, max(0, job.room() - len(waiting))):
                        waiting.append((item, job.submit(item)))
                    if not waiting:
                        return
                    item, future = waiting.popleft()
                    answered, answer = job.answer(future)
                    if not answered:
                        job.wait_for(future for _, future in waiting)
                        answered, answer = job.answer(job.submit(item))
                    yield answer if answered else lost(item, DIED)
            finally:
                client.cancel([future for _, future in waiting])


class _Job:
    """What is asked of one cluster."""

    def __init__(self, client: Any, address: str, function: Callable[[Item], Answer]) -> None:
        self._client, self._address, self._function = client, address, function
        self._threads, self._looked = 0, -math.inf
        self._worked = time.monotonic()  # when there was a worker last

    def room(self) -> int:
        """Return how many items may be under way, by the workers that are there now."""
        if time.monotonic() - self._looked > _POLL:
            self._look()
        return AHEAD * max(1, self._threads)

    def submit(self, item: object) -> Any:
        """Hand an item out; two equal ones are two."""
        return self._client.submit(self._function, item, pure=False)

    def answer(self, future: Any) -> tuple[bool, Any]:
        """Wait for an answer; False if workers keep dying of the item.

        Raises
        ------
        SeplError
            If the scheduler or all workers are gone for good.
        """
        from distributed import KilledWorker  # noqa: PLC0415

        while True:
            raise_if_stopped()
            try:
                return True, future.result(timeout=_POLL)
            except KilledWorker:
                return False, None
            except CancelledError as error:
                raise self._gone() from error
            except TimeoutError:  # also where the worker died that had the answer
                if future.status == "error":
                    raise
                self._check()

    def wait_for(self, futures: Iterable[Any]) -> None:
        """Wait until futures end, successfully or not."""
        for future in futures:
            while not future.done():
                with suppress(TimeoutError):
                    future.exception(timeout=_POLL)
                self._check()

    def _gone(self) -> SeplError:
        return SeplError(f"The Dask scheduler at {self._address} is gone.")

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            self._threads = sum(self._client.nthreads().values())
        except OSError as error:
            raise self._gone() from error
        if self._threads:
            self._worked = self._looked

    def _check(self) -> None:
        """Raise SeplError where nobody is there, or nobody has worked for a while."""
        if self._client.status != "running":
            raise self._gone()
        self._look()
        if time.monotonic() - self._worked > PATIENCE:
            raise SeplError(f"The Dask scheduler at {self._address} has no workers left.")


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """Have a connection to a scheduler that has fit workers."""
    try:
        from distributed import Client  # noqa: PLC0415
    except ImportError as error:
        raise SeplError(
            "Working with a Dask scheduler needs the package distributed: "
            "pip install 'napari-sepl[dask]'."
        ) from error
    try:
        _knock(address)
        client: Any = Client(address, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise SeplError(
            f"no Dask scheduler answers: {address} ({' '.join(str(error).split())})."
        ) from error
    with client:
        _check_workers(client, address)
        yield client


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: a Client that fails by that is noisy until the end."""
    protocol, _, place = address.rpartition("://")
    if protocol in ("", "tcp", "tls"):
        host, _, port = place.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), CONNECTING).close()


def _check_workers(client: Any, address: str) -> None:
    """Raise SeplError unless there are workers, and all of them have this version."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise SeplError(f"The Dask scheduler at {address} has no workers.") from error
    for worker, version in client.run(_version, on_error="return").items():
        if isinstance(version, OSError):  # it died a moment ago
            continue
        if version != __version__:
            raise SeplError(
                f"found napari-sepl {version}: Dask worker {worker}; "
                f"expected {__version__}, as here."
            )


def _version() -> str:
    return __version__
