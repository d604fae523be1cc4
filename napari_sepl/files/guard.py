"""Whether a file may be written: never onto an input, nor over another program's file."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import real_place
from napari_sepl.files.atomic import check_writable, clear_abandoned, make_folder

IsOurs = Callable[[Path], bool]
"""Tells of a regular file whether napari-sepl wrote it, as a file of the kind in question."""

_HEAD = 4096
_Mark = Path | tuple[int, int]


@dataclass(frozen=True)
class Guard:
    """What a run may write; whatever is written anywhere asks one.

    Parameters
    ----------
    inputs : tuple of Path
        Files and folders that are read. Nothing is written onto one of them or below it, however
        it is named: through links, in other letters on a disk that takes them for the same, or as
        another name of the same file.
    asked : frozenset of Path
        Files that a person agreed to replace, whoever wrote them.
    overwrite : bool
        Whether a table or page of ours that exists may be replaced.
    output : Path, optional
        The input that is the dataset's output folder, for messages.
    """

    inputs: tuple[Path, ...] = ()
    asked: frozenset[Path] = frozenset()
    overwrite: bool = False
    output: Path | None = None

    def check(
        self, target: Path, is_ours: IsOurs, option: str, other: IsOurs = lambda _: False
    ) -> None:
        """Raise unless a file may be written.

        Parameters
        ----------
        target : Path
            The file.
        is_ours : callable
            Recognises files of the kind.
        option : str
            The option that names the place, for the message.
        other : callable
            Recognises tables and pages of all our kinds.

        Raises
        ------
        InputError
            If it is an input, or lies in one.
        SaveError
            If a folder has that name, or a file is there that napari-sepl did not write.
        """
        self.check_place(target)
        if target.is_dir():
            raise SaveError(f"a folder has that name: {target}; choose another {option}.")
        if not os.path.lexists(target) or target in self.asked:
            return
        if _is_regular(target):
            if is_ours(target):
                return
            if other(target):
                raise SaveError(
                    f"holds a table of another command: {target}; "
                    f"move it, or choose another {option}."
                )
        raise foreign(target, option)

    def check_place(self, target: Path) -> None:
        """Raise InputError if a file or folder to write is an input, or lies in one."""
        real = real_place(target)
        for place in (real, *real.parents):
            for mark in _marks(place):
                if mark in self._marked:
                    raise self._inside(target, self._marked[mark], same=place == real)
        twin = self._twin(target)
        if twin is not None:
            raise self._inside(target, twin, same=True)

    def _inside(self, target: Path, given: Path, *, same: bool) -> InputError:
        is_output = given == self.output
        found = f"a place in {given}, which is {'the output folder' if is_output else 'an input'}"
        if same and is_output:
            found = "the output folder (--out)"
        elif same:
            found = "one of the input folders" if target.is_dir() else "one of the inputs"
        where = "it" if is_output else "the inputs"
        return InputError(target, found=found, expected=f"a place outside {where} to write to")

    @cached_property
    def _marked(self) -> Mapping[_Mark, Path]:
        return {mark: one for one in self.inputs for mark in _marks(one)}

    def _twin(self, target: Path) -> Path | None:
        """Return the input folder's file that a target is another name of (a hard link)."""
        try:
            state = target.stat()
        except OSError:
            return None
        if stat.S_ISREG(state.st_mode) and state.st_nlink > 1:
            return self._files.get((state.st_dev, state.st_ino))
        return None

    @cached_property
    def _files(self) -> Mapping[_Mark, Path]:
        """Where the files of the input folders lie on the disk."""
        files = (file for one in self.inputs for file in _files_in(one))
        return {mark: file for file in files for mark in _lies(file)}


NO_INPUTS = Guard()
"""Nothing is read, so files of other programs alone are not to be written over."""


def begins(*starts: bytes) -> IsOurs:
    """Return what knows files of a kind by how they begin."""
    return lambda path: _head(path).startswith(starts)


def holds_mark(mark: bytes) -> IsOurs:
    """Return what knows files of a kind by a mark within their first 4 kB."""
    return lambda path: mark in _head(path)


def foreign(target: Path, option: str) -> SaveError:
    """Return the error of a file that another program wrote, or a person."""
    return SaveError(
        f"exists and was not written by napari-sepl: {target}; move it, or choose another {option}."
    )


def check_files(
    files: Mapping[Path, IsOurs], guard: Guard, option: str, other: IsOurs = lambda _: False
) -> None:
    """Raise, before anything is written, unless all files of one result may be; make their folder.

    What a killed run left half-written in the folder is removed.

    Raises
    ------
    InputError, SaveError
        As `Guard.check`; if a file of ours is there and the guard may not overwrite; or if the
        folder cannot be made or written to.
    """
    for file, is_ours in files.items():
        guard.check(file, is_ours, option, other)
        if os.path.lexists(file) and not guard.overwrite and file not in guard.asked:
            raise SaveError(f"exists: {file}; --overwrite replaces it, or choose another {option}.")
    for folder in {file.parent for file in files}:
        make_folder(folder)
        clear_abandoned(folder)
        check_writable(folder)


def _marks(path: Path) -> Iterator[_Mark]:
    """Yield what a place is known by: its name without links, and where it lies on the disk."""
    yield real_place(path)
    yield from _lies(path)


def _lies(path: Path) -> Iterator[tuple[int, int]]:
    with suppress(OSError):
        state = path.stat()
        yield state.st_dev, state.st_ino


def _files_in(folder: Path) -> Iterator[Path]:
    for inside, _, names in os.walk(folder):
        yield from (Path(inside, name) for name in names)


def _is_regular(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise SaveError(f"cannot be read: {path} ({error.strerror or error}).") from error
