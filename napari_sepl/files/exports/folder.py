"""The folder of an export: its own files, known by their digests, and its progress."""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.files._opening import parse_json, read_bytes, real_place, unopened
from napari_sepl.files.atomic import (
    Content,
    clear_abandoned,
    link_whole,
    make_folder,
    remove_empty,
    write_whole,
)
from napari_sepl.files.differences import describe_differences
from napari_sepl.files.exports.base import ImageFiles, encode_json
from napari_sepl.files.guard import Guard, foreign

MANIFEST = "napari-sepl-export.json"
"""Holds the settings and the result of the export."""

JOURNAL = "napari-sepl-export.jsonl"
"""Has a line for each sample and each list; the last line of a sample counts."""

_EXPECTED = "the record of an export, as napari-sepl writes it"
_REMEDY = "choose another --to"


Owned = Mapping[str, Collection[str]]
"""All digests that the files of an export may have, by their places in its folder."""


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or the target of a link; None if nothing exists there.

    It is empty for a folder and other non-files.
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
    """Return the text that replaces the digest for a symbolic link."""
    return "link to " + os.fsencode(target).decode("utf-8", "backslashreplace")


def remove_owned(root: Path, owned: Owned, names: Collection[str]) -> int:
    """Remove files and links of an export, unless they were changed since.

    Returns
    -------
    int
        The number of removed files.

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
    """An image that an export links or copies.

    Parameters
    ----------
    source : Path
        The file.
    place : str
        Its path within the export's folder.
    how : ImageFiles
        Link or copy.
    """

    source: Path
    place: str
    how: ImageFiles

    @property
    def digest(self) -> str | None:
        """The digest of the link or the copy; None for a copy of a file that is gone."""
        if self.how is ImageFiles.LINK:
            return link_to(self.link)
        return digest_of(real_place(self.source))

    @property
    def link(self) -> Path:
        """The target of the link."""
        return self.source.absolute()

    def is_in_place(self, root: Path) -> bool:
        """Return whether the image itself is at its place: an export into its dataset."""
        path = root / self.place
        return not path.is_symlink() and path.exists() and path.samefile(self.source)


class ExportFolder:
    """Writes an export; it recognises its files by their digests, which it records first.

    Parameters
    ----------
    root : Path
        The folder, which no other run uses.
    settings : mapping
        Everything that the export depends on, as JSON holds it.
    guard : Guard
        Protects inputs and files of other programs.
    overwrite : bool
        Replace an export of other settings.

    Attributes
    ----------
    removed : int
        Files of an export of other settings that were removed.

    Raises
    ------
    SaveError
        If the folder holds an export of other settings, or the record of another program.
    InputError
        If the record of an export is damaged.
    """

    def __init__(
        self, root: Path, settings: Mapping[str, Any], guard: Guard, *, overwrite: bool = False
    ) -> None:
        self.root = root
        self.removed = 0
        self._settings = settings
        self._guard, self._overwrite = guard, overwrite
        self._places: dict[str, int] = {}  # of each sample's last line in the journal
        self._owned: dict[str, set[str]] = {}  # all digests that a file may have
        self._prepared: set[Path] = set()
        self._made: list[Path] = []
        self._has_samples = False  # of an earlier run
        self._resumes = self._read_record()

    # --- what is there

    def _read_record(self) -> bool:
        """Read the record of an earlier run; return whether it is of this export."""
        manifest, journal = self._read_manifest(), self.root / JOURNAL
        if manifest is None:
            if os.path.lexists(journal):
                raise foreign(journal, "--to")
            return False
        settings = manifest["settings"]
        same = bool(settings == self._settings)
        if not same and not self._overwrite:
            known = settings if isinstance(settings, dict) else {}
            differences = describe_differences(known, self._settings)
            raise SaveError(
                f"holds an export of other settings: {self.root}: {differences}; "
                "--overwrite replaces it."
            )
        try:
            self._read_journal(journal)
        except InputError:
            if not self._overwrite:
                raise
            return False  # everything before the damage is written again
        return same

    def begin(self, names: Iterable[str], option: str = "--to") -> None:
        """Prepare the folder; remove an export that this one replaces.

        Its files are removed before its record, so that a stopped run can be repeated.

        Parameters
        ----------
        names : iterable of str
            The files about all samples.
        option : str
            The option that names their place, for messages.

        Raises
        ------
        InputError, SaveError
            Before any work, if one of them is an input or another program's file.
        """
        try:
            for name in names:
                self._check(name, None, option)
        except SeplError:
            remove_empty(self._made)
            raise
        for folder in self.folders:
            clear_abandoned(folder)
        journal = self.root / JOURNAL
        if not self._resumes:
            self.removed = remove_owned(self.root, self._owned, self._removable())
            self._places, self._owned = {}, {}
            if journal.exists():
                write_whole(journal, b"")
            self.write_manifest({"complete": False})
        if not journal.exists():
            write_whole(journal, b"")
        self._has_samples = bool(self._places)

    def _removable(self) -> list[str]:
        """Return the files of an earlier export that are not inputs of this one."""
        names = []
        for name in self._owned:
            with suppress(InputError):
                self._guard.check_place((self.root / name).parent)
                names.append(name)
        return names

    def _read_manifest(self) -> dict[str, Any] | None:
        path = self.root / MANIFEST
        if not os.path.lexists(path):
            return None
        manifest = parse_json(read_bytes(path, _EXPECTED), path, _EXPECTED)
        if not (isinstance(manifest, dict) and "settings" in manifest):
            raise foreign(path, "--to")
        return manifest

    def _read_journal(self, path: Path) -> None:
        if not path.exists():
            return
        end = 0
        try:
            with path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):  # the run was stopped while it wrote this line
                        break
                    self._read_line(line, end)
                    end += len(line)
            if end < path.stat().st_size:
                os.truncate(path, end)
        except OSError as error:
            raise unopened(path, error, _EXPECTED) from error

    def _read_line(self, line: bytes, place: int) -> None:
        try:
            record = json.loads(line)
            for name, digest in record["files"].items():
                if name not in record.get("found", ()):  # an equal file of another program
                    self._owned.setdefault(name, set()).add(digest)
            if "id" in record:
                self._places[record["id"]] = place
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                self.root / JOURNAL,
                found=f"a damaged line at byte {place}",
                expected=f"{_EXPECTED}; repeat the command with --overwrite, or {_REMEDY}",
            ) from error

    def record(self, sample_id: str) -> dict[str, Any] | None:
        """Return the record of a sample; None if there is none."""
        return next((one for _, one in self.records({sample_id} & self._places.keys())), None)

    def records(self, sample_ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the ids and records of exported samples."""
        with (self.root / JOURNAL).open("rb") as file:
            for sample_id in sample_ids:
                file.seek(self._places[sample_id])
                yield sample_id, json.loads(file.readline())

    def others(self, sample_ids: Iterable[str]) -> list[str]:
        """Return the samples of earlier runs in this folder, without these."""
        return sorted(self._places.keys() - set(sample_ids))

    def holds(self, sample_id: str, key: str, image: ExportedImage | None) -> bool:
        """Return whether all files of a sample exist, with the same inputs (`key`)."""
        record = self.record(sample_id)
        if record is None or record["key"] != key:
            return False
        files = record["files"]
        moves = image is not None and not image.is_in_place(self.root)
        if image is not None and moves and files.get(image.place) != image.digest:
            return False
        return all(digest_of(self.root / name) == digest for name, digest in files.items())

    @property
    def folders(self) -> list[Path]:
        """The folders of this export's files, without its record."""
        return sorted({(self.root / name).parent for name in self._owned})

    # --- writing

    def put(
        self, record: Mapping[str, Any], files: Mapping[str, bytes], image: ExportedImage | None
    ) -> None:
        """Write the files of a sample and its image, and record their digests.

        Parameters
        ----------
        record : mapping
            The record of the sample: "id", "key" and other values of JSON.
        files : mapping of str to bytes
            Content by path within the folder.
        image : ExportedImage or None
            The image to link or copy.

        Raises
        ------
        SaveError
            If another program's file has the name, or a file cannot be written.
        InputError
            If a file is an input or lies in one, or the image cannot be read.
        """
        links: dict[str, Path] = {}
        if image is not None and not image.is_in_place(self.root):
            if image.how is ImageFiles.LINK:
                links = {image.place: image.link}
            else:
                files = {**files, image.place: read_bytes(image.source, "an image")}
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        digests |= {name: link_to(target) for name, target in links.items()}
        missing = [name for name, digest in digests.items() if not self._check(name, digest)]
        found = [name for name in digests if name not in {*missing, *self._owned}]
        self._append({**record, "files": digests, "found": found})
        for name in missing:
            if name in links:
                link_whole(self.root / name, links[name])
            else:
                write_whole(self.root / name, files[name])

    def put_whole(self, name: str, content: Content) -> None:
        """Write a file about all samples, as `put` does."""
        digest = hashlib.sha256()
        for part in content():
            digest.update(part)
        if not self._check(name, digest.hexdigest()):
            self._append({"files": {name: digest.hexdigest()}})
            write_whole(self.root / name, content)

    def leave(self) -> None:
        """Remove the files of a run without samples; an earlier export stays."""
        if self._has_samples:
            return
        remove_owned(self.root, self._owned, self._removable())
        for name in (JOURNAL, MANIFEST):
            (self.root / name).unlink(missing_ok=True)
        remove_empty(self._made)

    def _check(self, name: str, digest: str | None, option: str = "--to") -> bool:
        """Return whether a file exists with this digest; raise unless it may be written."""
        path = self.root / name
        self._prepare(path.parent)
        if name in (MANIFEST, JOURNAL):
            raise SaveError(f"this export's own record has that name: {path}; rename the sample.")
        there, known = digest_of(path), {digest} | self._owned.get(name, set())
        if there not in known or not path.is_symlink():  # our own link leads to an input
            self._guard.check(path, lambda _: there in known, option)
        return there is not None and there == digest

    def _prepare(self, folder: Path) -> None:
        """Make a folder, unless it is an input, and remove temporary files of killed runs."""
        if folder not in self._prepared:
            self._guard.check_place(folder)
            self._made += make_folder(folder)
            clear_abandoned(folder)
            self._prepared.add(folder)

    def _append(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, allow_nan=False).encode("ascii") + b"\n"
        path = self.root / JOURNAL
        place = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(line)
        except OSError as error:
            with suppress(OSError):  # the next line would continue this one
                os.truncate(path, place)
            raise SaveError(f"could not be written: {path} ({error.strerror or error}).") from error
        self._read_line(line, place)

    def write_manifest(self, summary: Mapping[str, Any]) -> None:
        """Write the settings and the result of the export."""
        content = {"settings": self._settings, **summary}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(self.root / MANIFEST, encode_json(text))
