"""The record of a review, as runs read it: whether there is one, and whether it still holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from napari_sepl.files._opening import unopened
from napari_sepl.files.samples import Sample, read_digests, stamp
from napari_sepl.files.store import Review, Store, store_file


@contextmanager
def open_record(folder: Path | None, who: str) -> Iterator[Store | None]:
    """Open the record in a folder of labels to read it, also while a window has it open.

    Parameters
    ----------
    folder : Path or None
        The folder.
    who : str
        Who reads.

    Yields
    ------
    Store or None
        None if there is no record.

    Raises
    ------
    InputError
        If the record is damaged, of another version, or cannot be read.
    """
    path = None if folder is None else store_file(folder)
    if path is None or not _is_there(path):
        yield None
        return
    with Store.open(path, who=who, write=False) as store:
        yield store


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unopened(path, error, "the record of a review") from error
    return True


def is_touched(store: Store, sample_id: str) -> bool:
    """Return whether a person touched a sample until now; InputError if it cannot be read."""
    return any(summary.is_touched for summary in store.summaries(sample_id).values())


class CheckedInputs(NamedTuple):
    """The inputs of a sample, compared with those that were reviewed.

    Parameters
    ----------
    changed : tuple of str
        The inputs whose content changed: "image", "pseudo", "masks"; empty if the review holds, or
        tells of no files.
    stamps : mapping of str to str
        The stamps of the review, with those of today where a file was touched but holds the same.
    """

    changed: tuple[str, ...]
    stamps: Mapping[str, str]


def check_inputs(review: Review, sample: Sample) -> CheckedInputs:
    """Compare the inputs of a sample with those that were reviewed.

    A file that is in the state in which it was reviewed is not read; any other is, for its digest.

    Parameters
    ----------
    review : Review
        The review, without its maps if they are not at hand.
    sample : Sample
        The files as they are now.

    Raises
    ------
    InputError
        If a file must be read and cannot be.
    """
    states = sample.states()
    moved = [
        role
        for role, digest in review.digests.items()
        if not states.get(role) or review.stamps.get(role) != stamp(digest, states[role])
    ]
    if not moved:
        return CheckedInputs((), review.stamps)
    digests = read_digests(sample, moved)
    same = [role for role in moved if digests[role] == review.digests[role]]
    now = {role: stamp(digests[role], states[role]) for role in same}
    return CheckedInputs(review.changed_inputs(digests), {**review.stamps, **now})


def changed_inputs(review: Review, sample: Sample) -> tuple[str, ...]:
    """Return the inputs of a sample that changed since it was reviewed; see `check_inputs`."""
    return check_inputs(review, sample).changed
