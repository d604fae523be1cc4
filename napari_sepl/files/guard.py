"""Guards against writing onto an input or over another program's file."""

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
"""Returns whether napari-sepl wrote a regular file, as a file of one kind."""

_HEAD = 4096
_Mark = Path | tuple[int, int]


@dataclass(frozen=True)
class Guard:
    """The places that a run must not write to; everything that writes asks one.

    Parameters
    ----------
    inputs : tuple of Path
        Files and folders that are read. Nothing is written onto or below one of them under any
        name: through links, in other letter case on some disks, or as a hard link.
    asked : frozenset of Path
        Files that a person agreed to replace, of any program.
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
            Recognises files of this kind.
        option : str
            The option that names the place, for the message.
        other : callable
            Recognises tables and pages of all our kinds.

        Raises
        ------
        InputError
            If it is an input, or lies in one.
        SaveError
            If a folder has that name, or another program wrote the file.
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
        folder = "the output folder" if is_output else "an input folder"
        found, outside = f"a place in {folder}", str(given)
        if same and is_output:
            found, outside = "the output folder (--out)", "it"
        elif same:
            found = "one of the input folders" if target.is_dir() else "one of the inputs"
            outside = "the inputs"
        return InputError(target, found=found, expected=f"a place outside {outside} to write to")

    @cached_property
    def _marked(self) -> Mapping[_Mark, Path]:
        return {mark: one for one in self.inputs for mark in _marks(one)}

    def _twin(self, target: Path) -> Path | None:
        """Return the file of an input folder that has the target as a hard link."""
        try:
            state = target.stat()
        except OSError:
            return None
        if stat.S_ISREG(state.st_mode) and state.st_nlink > 1:
            return self._files.get((state.st_dev, state.st_ino))
        return None

    @cached_property
    def _files(self) -> Mapping[_Mark, Path]:
        """The files of the input folders by their positions on the disk."""
        walks = (walk for one in self.inputs for walk in os.walk(one))
        files = (Path(inside, name) for inside, _, names in walks for name in names)
        return {mark: file for file in files for mark in _lies(file)}


NO_INPUTS = Guard()
"""The guard of a run without inputs: files of other programs alone are protected."""


def begins(*starts: bytes) -> IsOurs:
    """Return a function that recognises files by their first bytes."""
    return lambda path: _head(path).startswith(starts)


def holds_mark(mark: bytes) -> IsOurs:
    """Return a function that recognises files by a mark within their first 4 kB."""
    return lambda path: mark in _head(path)


def foreign(target: Path, option: str) -> SaveError:
    """Return the error of a file that napari-sepl did not write."""
    return SaveError(
        f"exists and was not written by napari-sepl: {target}; move it, or choose another {option}."
    )


def check_files(
    files: Mapping[Path, IsOurs], guard: Guard, option: str, other: IsOurs = lambda _: False
) -> None:
    """Raise unless all files of one result may be written; make their folders.

    Parts of files that a killed run left in the folders are removed.

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
    """Yield the keys of a place: its name without links, and its position on the disk."""
    yield real_place(path)
    yield from _lies(path)


def _lies(path: Path) -> Iterator[tuple[int, int]]:
    with suppress(OSError):
        state = path.stat()
        yield state.st_dev, state.st_ino


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
