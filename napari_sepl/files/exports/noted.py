"""What an export notes of its files, images among them, and how it tells those that changed."""

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_sepl.core.errors import SaveError
from napari_sepl.files._opening import real_place, unopened
from napari_sepl.files.exports.base import ImageFiles

Owned = Mapping[str, Collection[str]]
"""All digests that the files of an export may have, by their places in its folder."""


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or where a link leads; None if nothing is there.

    It is empty for a folder and whatever else is no file.
    """
    if path.is_symlink():
        return link_to(path.readlink())
    if not path.is_file():
        return "" if path.exists() else None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unopened(path, error, "a file of the export") from error


def link_to(target: Path) -> str:
    """Return what stands for the digest of a symbolic link."""
    return "link to " + os.fsencode(target).decode("utf-8", "backslashreplace")


def remove_owned(root: Path, owned: Owned, names: Collection[str]) -> int:
    """Remove files and links of an export, unless somebody changed them since.

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
        if digest_of(path) in owned[name]:
            try:
                path.unlink()
            except OSError as error:
                raise SaveError(
                    f"cannot be removed: {path} ({error.strerror or error}); "
                    "it is of the export that this one replaces."
                ) from error
            removed += 1
    return removed


@dataclass(frozen=True)
class ExportedImage:
    """An image that goes along.

    Parameters
    ----------
    source : Path
        The file.
    place : str
        Where it goes, in the folder.
    how : ImageFiles
        Link or copy.
    """

    source: Path
    place: str
    how: ImageFiles

    @property
    def digest(self) -> str | None:
        """What the link or the copy is known by; None for a copy of a file that is gone."""
        return (
            link_to(self.link)
            if self.how is ImageFiles.LINK
            else digest_of(real_place(self.source))
        )

    @property
    def link(self) -> Path:
        """Where the link leads."""
        return self.source.absolute()

    def is_in_place(self, root: Path) -> bool:
        """Return whether the image itself lies where it would go: an export into its dataset."""
        path = root / self.place
        return not path.is_symlink() and path.exists() and path.samefile(self.source)
