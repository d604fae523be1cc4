"""Fetching a large file over HTTP: with patience, and continuing where it broke off."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_sepl.files.digests import digest_file
from napari_sepl.proposals.maker import DownloadError

OnBytes = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes in all."""

_CHUNK = 1 << 16  # bytes; what a broken connection loses at most
_COMPLETE, _PARTIAL, _NO_SUCH_RANGE, _BUSY = 200, 206, 416, 429
_SERVER_ERRORS = 500


class _Again(Exception):  # noqa: N818  no error yet: the next try may succeed
    """The try failed in a way in which the next need not."""


@dataclass(frozen=True)
class Downloader:
    """How patiently to fetch.

    Parameters
    ----------
    tries : int
        How often to try before giving up. The count starts again when a try came further
        than any before.
    wait : float
        Seconds before the second try; each further wait is twice as long.
    timeout : float
        Seconds without a byte after which a try has failed.
    """

    tries: int = 4
    wait: float = 1.0
    timeout: float = 30.0

    def fetch(
        self, url: str, path: Path, size: int, sha256: str, on_progress: OnBytes | None = None
    ) -> None:
        """Fetch a file, resuming from what an earlier call left beside it as ``.part``.

        Parameters
        ----------
        url, sha256 : str
            Where the file is, and the digest without which it never takes its name.
        path : Path
            Where it will be; its folder is there.
        size : int
            Its bytes, 0 if that is not known.
        on_progress : callable, optional
            Called with every 64 kB.

        Raises
        ------
        DownloadError
            If it cannot be fetched, or is not what was published.
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
            except _Again as error:
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
            raise _Again(_told(error)) from error


def _check(answer: Any, part: Path) -> None:
    """Raise if a server's answer brings no bytes, by whether the next one may."""
    if answer.status_code in (_COMPLETE, _PARTIAL):
        return
    problem = f"the server answered {answer.status_code} {answer.reason}"
    if answer.status_code == _NO_SUCH_RANGE:
        part.unlink()
        raise _Again(problem)
    if answer.status_code == _BUSY or answer.status_code >= _SERVER_ERRORS:
        raise _Again(problem)
    raise DownloadError(f"could not be fetched: {answer.url} ({problem}).")


def _receive(answer: Any, part: Path, size: int, on_progress: OnBytes) -> None:
    """Append what comes, or start again where the server does not continue in the middle."""
    goes_on = answer.status_code == _PARTIAL
    there = _length(part) if goes_on else 0
    length = answer.headers.get("Content-Length")
    total = there + int(length) if length is not None else size
    with part.open("ab" if goes_on else "wb") as file:
        for chunk in _chunks(answer):
            file.write(chunk)
            there += len(chunk)
            on_progress(there, total or there)
    if total and there < total:
        raise _Again(f"the connection ended after {there} of {total} bytes")


def _chunks(answer: Any) -> Iterator[bytes]:
    chunks: Iterator[bytes] = answer.iter_content(_CHUNK)
    return (chunk for chunk in chunks if chunk)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _told(error: Exception) -> str:
    """Return the innermost reason: requests wraps it in names of its own objects."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return str(inner) or type(inner).__name__
