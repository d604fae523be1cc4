"""The folder of one export: what in it is this export's, and what was written so far."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import read_bytes, real_place
from napari_sepl.files.atomic import link_whole, make_folder, write_whole
from napari_sepl.files.exports.base import Content, encode_json
from napari_sepl.files.exports.noted import digest_of, read_lines, tell_differences
from napari_sepl.files.exports.pictures import Picture
from napari_sepl.files.exports.replaced import encode_replaced, remove_replaced
from napari_sepl.files.exports.settings import Pictures

MANIFEST = "napari-sepl-export.json"
"""Says with which settings the export was made, and what came of it."""

JOURNAL = "napari-sepl-export.jsonl"
"""Has a line for each sample and each list; of two lines on one sample the last one counts."""

_EXPECTED = "the record of an export, as napari-sepl writes it"


class ExportFolder:
    """Writes an export, knowing its own files by their digests, which are noted before.

    Parameters
    ----------
    root : Path
        The folder; it is made if need be.
    settings : mapping
        All that the export depends on, as JSON holds it.
    guarded : iterable of Path
        Folders that nothing is written to, nor to any folder in them.
    overwrite : bool
        Replace files that are not this export's, and an export of other settings.

    Raises
    ------
    SaveError
        If the folder cannot be made, or holds an export of other settings.
    InputError
        If it is one of the guarded ones, or what an export noted is damaged.
    """

    def __init__(
        self, root: Path, settings: Mapping[str, Any], guarded: Iterable[Path], *, overwrite: bool
    ) -> None:
        self.root = root
        self._settings = settings
        self._guarded = [real_place(folder) for folder in guarded]
        self._overwrite = overwrite
        self._places: dict[str, int] = {}  # of each sample's last line in the journal
        self._owned: dict[str, set[str]] = {}  # all digests that a file may have
        self._replaced: set[str] = set()  # files of other settings, until others take their names
        self._allowed: set[Path] = set()
        self._prepare(root)
        self._resume()

    # --- what is there

    def _resume(self) -> None:
        told = self._read_manifest()
        journal = self.root / JOURNAL
        if told is not None and told.get("settings") == self._settings:
            try:
                self._read_journal(journal)
            except InputError:
                if not self._overwrite:
                    raise
                self._begin(journal)  # all is made anew
                self._read_journal(journal)
            return
        if told is not None and not self._overwrite:
            differences = tell_differences(told.get("settings"), self._settings)
            raise SaveError(
                f"{self.root}: holds an export of other settings ({differences}); "
                "--overwrite replaces it."
            )
        if told is None and journal.exists() and not self._overwrite:
            raise SaveError(f"{journal}: another program's file is there; --overwrite replaces it.")
        if told is not None:
            with suppress(InputError):  # a damaged one tells of fewer files
                self._read_journal(journal)
        if journal.exists():  # emptied first, or after a crash it would count for these settings
            self._begin(journal)
        self._write_manifest({"complete": False})
        self._read_journal(journal)

    def _begin(self, journal: Path) -> None:
        """Begin the journal anew, with the files of the export that is replaced."""
        places = [record.get("picture") for _, record in self.records(self._places)]
        links = self._replaced.union(place for place in places if place is not None)
        write_whole(journal, encode_replaced(self.root, self._owned, links))
        self._places, self._owned, self._replaced = {}, {}, set()

    def _read_manifest(self) -> dict[str, Any] | None:
        path = self.root / MANIFEST
        if not path.exists():
            return None
        try:
            told = json.loads(read_bytes(path, _EXPECTED))
        except ValueError as error:
            if self._overwrite:
                return {}
            raise InputError(path, found=f"no JSON ({error})", expected=_EXPECTED) from error
        return told if isinstance(told, dict) else {}

    def _read_journal(self, path: Path) -> None:
        if not path.exists():
            write_whole(path, b"")
            return
        end = 0
        for place, line in read_lines(path, _EXPECTED):
            if not line.endswith(b"\n"):  # the run was stopped while it wrote this line
                break
            self._take_in(line, place, path)
            end = place + len(line)
        if end < path.stat().st_size:
            with path.open("r+b") as file:
                file.truncate(end)

    def _take_in(self, line: bytes, place: int, path: Path) -> None:
        try:
            record = json.loads(line)
            for name, digest in record["files"].items():
                self._owned.setdefault(name, set()).add(digest)
            names = {*record["files"], record.get("picture")}
            if record.get("replaced"):
                self._replaced |= names - {None}
            else:
                self._replaced -= names
            if "id" in record:
                self._places[record["id"]] = place
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                path,
                found=f"a damaged line at byte {place}",
                expected=f"{_EXPECTED}; --overwrite makes all anew",
            ) from error

    def record(self, sample_id: str) -> dict[str, Any] | None:
        """Return what was noted of a sample; None if nothing was."""
        place = self._places.get(sample_id)
        if place is None:
            return None
        with (self.root / JOURNAL).open("rb") as file:
            file.seek(place)
            record: dict[str, Any] = json.loads(file.readline())
        return record

    def records(self, sample_ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return what was noted of samples, one by one."""
        with (self.root / JOURNAL).open("rb") as file:
            for sample_id in sample_ids:
                file.seek(self._places[sample_id])
                yield sample_id, json.loads(file.readline())

    def others(self, sample_ids: Iterable[str]) -> list[str]:
        """Return the samples that an earlier run exported here, but for these."""
        return sorted(self._places.keys() - set(sample_ids))

    def holds(self, sample_id: str, key: str, picture: Picture | None) -> bool:
        """Tell whether all of a sample is there, made from what `key` stands for."""
        record = self.record(sample_id)
        if record is None or record["key"] != key:
            return False
        fine = all(digest_of(self.root / name) == told for name, told in record["files"].items())
        return fine and (picture is None or picture.is_in(self.root))

    # --- writing

    def put(
        self, record: Mapping[str, Any], files: Mapping[str, bytes], picture: Picture | None
    ) -> None:
        """Write the files of a sample and its picture, and note what they are.

        Parameters
        ----------
        record : mapping
            What to note: "id", "key" and what else JSON can hold.
        files : mapping of str to bytes
            Content by path within the folder.
        picture : Picture or None
            The picture to put along.

        Raises
        ------
        SaveError
            If another program's file is there, or one cannot be written.
        InputError
            If one would be written into a guarded folder, or the picture cannot be read.
        """
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        for name, digest in digests.items():
            self._check(name, digest)
        if picture is not None:
            self._put_picture(picture)
        self._note({**record, "files": digests})
        for name, content in files.items():
            write_whole(self.root / name, content)

    def _put_picture(self, picture: Picture) -> None:
        path = self.root / picture.place
        self._prepare(path.parent)
        if picture.is_in(self.root):
            return
        if picture.how is Pictures.LINK:
            if (path.exists() or path.is_symlink()) and not self._overwrite:
                raise _foreign(path)
            link_whole(path, picture.source.absolute())
            return
        content = read_bytes(picture.source, "a picture")
        digest = hashlib.sha256(content).hexdigest()
        self._check(picture.place, digest)
        self._note({"files": {picture.place: digest}})
        write_whole(path, content)

    def claim(self, names: Iterable[str]) -> None:
        """Raise, before any work, if `put_whole` would meet files of other programs."""
        for name in names:
            self._check(name, None)

    def put_whole(self, name: str, content: Content) -> None:
        """Write a file that tells of all samples; as `put`."""
        digest = hashlib.sha256()
        for part in content():
            digest.update(part)
        self._check(name, digest.hexdigest())
        self._note({"files": {name: digest.hexdigest()}})
        write_whole(self.root / name, content())

    def clear(self) -> int:
        """Remove what is left of an export that this one replaces; return how many files."""
        names = [n for n in self._replaced if self._guard_of((self.root / n).parent) is None]
        return remove_replaced(self.root, names, self._owned)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write into the manifest what came of it."""
        self._write_manifest(summary)

    def _check(self, name: str, digest: str | None) -> None:
        """Raise unless a file may be written: nothing is there, or what is, is ours."""
        path = self.root / name
        self._prepare(path.parent)
        if name in (MANIFEST, JOURNAL):
            raise SaveError(f"{path}: this export's own record has that name; rename the sample.")
        there = digest_of(path)
        ours = there in {None, digest} | self._owned.get(name, set())
        if not self._overwrite and (path.is_symlink() or not ours):
            raise _foreign(path)

    def _prepare(self, folder: Path) -> None:
        """Make a folder, unless it is guarded."""
        if folder in self._allowed:
            return
        guarded = self._guard_of(folder)
        if guarded is not None:
            raise InputError(
                folder,
                found=f"a place in {guarded}, which this is made from",
                expected="another folder for the export",
            )
        make_folder(folder)
        self._allowed.add(folder)

    def _guard_of(self, folder: Path) -> Path | None:
        """Return the guarded folder that a folder is, or is in."""
        real = real_place(folder)
        return next((one for one in self._guarded if one == real or one in real.parents), None)

    def _note(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, allow_nan=False).encode("ascii") + b"\n"
        path = self.root / JOURNAL
        place = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(line)
        except OSError as error:
            with suppress(OSError):  # or the next line would go on where this one broke off
                os.truncate(path, place)
            raise SaveError(f"{path}: could not be written ({error.strerror or error}).") from error
        self._take_in(line, place, path)

    def _write_manifest(self, summary: Mapping[str, Any]) -> None:
        content = {"settings": self._settings, **summary}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(self.root / MANIFEST, encode_json(text))


def _foreign(path: Path) -> SaveError:
    return SaveError(f"{path}: another program's file is there; --overwrite replaces it.")
