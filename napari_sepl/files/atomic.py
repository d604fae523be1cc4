"""Atomic writes of files: one by one, and the files of a run in groups."""

import errno
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, TypeVar

from napari_sepl.core.errors import SaveError
from napari_sepl.files._opening import odd_kind

Write = Callable[[Path, bytes], None]
"""Writes a file; `write_whole` is one."""

_PART = ".sepl-"  # the prefix of temporary files
_SMALL = 4096  # bytes, a block of most disks: a full one takes an empty file
_AT_ONCE = 16  # files synced at once; eight and thirty-two take as long
_TRIES = 3  # another run may remove a temporary file as abandoned
_FOLDERS_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}


Content = Callable[[], Iterable[bytes]]
"""Gives the bytes of a file part by part, the same each time."""


def write_whole(path: Path, content: bytes | Content) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    A temporary file in the same folder is written, synced and renamed. A new file gets the
    permissions that the user's umask leaves; a replaced one keeps its own.

    Parameters
    ----------
    path : Path
        The file to write; its folder must exist.
    content : bytes or callable
        The content of the file, or a function that returns its parts in order.

    Raises
    ------
    SaveError
        If the disk is full or fails, or the folder is gone or cannot be written to. An older file
        is untouched and no temporary file stays behind.
    """
    _put({path: lambda part: _write_through(part, content)})
    _sync_folder(path)


def link_whole(path: Path, target: Path) -> None:
    """Make `path` a symbolic link to a file; it atomically replaces an older file.

    Raises
    ------
    SaveError
        If the system or the disk does not allow it; an older file is untouched.
    """
    _put({path: lambda part: part.symlink_to(target)})
    _sync_folder(path)


def _put(makes: Mapping[Path, Callable[[Path], None]]) -> None:
    """Make files under temporary names, and rename them when all are whole."""
    for left in reversed(range(_TRIES)):
        parts = {path: path.with_name(f"{_PART}{secrets.token_hex(8)}.part") for path in makes}
        placed: list[Path] = []
        try:
            for path, part in parts.items():
                makes[path](part)
                if not part.is_symlink():
                    _copy_permissions(path, part)
            for path, part in parts.items():
                part.replace(path)
                placed.append(path)
        except OSError as error:
            removed = isinstance(error, FileNotFoundError) and path.parent.exists()
            if not (removed and left):
                raise _unsaved(path, error, placed) from error
        else:
            return
        finally:
            for part in parts.values():  # there still only after a failure
                with suppress(OSError):
                    part.unlink(missing_ok=True)


class Unwritten(NamedTuple):
    """A file that is still to be written.

    Parameters
    ----------
    path : Path
        Its path; the folder must exist.
    content : bytes
        Its content.
    """

    path: Path
    content: bytes


def write_together(files: Sequence[Unwritten]) -> list[SaveError | None]:
    """Write files as `write_whole` does, many at once; return the error of each, if any.

    After a crash each file is whole or as before. One by one a file takes 14 ms on a disk with a
    journal, of 64 together each 0.5 ms: they share the journal's entries.
    """
    if len(files) > 1:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            errors = list(threads.map(_written, files))
    else:
        errors = [_written(one) for one in files]
    for folder in {one.path.parent for one in files}:
        inside = [place for place, one in enumerate(files) if one.path.parent == folder]
        try:
            _sync_folder(files[inside[0]].path)
        except SaveError as error:
            for place in inside:
                errors[place] = errors[place] or error
    return errors


def write_as_one(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all are complete before the first is renamed.

    Raises
    ------
    SaveError
        As `write_whole` does: no file is new, unless the error names it.
    """
    _put({path: partial(_write_through, content=content) for path, content in contents.items()})
    for path in {path.parent: path for path in contents}.values():
        _sync_folder(path)


def _written(one: Unwritten) -> SaveError | None:
    try:
        _put({one.path: lambda part: _write_through(part, one.content)})
    except SaveError as error:
        return error
    return None


