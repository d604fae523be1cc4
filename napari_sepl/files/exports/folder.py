"""The folder of one export: what in it is this export's, and what was written so far."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.files._opening import parse_json, read_bytes, unopened
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
from napari_sepl.files.exports.noted import (
    ExportedImage,
    digest_of,
    link_to,
    remove_owned,
)
from napari_sepl.files.guard import Guard, foreign

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
        The folder, for this run alone.
    settings : mapping
        All that the export depends on, as JSON holds it.
    guard : Guard
        Tells what is not to be written over.
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
        If what an export noted is damaged.
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
        self._earlier = False  # whether samples of an earlier run are there
        self._goes_on = self._look()

    # --- what is there

    def _look(self) -> bool:
        """Read what was noted; tell whether it is of this export, so that it is gone on with."""
        told, journal = self._read_manifest(), self.root / JOURNAL
        if told is None:
            if os.path.lexists(journal):
                raise foreign(journal, "--to")
            return False
        same = told.get("settings") == self._settings
        if not same and not self._overwrite:
            noted = told.get("settings")
            differences = describe_differences(
                noted if isinstance(noted, dict) else {}, self._settings
            )
            raise SaveError(
                f"holds an export of other settings: {self.root} ({differences}); "
                "--overwrite removes it for this one."
            )
        try:
            self._read_journal(journal)
        except InputError:
            if not self._overwrite:
                raise
            return False  # all up to the damage is made again
        return same

    def begin(self, names: Iterable[str], option: str = "--to") -> None:
        """Make ready to write; remove an export that this one replaces.

        Its files are removed before its record, so that a run that is stopped can be repeated.

        Parameters
        ----------
        names : iterable of str
            The files that tell of all samples.
        option : str
            The option that names their place, for messages.

        Raises
        ------
        InputError, SaveError
            Before any work, if one of them would meet an input or another program's file.
        """
        try:
            for name in names:
                self._check(name, None, option)
        except SeplError:
            remove_empty(self._made)
            raise
        for folder in {(self.root / name).parent for name in self._owned}:
            clear_abandoned(folder)
        journal = self.root / JOURNAL
        if not self._goes_on:
            self.removed = remove_owned(self.root, self._owned, self._removable())
            self._places, self._owned = {}, {}
            if journal.exists():
                write_whole(journal, b"")
            self.write_manifest({"complete": False})
        if not journal.exists():
            write_whole(journal, b"")
        self._earlier = bool(self._places)

    def _removable(self) -> list[str]:
        """Return the files of an earlier export that are no inputs of this one."""
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
        told = parse_json(read_bytes(path, _EXPECTED), path, _EXPECTED)
        if not (isinstance(told, dict) and "settings" in told):
            raise foreign(path, "--to")
        return told

    def _read_journal(self, path: Path) -> None:
        if not path.exists():
            return
        end = 0
        try:
            with path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):  # the run was stopped while it wrote this line
                        break
                    self._take_in(line, end)
                    end += len(line)
            if end < path.stat().st_size:
                os.truncate(path, end)
        except OSError as error:
            raise unopened(path, error, _EXPECTED) from error

    def _take_in(self, line: bytes, place: int) -> None:
        try:
            record = json.loads(line)
            for name, digest in record["files"].items():
                if name not in record.get("found", ()):  # somebody else put the same there
                    self._owned.setdefault(name, set()).add(digest)
            if "id" in record:
                self._places[record["id"]] = place
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                self.root / JOURNAL,
                found=f"a damaged line at byte {place}",
                expected=f"{_EXPECTED}; --overwrite makes again what stands before it",
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
        """Return the samples that an earlier run exported here, but for these."""
        return sorted(self._places.keys() - set(sample_ids))

    def holds(self, sample_id: str, key: str, image: ExportedImage | None) -> bool:
        """Return whether all of a sample is there, made from what `key` stands for."""
        record = self.record(sample_id)
        if record is None or record["key"] != key:
            return False
        files = record["files"]
        goes = image is not None and not image.is_in_place(self.root)
        if image is not None and goes and files.get(image.place) != image.digest:
            return False
        return all(digest_of(self.root / name) == told for name, told in files.items())

    # --- writing

    def put(
        self, record: Mapping[str, Any], files: Mapping[str, bytes], image: ExportedImage | None
    ) -> None:
        """Write the files of a sample and its image, and note what they are.

        Parameters
        ----------
        record : mapping
            What to note: "id", "key" and what else JSON can hold.
        files : mapping of str to bytes
            Content by path within the folder.
        image : ExportedImage or None
            The image to put along.

        Raises
        ------
        SaveError
            If another program's file is there, or one cannot be written.
        InputError
            If one would be written onto an input or among the inputs, or the image cannot be
            read.
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
        self._note({**record, "files": digests, "found": found})
        for name in missing:
            if name in links:
                link_whole(self.root / name, links[name])
            else:
                write_whole(self.root / name, files[name])

    def put_whole(self, name: str, content: Content) -> None:
        """Write a file that tells of all samples; as `put`."""
        digest = hashlib.sha256()
        for part in content():
            digest.update(part)
        if not self._check(name, digest.hexdigest()):
            self._note({"files": {name: digest.hexdigest()}})
            write_whole(self.root / name, content)

    def leave(self) -> None:
        """Remove what this run made, where no sample came of it; an earlier export stays."""
        if self._earlier:
            return
        remove_owned(self.root, self._owned, self._removable())
        for name in (JOURNAL, MANIFEST):
            (self.root / name).unlink(missing_ok=True)
        remove_empty(self._made)

    def _check(self, name: str, digest: str | None, option: str = "--to") -> bool:
        """Return whether a file is there already; raise unless it is, or may be written."""
        path = self.root / name
        self._prepare(path.parent)
        if name in (MANIFEST, JOURNAL):
            raise SaveError(f"this export's own record has that name: {path}; rename the sample.")
        there, known = digest_of(path), {digest} | self._owned.get(name, set())
        if there not in known or not path.is_symlink():  # our own link leads to an input
            self._guard.check(path, lambda _: there in known, option)
        return there is not None and there == digest

    def _prepare(self, folder: Path) -> None:
        """Make a folder, unless it is an input, and clear it of what a killed run left."""
        if folder not in self._prepared:
            self._guard.check_place(folder)
            self._made += make_folder(folder)
            clear_abandoned(folder)
            self._prepared.add(folder)

    def _note(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, allow_nan=False).encode("ascii") + b"\n"
        path = self.root / JOURNAL
        place = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(line)
        except OSError as error:
            with suppress(OSError):  # or the next line would continue where this one broke off
                os.truncate(path, place)
            raise SaveError(f"could not be written: {path} ({error.strerror or error}).") from error
        self._take_in(line, place)

    def write_manifest(self, summary: Mapping[str, Any]) -> None:
        """Write the settings and what came of the export."""
        content = {"settings": self._settings, **summary}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        write_whole(self.root / MANIFEST, encode_json(text))
