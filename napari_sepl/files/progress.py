"""What a run has counted so far, as a file beside the table that is to come of it.

After a line that names the format come the SHA-256 of the rest, then arrays as `np.save` writes
them: JSON as bytes, the stamps, the sums. Nothing of a damaged file is ever taken for counts.
"""

import hashlib
import io
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import write_whole

Arrays = dict[str, NDArray[Any]]

_HEAD = b"napari-sepl progress 1\n"  # another number with each change of what follows
_REST = len(_HEAD) + 32  # where it begins, after a SHA-256
_EXPECTED = "what a stopped run had counted"


@dataclass(frozen=True, eq=False)
class Progress:
    """What a run has counted so far.

    Parameters
    ----------
    key : dict
        All that the counts depend on but the samples' files, as JSON holds it.
    stamps : dict of str to int
        The samples that are counted, in the order in which they were, each with what `stamp_files`
        told of its files.
    sums : dict of str to array
        What they come to, by names that the run gives.
    """

    key: dict[str, Any]
    stamps: dict[str, int]
    sums: Arrays


def progress_file(table: Path) -> Path:
    """Return the file beside a table that holds what is counted for it so far."""
    return table.with_name(f".{table.name}.sepl-progress")


def write_progress(path: Path, progress: Progress) -> None:
    """Write what is counted so far, whole, in place of what an earlier call wrote.

    Raises
    ------
    SaveError
        As `write_whole` does.
    """
    told = {"key": progress.key, "ids": list(progress.stamps), "sums": list(progress.sums)}
    text = np.frombuffer(json.dumps(told).encode("ascii"), np.uint8)
    stamps = np.array(list(progress.stamps.values()), np.uint64)
    arrays: list[NDArray[Any]] = [text, stamps, *progress.sums.values()]
    buffer = io.BytesIO()
    for array in arrays:
        np.save(buffer, array, allow_pickle=False)
    rest = buffer.getvalue()
    parts = [_HEAD, hashlib.sha256(rest).digest(), rest]
    write_whole(path, lambda: parts)


def read_progress(path: Path) -> Progress | None:
    """Return what a run had counted; None if there is no such file.

    Raises
    ------
    InputError
        If the file cannot be opened, is damaged, or is something else.
    """
    if not path.exists():
        return None
    content = read_bytes(path, _EXPECTED)
    rest = content[_REST:]
    if not content.startswith(_HEAD):
        raise InputError(path, found="something else", expected=_EXPECTED)
    if hashlib.sha256(rest).digest() != content[len(_HEAD) : _REST]:
        raise InputError(path, found="damaged or cut-off content", expected=_EXPECTED)
    buffer = io.BytesIO(rest)

    def array() -> NDArray[Any]:
        return np.asarray(np.load(buffer, allow_pickle=False))

    told, stamps = json.loads(array().tobytes()), array().tolist()
    sums = {name: array() for name in told["sums"]}
    return Progress(told["key"], dict(zip(told["ids"], stamps, strict=True)), sums)


def remove_progress(path: Path) -> None:
    """Remove what was kept, or raise SaveError if that is not allowed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(f"{path}: could not be removed ({error.strerror or error}).") from error


def stamp_files(paths: Iterable[Path]) -> int:
    """Return 64 bits that tell a state of files, and of those in folders, from all others.

    Names, sizes and times of change count. A file that is not there has a state too.
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        for name, state in _states(path):
            digest.update(os.fsencode(name) + f"\0{state}\0".encode())
    return int.from_bytes(digest.digest(), "little")


def _states(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of a file and its state, or those of all files of a folder."""
    try:
        state = path.stat()
        inside = sorted(path.iterdir()) if stat.S_ISDIR(state.st_mode) else None
    except OSError as error:
        yield path.name, f"{error.errno}"
        return
    if inside is None:
        yield path.name, f"{state.st_size} {state.st_mtime_ns}"
        return
    yield path.name, f"{len(inside)} entries"
    for entry in inside:
        yield from _states(entry)
