"""Exporting labels in the formats that trainers and other tools read."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl import __version__
from napari_sepl.core.analysis.provenance import find_unsure, soften
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.labels.classes import ClassMap
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.files._opening import real_place
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.exports import EXPORT_FORMATS
from napari_sepl.files.exports.base import (
    ExportSettings,
    Ignore,
    ImageFiles,
    Labelled,
    Listing,
    flat_name,
)
from napari_sepl.files.exports.folder import ExportedImage, ExportFolder
from napari_sepl.files.guard import Guard
from napari_sepl.files.label_png import Provenance
from napari_sepl.files.lock import sole_run
from napari_sepl.files.store import Status
from napari_sepl.workflow.export.loss import Loss, measure_loss, tell_loss
from napari_sepl.workflow.export.sources import Exportable, LabelSource
from napari_sepl.workflow.results import Outcome, SampleResult, Task, run_samples


class Export:
    """One export: its settings and its result.

    Parameters
    ----------
    source : LabelSource
        The labels.
    to : Path
        The folder to write to.
    settings : ExportSettings
        The format and its choices.
    class_map : ClassMap, optional
        Renames, merges and drops classes.
    with_classes : collection of int
        Only samples with one of these labels, before the map; all if empty.
    overwrite : bool
        Replace an export of other settings, but no edited files or files of other programs.

    Attributes
    ----------
    loss : Loss or None
        What polygons lose, over all samples that are there now; None for formats that hold
        pixels exactly.
    others : list of str
        Samples that an earlier run exported here and this one was not to: their files stay, but
        no list has them.
    without_images : bool
        Whether pictures of the samples that were written were left where they are, though the
        format has a place for them.
    at_home : int
        Images that lie in the folder already, where the format has them, and were left there.
    removed : int
        Files of an export of other settings that were removed, for this one replaced it.

    Raises
    ------
    InputError
        If pseudo-labels are asked for and there are none.
    """

    def __init__(
        self,
        source: LabelSource,
        to: Path,
        settings: ExportSettings,
        *,
        class_map: ClassMap | None = None,
        with_classes: Collection[int] = (),
        overwrite: bool = False,
    ) -> None:
        self._source = source
        self._to = to
        self._settings = settings
        self._format = EXPORT_FORMATS[settings.format]
        self._map = class_map or ClassMap.identity(source.classes)
        self._with_classes = frozenset(with_classes)
        self._overwrite = overwrite
        self.loss: Loss | None = None
        self.others: list[str] = []
        self.without_images = False
        self.at_home = self.removed = 0
        self._clashes: dict[str, str] = {}  # samples to others that have their files' names
        self._folders: list[Path] = []
        self._stale: list[str] = []  # lists of splits that are empty now
        self._needs_pseudo = self._format.needs_pseudo or Ignore.UNSURE in settings.ignore
        if self._needs_pseudo and not source.has_pseudo:
            raise InputError(
                "export", found="no pseudo-labels",
                expected="a folder of them, to find unsure pixels",
            )  # fmt: skip

    def __len__(self) -> int:
        return len(self._source.ids) + len(self._source.problems)

    def outcome(self) -> list[str]:
        """Return sentences on the loss by polygons, other exports' files, and the folders."""
        told = [] if self.loss is None else [tell_loss(self.loss, self._map.classes)]
        if self._source.outdated:
            told.append(
                f"Left out, for inputs changed since the review: {self._source.outdated:,}."
            )
        if self.at_home:
            told.append(f"Images already in {self._to}: {self.at_home:,}; they are unchanged.")
        if self.removed:
            told.append(f"Removed {self.removed} files of the export that this one replaces.")
        stale = "Not of this export, which has no such split"
        told += [f"{stale}: {self._to / name}." for name in self._stale]
        if self._folders:
            told.append(f"Files are in {', '.join(map(str, self._folders))}.")
        return told

    def run(self) -> Generator[SampleResult[None], None, None]:
        """Export the samples, skip finished ones, and continue after failures.

        The same export resumes a stopped one. Lists, and files that tell of all samples,
        are written at the end, of the samples that did not fail; where all did, nothing is left.

        Yields
        ------
        SampleResult
            One for each sample, as soon as it is dealt with.

        Raises
        ------
        SaveError
            If the folder cannot be made, holds an export of other settings, another run is at
            work there, or another program's file has a name that is needed at the end; or if a
            file of the end cannot be written.
        InputError
            If the folder is an input or lies in one, or its record is damaged.
        """
        guard = self._source.guard
        guard.check_place(self._to)
        with sole_run(self._to, "export"):
            folder = ExportFolder(self._to, self._told(), guard, overwrite=self._overwrite)
            self._begin(folder, guard)
            self.removed = folder.removed
            self._clashes = _clashes((*folder.others(()), *self._source.ids))
            yield from self._run(folder)

    def _begin(self, folder: ExportFolder, guard: Guard) -> None:
        """Prepare a folder; name the option for another one if it has VOC's own labels."""
        whole = self._format.whole(self._list(self._source.ids), self._settings)
        if "folder" not in self._format.options:
            folder.begin(whole)
            return
        try:
            guard.check_place(self._to / self._settings.folder)
            folder.begin(whole, "--folder")
        except InputError as error:
            expected = "another --folder, such as SegmentationClassSepl, for the labels"
            raise InputError(error.source, found=error.found, expected=expected) from error

    def _run(self, folder: ExportFolder) -> Iterator[SampleResult[None]]:
        done: list[str] = []
        failed: list[str] = []
        counts: Counter[Outcome] = Counter()
        tasks = (Task(one, one, one) for one in self._source.ids)
        for result in run_samples(partial(self._export, folder), tasks, self._source.problems):
            counts[result.outcome] += 1
            if result.outcome in (Outcome.SAVED, Outcome.PRESENT):
                done.append(result.sample_id)
            elif result.outcome is Outcome.FAILED:
                failed.append(result.sample_id)
            yield result
        self.others = folder.others((*done, *failed))
        if done:
            self._finish(folder, done, counts)
        else:
            folder.leave()

    # --- one sample

    def _export(self, folder: ExportFolder, sample_id: str) -> tuple[Outcome, None]:
        if sample_id in self._clashes:
            other = self._clashes[sample_id]
            raise SaveError(f"its files would have the names of those of {other}: {sample_id}.")
        given = self._source.read(sample_id, with_pseudo=self._needs_pseudo)
        if self._with_classes and not self._with_classes & _present(given.labels):
            return Outcome.LEFT_OUT, None
        sample, key = self._map_sample(sample_id, given)
        record = folder.record(sample_id)
        picture = self._picture(sample, None if record is None else record.get("picture"))
        if record is not None and folder.holds(sample_id, key, picture):
            self._count_at_home(picture)
            return Outcome.PRESENT, None
        encoded = self._format.encode(sample, self._settings)
        picture = self._picture(sample, encoded.image)
        folder.put(
            {
                "id": sample_id,
                "key": key,
                "labels": digest_labels(sample.labels),
                "status": given.status,
                "split": sample.split,
                "picture": encoded.image,
                "entry": encoded.entry,
                "loss": measure_loss(encoded.drawn, sample.labels),
            },
            encoded.files,
            picture,
        )
        self._count_at_home(picture)
        return Outcome.SAVED, None

    def _count_at_home(self, picture: ExportedImage | None) -> None:
        self.at_home += picture is not None and picture.is_in_place(self._to)

    def _map_sample(self, sample_id: str, given: Exportable) -> tuple[Labelled, str]:
        """Return a sample as it goes out, and a digest of all that its files follow from."""
        if given.picture is None and (
            self._format.needs_image or self._settings.pictures is not ImageFiles.NO
        ):
            raise InputError(sample_id, found="no image", expected="a folder of images")
        labels = self._map.apply(given.labels)
        pseudo = None if given.pseudo is None else self._map.apply(given.pseudo)
        unsure = None if pseudo is None else find_unsure(labels, pseudo, given.sources)
        labels = self._ignoring(labels, given.status, unsure)
        soft = None
        if self._format.needs_pseudo and pseudo is not None and unsure is not None:
            soft = soften(labels, pseudo, unsure, self._settings.trust)
        split = split_of(sample_id, self._settings.val)
        seen_from = "" if given.picture is None else _relative(given.picture, self._to)
        provenance = self._provenance(given, labels)
        sample = Labelled(
            flat_name(sample_id), labels, self._map.classes, split, given.picture, seen_from, soft,
            provenance,
        )  # fmt: skip
        told: list[Any] = [digest_labels(labels), split, seen_from, given.status]
        if soft is not None:
            told.append(hashlib.sha256(soft.probabilities.tobytes()).hexdigest())
        if provenance is not None:
            told.append(provenance.model_dump(mode="json"))
        return sample, hashlib.sha256(json.dumps(told).encode("utf-8")).hexdigest()

    def _provenance(self, given: Exportable, labels: NDArray[np.uint8]) -> Provenance | None:
        """Return how labels were made that go out; label sources only of those that stay."""
        if given.provenance is None:
            return None
        news: dict[str, Any] = {
            "exported": self._settings.format,
            "classes": self._map.classes.title,
        }
        if not np.array_equal(labels, given.labels):
            news["sources"] = {}
        return given.provenance.model_copy(update=news)

    def _ignoring(
        self,
        labels: NDArray[np.uint8],
        status: Status | None,
        unsure: NDArray[np.bool_] | None,
    ) -> NDArray[np.uint8]:
        ignore = self._settings.ignore
        if Ignore.FLAGGED in ignore and status is Status.FLAGGED:
            return np.full_like(labels, IGNORE)
        if Ignore.UNSURE in ignore and unsure is not None:
            return np.where(unsure, np.uint8(IGNORE), labels)
        return labels

    def _picture(self, sample: Labelled, place: str | None) -> ExportedImage | None:
        how = self._settings.pictures
        if sample.image is None or place is None:
            return None
        if how is ImageFiles.NO:
            self.without_images = True
            return None
        return ExportedImage(sample.image, place, how)

    # --- all of them

    def _told(self) -> dict[str, Any]:
        """Return all that the export depends on, but for the labels."""
        return {
            "version": __version__,
            **self._settings.model_dump(mode="json"),
            "classes": list(self._map.classes.names),
            "class_list": self._map.classes.title,
            "labels_become": self._map.table[: self._source.classes.size].tolist(),
            "with_classes": sorted(self._with_classes),
            **self._source.told(),
        }

    def _list(self, sample_ids: Sequence[str]) -> Listing:
        splits: dict[str, list[str]] = {}
        for sample_id in sample_ids:
            split = split_of(sample_id, self._settings.val)
            splits.setdefault(split, []).append(flat_name(sample_id))
        return Listing(self._map.classes, splits)

    def _finish(self, folder: ExportFolder, done: list[str], counts: Mapping[Outcome, int]) -> None:
        ids = {flat_name(sample_id): sample_id for sample_id in done}

        def entries(names: Iterable[str]) -> Iterator[tuple[str, Any]]:
            records = folder.records(ids[name] for name in names)
            return ((flat_name(one), record["entry"]) for one, record in records)

        listing = replace(self._list(done), entries=entries)
        written = self._format.whole(listing, self._settings)
        for name, content in written.items():
            folder.put_whole(name, content)
        both = replace(listing, splits={"train": [], "val": []} | dict(listing.splits))
        named = self._format.whole(both, self._settings).keys() - written.keys()
        self._stale = sorted(name for name in named if (self._to / name).exists())
        self._sum_up(folder, done)
        self._folders = folder.folders
        folder.write_manifest({
            "complete": True,
            "samples": {outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]},
            "splits": {split: len(names) for split, names in listing.splits.items()},
            "samples_of_earlier_runs": self.others,
            "iou_of_polygons": None if self.loss is None else {
                self._map.classes.name(class_id): round(iou, 6)
                for class_id, iou in sorted(self.loss.iou.items())
            },
        })  # fmt: skip

    def _sum_up(self, folder: ExportFolder, done: list[str]) -> None:
        for _, record in folder.records(done):
            if record["loss"] is not None:
                self.loss = self.loss or Loss()
                self.loss.add({int(one): tuple(pair) for one, pair in record["loss"].items()})


