"""Downloads of large files over HTTP, with retries and resumption."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_sepl.files.digests import digest_file
from napari_sepl.proposals.maker import DownloadError

OnBytes = Callable[[int, int], None]
"""Called with the downloaded bytes and the total."""

_CHUNK = 1 << 16  # bytes that a broken connection may lose
_COMPLETE, _PARTIAL, _NO_SUCH_RANGE, _BUSY = 200, 206, 416, 429
_SERVER_ERRORS = 500


class _RetryableError(Exception):
    """A try failed, but the next one may succeed."""


@dataclass(frozen=True)
class Downloader:
    """The number of tries and the waits of downloads.

    Parameters
    ----------
    tries : int
        Tries before the download fails; counted again after each try that got further.
    wait : float
        Seconds before the second try; each further wait is twice as long.
    timeout : float
        Seconds without a byte after which a try fails.
    """

    tries: int = 4
    wait: float = 1.0
    timeout: float = 30.0

    def fetch(
        self, url: str, path: Path, size: int, sha256: str, on_progress: OnBytes | None = None
    ) -> None:
        """Download a file, resuming an earlier call's ``.part`` file beside it.

        Parameters
        ----------
        url, sha256 : str
            The address, and the digest that the file must have.
        path : Path
            The target; its folder exists.
        size : int
            The bytes of the file, 0 if unknown.
        on_progress : callable, optional
            Called after every 64 kB.

        Raises
        ------
        DownloadError
            If it cannot be downloaded, or has another digest.
        OSError
            If it cannot be written.
        """
        part = path.with_name(f"{path.name}.part")
        self._fetch(url, part, size, on_progress or (lambda _there, _total: None))
        if digest_file(part) != sha256:
            part.unlink()
            raise DownloadError(
                f"the content is not what was published: {url}; expected the SHA-256 {sha256}. "
                "It was deleted."
            )
        part.replace(path)

    def _fetch(self, url: str, part: Path, size: int, on_progress: OnBytes) -> None:
        failed, most = 0, _length(part)
        while True:
            try:
                self._attempt(url, part, size, on_progress)
            except _RetryableError as error:
                failed = 1 if _length(part) > most else failed + 1
                most = max(most, _length(part))
                if failed >= self.tries:
                    raise DownloadError(f"could not be fetched: {url} ({error}).") from error
                time.sleep(self.wait * 2 ** (failed - 1))
            else:
                return

    def _attempt(self, url: str, part: Path, size: int, on_progress: OnBytes) -> None:
        import requests

        have = _length(part)
        if size and have >= size:
            if have == size:
                return
            part.unlink()  # longer than the file can be
            have = 0
        wanted = {"Accept-Encoding": "identity"}
        if have:
            wanted["Range"] = f"bytes={have}-"
        try:
            with requests.get(url, headers=wanted, stream=True, timeout=self.timeout) as answer:
                _check(answer, part)
                _receive(answer, part, size, on_progress)
        except requests.RequestException as error:
            raise _RetryableError(_reason(error)) from error


def _check(answer: Any, part: Path) -> None:
    """Raise for a server's answer without bytes: _RetryableError if a retry may help."""
    if answer.status_code in (_COMPLETE, _PARTIAL):
        return
    problem = f"the server answered {answer.status_code} {answer.reason}"
    if answer.status_code == _NO_SUCH_RANGE:
        part.unlink()
        raise _RetryableError(problem)
    if answer.status_code == _BUSY or answer.status_code >= _SERVER_ERRORS:
        raise _RetryableError(problem)
    raise DownloadError(f"could not be fetched: {answer.url} ({problem}).")


def _receive(answer: Any, part: Path, size: int, on_progress: OnBytes) -> None:
    """Append the bytes of an answer, or start again if the server does not resume."""
    resumes = answer.status_code == _PARTIAL
    there = _length(part) if resumes else 0
    length = answer.headers.get("Content-Length")
    total = there + int(length) if length is not None else size
    with part.open("ab" if resumes else "wb") as file:
        for chunk in filter(None, answer.iter_content(_CHUNK)):
            file.write(chunk)
            there += len(chunk)
            on_progress(there, total or there)
    if total and there < total:
        raise _RetryableError(f"the connection ended after {there} of {total} bytes")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    """Return the innermost reason, without the names of requests' own objects."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return str(inner) or type(inner).__name__
