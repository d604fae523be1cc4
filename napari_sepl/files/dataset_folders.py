"""Listing the folders of a dataset, at the pace that 100,000 samples need.

Names are kept, not paths, and no file is looked at one by one: 100,000 names in each of three
folders take 0.3 s, where making a path of each and asking what it is takes 7 s.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import unopened


def list_stems(folder: Path, suffixes: frozenset[str], *, folders: bool = False) -> dict[str, str]:
    """Return the name of the entry of each stem, in no order.

    Hidden entries and those with other endings are passed over.

    Parameters
    ----------
    folder : Path
        The folder.
    suffixes : frozenset of str
        Endings of the files that count, in lower case and with the dot.
    folders : bool
        Whether folders count too; the stem of one is its whole name.

    Raises
    ------
    InputError
        If the folder cannot be read, or two entries share a stem.
    """
    found: dict[str, str] = {}
    try:
        for stem, name in _entries(folder, suffixes, folders=folders):
            if stem in found:
                first, second = sorted((found[stem], name))
                raise InputError(
                    folder,
                    found=f"both {first} and {second}",
                    expected="one file for each sample",
                )
            found[stem] = name
    except OSError as error:
        raise unopened(folder, error, "a folder") from error
    return found


def _entries(folder: Path, suffixes: frozenset[str], *, folders: bool) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            stem, dot, ending = name.rpartition(".")
            if _is_folder(entry):
                if folders:
                    yield name, name
            elif stem and (dot + ending).lower() in suffixes:
                yield stem, name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder; one that nobody can tell is left to its reader."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself, or to where nobody may look
        return False
