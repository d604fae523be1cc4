"""Files of a run written in groups, for the disk takes longest over single ones."""

import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Generic, TypeVar

from napari_sepl.files.atomic import Unwritten, write_together

Told = TypeVar("Told")

GROUP = 64
"""Files put in place together."""

LONGEST = 1.0
"""Seconds after which a smaller group is put in place, so that a run of large images is seen."""


def saved_in_groups(
    answers: Iterator[tuple[Told, Unwritten | None]], failed: Callable[[Told, str], Told]
) -> Iterator[Told]:
    """Write the files of a run, group by group, and pass on what is told of each.

    Nothing is told of a file before it is in its place and on the disk. While the disk is at one
    group, the next is gathered. What was gathered when the run is stopped is written too.

    Parameters
    ----------
    answers : iterator of (told, Unwritten or None)
        What is to be told once the file is in place.
    failed : callable
        Returns what to tell instead, of a file that could not be put in place, and why.
    """
    group: list[tuple[Told, Unwritten | None]] = []
    since = time.monotonic()
    disk = _Disk(failed)
    try:
        for answer in answers:
            group.append(answer)
            if len(group) >= GROUP or time.monotonic() - since > LONGEST:
                told = disk.take()
                disk.begin(group)
                group, since = [], time.monotonic()
                yield from told
            elif disk.done:
                yield from disk.take()
    except KeyboardInterrupt:
        group, last = [], group
        yield from disk.finish(last)
        raise
    else:
        group, last = [], group
        yield from disk.finish(last)
    finally:
        disk.finish(group)


class _Disk(Generic[Told]):
    """One group at a time on its way to the disk, in a thread that no Ctrl+C reaches."""

    def __init__(self, failed: Callable[[Told, str], Told]) -> None:
        self._failed = failed
        self._thread: Thread | None = None
        self._told: list[Told] = []
        self._error: BaseException | None = None

    def begin(self, group: list[tuple[Told, Unwritten | None]]) -> None:
        """Have a group put in place; what is told of the last one was taken."""
        self._thread = Thread(target=self._settle, args=(group,), name="disk")
        self._thread.start()

    def _settle(self, group: list[tuple[Told, Unwritten | None]]) -> None:
        try:
            self._told = _settled(group, self._failed)
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            self._error = error

    @property
    def done(self) -> bool:
        """Whether there is something to take, at once."""
        return self._thread is not None and not self._thread.is_alive()

    def take(self) -> list[Told]:
        """Return what is told of the group that is under way, when it is in place."""
        if self._thread is not None:
            self._thread.join()
        told, error = self._told, self._error
        self._told, self._error, self._thread = [], None, None
        if error is not None:
            raise error
        return told

    def finish(self, group: list[tuple[Told, Unwritten | None]]) -> list[Told]:
        """Return what is told of the group that is under way, and of a last one."""
        return self.take() + _settled(group, self._failed)


def _settled(
    group: list[tuple[Told, Unwritten | None]], failed: Callable[[Told, str], Told]
) -> list[Told]:
    files = [file for _, file in group if file is not None]
    errors = iter(write_together(files) if files else [])
    settled = []
    for told, file in group:
        error = None if file is None else next(errors)
        settled.append(told if error is None else failed(told, str(error)))
    return settled