def clear_abandoned(folder: Path) -> None:
    """Remove the temporary files of killed runs.

    A run that is writing one of them writes it again.
    """
    for part in folder.glob(f"{_PART}*.part"):
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Raise SaveError unless a small file can be written into a folder now."""
    part = folder / f"{_PART}{secrets.token_hex(8)}.part"
    try:
        try:
            part.write_bytes(bytes(_SMALL))
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(f"cannot write here: {folder} ({error.strerror or error}).") from error


def make_folder(path: Path) -> list[Path]:
    """Make a folder and its parents, or raise SaveError; return the new ones."""
    missing = list(takewhile(lambda one: not one.exists(), (path, *path.parents)))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _in_the_way(path) from error
    except OSError as error:
        raise SaveError(f"cannot make the folder: {path} ({error.strerror or error}).") from error
    return missing


def _in_the_way(path: Path) -> SaveError:
    """Return the error of a folder whose name, or that of a parent, a file has."""
    there = next((one for one in (path, *path.parents) if os.path.lexists(one)), path)
    kind = odd_kind(there.stat().st_mode) if there.exists() else "a link to nothing"
    return SaveError(f"{kind or 'a file'} has that name: {there}; expected a folder, or none yet.")


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of some folders that are empty."""
    for folder in sorted(folders, reverse=True):  # children first
        with suppress(OSError):
            folder.rmdir()


def _unsaved(path: Path, error: OSError, placed: Sequence[Path]) -> SaveError:
    others = f"only {', '.join(map(str, placed))} is new" if placed else ""
    return SaveError(
        f"could not be saved: {path} ({error.strerror or error}); "
        f"{others or 'what was there before is untouched'}."
    )


def _write_through(path: Path, content: bytes | Content) -> None:
    with path.open("xb") as file:
        for part in [content] if isinstance(content, bytes) else content():
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _copy_permissions(source: Path, target: Path) -> None:
    try:
        mode = source.stat().st_mode
    except FileNotFoundError:
        return
    target.chmod(stat.S_IMODE(mode))


def _sync_folder(path: Path) -> None:
    """Sync the new name itself, where the system can sync folders."""
    if os.name == "nt":
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno not in _FOLDERS_CANNOT_SYNC:
            raise SaveError(
                f"the disk did not confirm the write: {path} ({error.strerror or error}); "
                "check the disk and save again."
            ) from error


Result = TypeVar("Result")

GROUP = 64
"""Files in a group."""

LONGEST = 1.0
"""Seconds after which a smaller group is written, so that runs of large images show progress."""


def saved_in_groups(
    answers: Iterator[tuple[Result, Unwritten | None]], failed: Callable[[Result, str], Result]
) -> Iterator[Result]:
    """Write the files of a run, group by group, and pass on the result of each.

    A result is passed on when its file is in place and on the disk. While one group is written,
    the next is gathered. What was gathered when the run is stopped is written too.

    Parameters
    ----------
    answers : iterator of (result, Unwritten or None)
        The results, each with the file that it waits for.
    failed : callable
        Returns the result of a file that could not be written, given the first one and the reason.
    """
    group: list[tuple[Result, Unwritten | None]] = []
    since = time.monotonic()
    writing: list[Future[list[Result]]] = []  # one group at most

    def written() -> list[Result]:
        wait(writing)
        return writing.pop().result() if writing else []

    def finish() -> list[Result]:
        last = group.copy()
        group.clear()
        return written() + _settled(last, failed)

    with ThreadPoolExecutor(1, "disk") as disk:  # a thread that no Ctrl+C reaches
        try:
            for answer in answers:
                group.append(answer)
                if len(group) >= GROUP or time.monotonic() - since > LONGEST:
                    results = written()
                    writing.append(disk.submit(_settled, group, failed))
                    group, since = [], time.monotonic()
                    yield from results
                elif writing and writing[0].done():
                    yield from written()
        except KeyboardInterrupt:
            yield from finish()
            raise
        else:
            yield from finish()
        finally:
            finish()


def _settled(
    group: list[tuple[Result, Unwritten | None]], failed: Callable[[Result, str], Result]
) -> list[Result]:
    files = [file for _, file in group if file is not None]
    errors = iter(write_together(files) if files else [])
    settled = []
    for result, file in group:
        error = None if file is None else next(errors)
        settled.append(result if error is None else failed(result, str(error)))
    return settled
