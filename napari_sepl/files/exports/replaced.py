"""Files of an export that another one replaces, in the same folder.

Where readers go by what lies in a folder, as YOLO's do, a file that stayed behind would be read:
a sample that went from one split to the other would be in both.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import SaveError
from napari_sepl.files.exports.noted import digest_of


def encode_replaced(
    root: Path, owned: Mapping[str, Collection[str]], pictures: Iterable[str]
) -> bytes:
    """Return lines of a journal that tell of an earlier export's files.

    Parameters
    ----------
    root : Path
        The folder.
    owned : mapping of str to collection of str
        Digests that its files may have, by path within the folder.
    pictures : iterable of str
        Where it may have put links.
    """
    told: list[dict[str, Any]] = [
        {"files": {name: one}} for name, digests in owned.items() for one in sorted(digests)
    ]
    told += [{"files": {}, "picture": place} for place in pictures if (root / place).is_symlink()]
    lines = [json.dumps({**record, "replaced": True}) + "\n" for record in told]
    return "".join(lines).encode("ascii")


def remove_replaced(
    root: Path, names: Collection[str], owned: Mapping[str, Collection[str]]
) -> int:
    """Remove files and links of an earlier export, unless somebody changed them since.

    Returns
    -------
    int
        How many were removed.

    Raises
    ------
    SaveError
        If one cannot be removed.
    """
    removed = 0
    for name in sorted(names):
        path = root / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            continue  # no export of ours has such a name
        ours = name not in owned if path.is_symlink() else digest_of(path) in owned.get(name, ())
        if ours:
            try:
                path.unlink()
            except OSError as error:
                raise SaveError(
                    f"{path}: is of an earlier export, and could not be removed "
                    f"({error.strerror or error})."
                ) from error
            removed += 1
    return removed
