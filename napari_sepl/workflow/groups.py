"""Files of a run put in place in groups, for the disk takes longest over single ones."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from napari_sepl.files.atomic import Part, put_in_place

Told = TypeVar("Told")

GROUP = 64
"""Files put in place together."""

LONGEST = 1.0
"""Seconds after which a smaller group is put in place, so that a run of large images is seen."""


def saved_in_groups(
    answers: Iterator[tuple[Told, Part | None]], failed: Callable[[Told, str], Told]
) -> Iterator[Told]:
    """Put the files of a run in place, group by group, and pass on what is told of each.

    Nothing is told of a file before it is in its place and on the disk. What was written when the
    run is stopped is put in place too.

    Parameters
    ----------
    answers : iterator of (told, Part or None)
        What is to be told once the part is in place.
    failed : callable
        Returns what to tell instead, of a part that could not be put in place, and why.
    """
    group: list[tuple[Told, Part | None]] = []
    since = time.monotonic()
    try:
        for answer in answers:
            group.append(answer)
            if len(group) >= GROUP or time.monotonic() - since > LONGEST:
                told, group = _settled(group, failed), []
                yield from told
                since = time.monotonic()
        told, group = _settled(group, failed), []
        yield from told
    except KeyboardInterrupt:
        told, group = _settled(group, failed), []
        yield from told
        raise
    finally:
        _settled(group, failed)


def _settled(
    group: list[tuple[Told, Part | None]], failed: Callable[[Told, str], Told]
) -> list[Told]:
    parts = [part for _, part in group if part is not None]
    errors = iter(put_in_place(parts) if parts else [])
    settled = []
    for told, part in group:
        error = None if part is None else next(errors)
        settled.append(told if error is None else failed(told, str(error)))
    return settled
