"""What a run has counted so far, kept beside its table, so that the same command resumes."""

import hashlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_sepl import __version__
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import read_bytes, real_place
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.digests import stamp_file

Arrays = dict[str, NDArray[Any]]
Sums = TypeVar("Sums")

EVERY = 20.0
"""Seconds at least from one writing to the next: so much is counted again after a stop."""

_SHARE = 20
"""And at least so many times what the last one took: it costs 5 % of the time at most."""

_EXPECTED = "what a stopped run had counted"
_ABOUT = "about"
_DAMAGE = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RuntimeError,
    MemoryError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


class RunCheckpoint:
    """Saves the counts of one run, in an .npz file with checksums.

    Parameters
    ----------
    table : Path
        The table that is to come of the run; the file is beside it.
    key : mapping
        All that the counts depend on but the samples' files, for JSON, by the names that
        the user is told if it is not the same. The version is added.
    files_of : callable
        Returns the files that are read for a sample.
    sums : callable
        Returns the counts so far, as arrays by name.

    Attributes
    ----------
    stamps : dict of str to str
        The samples that are counted, with the state of their files before they were read.
    note : str
        Where the run resumes, or why it does not; empty where nothing was kept.
    problem : str
        Why the last save failed; empty if it succeeded.
    holds : bool
        Whether the next run can resume this one.
    """

    def __init__(
        self,
        table: Path,
        key: Mapping[str, Any],
        files_of: Callable[[str], Iterable[Path]],
        sums: Callable[[], Arrays],
    ) -> None:
        self.table, self.path = table, checkpoint_file(table)
        self._key = {**key, "version": __version__}
        self._files_of, self._sums = files_of, sums
        self.stamps: dict[str, str] = {}
        self._begun: dict[str, str] = {}
        self.note, self.problem, self.holds = "", "", False
        self._whole = True  # no sample is in a part of the sums only
        self._written = 0
        self._due = monotonic() + EVERY

    def resume(self, ids: Sequence[str]) -> Arrays | None:
        """Return the sums of an earlier run with the same settings, if valid for these samples."""
        if not self.path.exists():
            return None
        try:
            about, sums = read_checkpoint(self.path)
        except InputError as error:
            self.note = f"{error} All samples are counted again."
            return None
        why = self._difference(about["key"]) or self._change(about["stamps"], ids)
        if why:
            self.note = f"{why}: {self.path}; all samples are counted again."
            return None
        self.stamps, self._written, self.holds = about["stamps"], len(about["stamps"]), True
        self.note = f"resumes after {len(self.stamps):,} of {len(ids):,} samples: {self.table}"
        return sums

    def _difference(self, key: dict[str, Any]) -> str:
        """Return how an earlier run differs; empty if it does not."""
        names = [name for name in self._key | key if self._key.get(name) != key.get(name)]
        return f"kept by a run that differs in {', '.join(names)}" if names else ""

    def _change(self, stamps: Mapping[str, str], ids: Sequence[str]) -> str:
        """Return which counted samples have changed; empty if none."""
        gone = stamps.keys() - set(ids)
        if gone:
            return f"{min(gone)} was counted, and is none of the samples any more"
        changed = [one for one in stamps if self._stamp(one) != stamps[one]]
        more = f" and of {len(changed) - 1:,} more samples" if len(changed) > 1 else ""
        return f"files of {changed[0]}{more} have changed" if changed else ""

    def left(self, ids: Iterable[str]) -> Iterator[str]:
        """Yield the samples that are not counted yet, noting the state of their files."""
        for sample_id in ids:
            if sample_id not in self.stamps:  # a file that changes while it is read has changed
                self._begun[sample_id] = self._stamp(sample_id)
                yield sample_id

    @contextmanager
    def adding(self, sample_id: str) -> Iterator[None]:
        """Note that a sample is counted, whose counts are added within the block; save in time."""
        self._whole = False  # and so it stays if Ctrl+C or a full memory ends the run here
        yield
        self.stamps[sample_id] = self._begun.pop(sample_id)
        self._whole = True
        if monotonic() >= self._due:
            self.save()

    def save(self) -> None:
        """Save the counts so far, unless saved already or within a sample.

        Where it cannot be written, what was written before still is, and `problem` says why: the
        run itself goes on, and may be over before the disk is wanted again.
        """
        if not self._whole or len(self.stamps) == self._written:
            return
        begun = monotonic()
        about = json.dumps({"key": self._key, "stamps": self.stamps}).encode()
        buffer = io.BytesIO()
        arrays: Any = {_ABOUT: np.frombuffer(about, np.uint8), **self._sums()}
        np.savez(buffer, **arrays)
        try:
            write_whole(self.path, buffer.getvalue())
        except SaveError as error:
            self.problem = str(error)
        else:
            self._written, self.holds, self.problem = len(self.stamps), True, ""
        self._due = monotonic() + max(EVERY, _SHARE * (monotonic() - begun))

    def end(self) -> None:
        """Remove the file, after the table is saved."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise SaveError(
                f"could not be removed ({error.strerror or error}): {self.path}."
            ) from error

    def _stamp(self, sample_id: str) -> str:
        return stamp_files(self._files_of(sample_id))


def place(folder: Path | None) -> str | None:
    """Return where a folder is, wherever the command is called from."""
    return None if folder is None else str(real_place(folder))


def checkpoint_file(table: Path) -> Path:
    """Return the checkpoint file beside a table."""
    return table.with_name(f".{table.name}.sepl-checkpoint.npz")


def read_checkpoint(path: Path) -> tuple[dict[str, Any], Arrays]:
    """Return the key and the stamps that a run kept, by these names, and its sums.

    Raises
    ------
    InputError
        If the file cannot be opened, is damaged, or is something else.
    """
    content = read_bytes(path, _EXPECTED)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            sums = {name: arrays[name] for name in arrays.files}
        about = json.loads(sums.pop(_ABOUT).tobytes())
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            path, found="damaged content, or something else", expected=_EXPECTED
        ) from error
    return about, sums


def to_arrays(sums: object, name: str = "") -> Arrays:
    """Return the fields of dataclasses of arrays and numbers, by name."""
    if sums is None:
        return {}
    if not is_dataclass(sums):
        return {name: np.asarray(sums)}
    found: Arrays = {}
    for field in fields(sums):
        found |= to_arrays(getattr(sums, field.name), f"{name}.{field.name}")
    return found


def from_arrays(empty: Sums, arrays: Mapping[str, NDArray[Any]], name: str = "") -> Sums:
    """Return the sums that `to_arrays` was given; `empty` are sums of the same run, of nothing."""
    found: Any = empty
    if is_dataclass(found) and not isinstance(found, type):
        found = replace(found, **{
            field.name: from_arrays(getattr(found, field.name), arrays, f"{name}.{field.name}")
            for field in fields(found)
        })  # fmt: skip
    elif found is not None:
        found = int(arrays[name]) if isinstance(found, int) else arrays[name]
    result: Sums = found
    return result


def stamp_files(paths: Iterable[Path]) -> str:
    """Return a stamp of the state of files, and of those in folders, by name and `stamp_file`."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        digest.update(os.fsencode(path.name) + f"\0{stamp_file(path)}\0".encode())
    return digest.hexdigest()
