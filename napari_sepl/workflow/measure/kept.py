"""What a run has counted, kept beside its table, so that the same command goes on from there."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from napari_sepl import __version__
from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.files.progress import (
    Arrays,
    Progress,
    progress_file,
    read_progress,
    remove_progress,
    stamp_files,
    write_progress,
)
from napari_sepl.workflow.measure.counted import Counts, CountStep, count_each

EVERY = 20.0
"""Seconds at least from one writing to the next: so much is counted again after a crash."""

_SHARE = 20
"""And at least so many times what the last one took: it costs 5 % of the time at most."""


class Kept:
    """Keeps what one run has counted.

    Parameters
    ----------
    table : Path
        The table that is to come of the run; the file is beside it.
    key : mapping
        All that the counts depend on but the samples' files, as JSON holds it, by the names that
        the user is told if it is not the same. The version is added.
    files_of : callable
        Returns the files that are read for a sample.
    sums : callable
        Returns what is counted so far.

    Attributes
    ----------
    stamps : dict of str to int
        The samples that are counted, with the state of their files before they were read.
    told : str
        Where the run goes on, or why it does not; empty where nothing was kept.
    holds : bool
        Whether the next run can go on from what this one has written.
    """

    def __init__(
        self,
        table: Path,
        key: Mapping[str, Any],
        files_of: Callable[[str], Iterable[Path]],
        sums: Callable[[], Arrays],
    ) -> None:
        self.table, self._path = table, progress_file(table)
        self._key = {**key, "version": __version__}
        self._files_of, self._sums = files_of, sums
        self.stamps: dict[str, int] = {}
        self.told, self.holds = "", False
        self._handed: dict[str, int] = {}
        self._whole = True  # no sample is in a part of the sums only
        self._written = 0
        self._due = monotonic() + EVERY

    def take_up(self, ids: Sequence[str]) -> Arrays | None:
        """Return the sums that an earlier run of the same kept, if they hold for these samples."""
        try:
            found = read_progress(self._path)
        except InputError as error:
            self.told = f"{error} All samples are counted anew."
            return None
        if found is None:
            return None
        why = self._differs(found.key) or self._moved(found.stamps, ids)
        if why:
            self.told = f"{self._path}: {why}; all samples are counted anew."
            return None
        self.stamps, self._written, self.holds = found.stamps, len(found.stamps), True
        self.told = f"{self.table}: goes on after {len(self.stamps):,} of {len(ids):,} samples"
        return found.sums

    def _differs(self, key: dict[str, Any]) -> str:
        """Tell of what another run was; empty if it was the same."""
        names = [name for name in self._key | key if self._key.get(name) != key.get(name)]
        return f"kept by a run that differs in {', '.join(names)}" if names else ""

    def _moved(self, stamps: Mapping[str, int], ids: Sequence[str]) -> str:
        """Tell which counted samples are not what they were; empty if all are."""
        gone = list(stamps.keys() - set(ids))
        if gone:
            return f"{min(gone)} was counted, and is none of the samples any more"
        changed = [one for one in stamps if stamp_files(self._files_of(one)) != stamps[one]]
        more = f" and of {len(changed) - 1:,} more samples" if len(changed) > 1 else ""
        return f"files of {changed[0]}{more} have changed" if changed else ""

    def left(self, ids: Iterable[str]) -> list[str]:
        """Return the samples that are not counted yet."""
        return [sample_id for sample_id in ids if sample_id not in self.stamps]

    def handed(self, ids: Iterable[str]) -> Iterator[str]:
        """Yield samples that are to be read, noting before what state their files are in."""
        for sample_id in ids:
            self._handed[sample_id] = stamp_files(self._files_of(sample_id))
            yield sample_id

    def around(self, add: Callable[[str, Counts], None]) -> Callable[[str, Counts], None]:
        """Return what adds a sample to the sums, and writes them if it is time."""

        def add_and_keep(sample_id: str, counts: Counts) -> None:
            with _ctrl_c_held_back():
                self._whole = False  # and so it stays if the memory is full in between
                add(sample_id, counts)
                self.stamps[sample_id] = self._handed.pop(sample_id)
                self._whole = True
            if monotonic() >= self._due:
                self.save()

        return add_and_keep

    def save(self) -> None:
        """Write what is counted so far, unless that is written, or half a sample is among it.

        Raises
        ------
        SaveError
            If it cannot be written; what was written before still is.
        """
        if not self._whole or len(self.stamps) == self._written:
            return
        begun = monotonic()
        write_progress(self._path, Progress(self._key, self.stamps, self._sums()))
        self._written, self.holds = len(self.stamps), True
        self._due = monotonic() + max(EVERY, _SHARE * (monotonic() - begun))

    def end(self) -> None:
        """Remove what was kept: the table is saved."""
        remove_progress(self._path)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Let Ctrl+C come after the block: it is likely within, where samples are quick to read."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[Any] = []
    signal.signal(signal.SIGINT, lambda *seen: held.append(seen))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held and callable(before):
        before(*held[0])


def count_kept(
    kept: Kept | None,
    ids: Sequence[str],
    answers: Callable[[Iterable[str]], Iterable[Counts | str]],
    add: Callable[[str, Counts], None],
) -> Iterator[CountStep]:
    """Add up what samples come to, as `count_each` does, but for those that are counted already.

    Parameters
    ----------
    kept : Kept, optional
        What is counted already, and where more is kept.
    ids : sequence of str
        All samples.
    answers : callable
        Takes samples, and returns the counts of each, or why there are none.
    add : callable
        Takes a sample and its counts.
    """
    if kept is None:
        return count_each(ids, answers(ids), add)
    left = kept.left(ids)
    return count_each(left, answers(kept.handed(left)), kept.around(add))


def tell_classes(classes: ClassList) -> list[str]:
    """Return what counts depend on of a class list."""
    return [classes.title, *classes.names]


def tell_folders(folders: Mapping[str, Path | None]) -> dict[str, str | None]:
    """Return where folders are, wherever the command is called from."""
    return {role: None if path is None else str(path.resolve()) for role, path in folders.items()}