def split_of(sample_id: str, val: float) -> str:
    """Return the split of a sample, "train" or "val".

    It depends on the sample's name alone, so that no sample changes sides when others come.

    Parameters
    ----------
    sample_id : str
        The sample.
    val : float
        The share of all names, 0..1, that is "val".
    """
    digest = hashlib.sha256(sample_id.encode("utf-8", "surrogatepass")).digest()
    return "val" if int.from_bytes(digest[:8], "big") < val * 2**64 else "train"


def _clashes(sample_ids: Iterable[str]) -> dict[str, str]:
    """Return the samples whose files would replace those of another, with the first such one.

    Names that differ in upper and lower case alone are one on many disks.
    """
    first: dict[str, str] = {}
    clashes = {}
    for sample_id in dict.fromkeys(sample_ids):
        other = first.setdefault(flat_name(sample_id).casefold(), sample_id)
        if other != sample_id:
            clashes[sample_id] = other
    return clashes


def _present(labels: NDArray[np.uint8]) -> frozenset[int]:
    return frozenset(np.flatnonzero(count_labels(labels)).tolist())


def _relative(picture: Path, to: Path) -> str:
    """Return an image's path relative to a folder; absolute on another drive."""
    try:
        return Path(os.path.relpath(real_place(picture), real_place(to))).as_posix()
    except ValueError:
        return real_place(picture).as_posix()
