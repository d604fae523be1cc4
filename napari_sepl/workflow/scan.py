"""What can be told of a dataset's samples before they are opened: read off their files, once."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from napari_sepl.core.causes import Cause
from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.core.metrics import count_labels
from napari_sepl.core.overlap import IGNORE
from napari_sepl.files import images as image_files
from napari_sepl.files import labels as label_files
from napari_sepl.files import masks as mask_files
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset import Dataset, check_out
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.dataset_tags import read_tags
from napari_sepl.files.pairing import Unmatched, match_stems, natural_order, read_list
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.pseudo_folders import list_pseudo
from napari_sepl.files.samples import Sample
from napari_sepl.files.score_formats import AUTO
from napari_sepl.files.store import StampedFacts
from napari_sepl.workflow.propose import mask_file

VERSION = 1
"""What the facts hold. Under another number all samples are read anew: raise it with each change
of `SampleFacts`, or of how they are read."""

Known = Callable[[Sequence[str]], Mapping[str, StampedFacts]]
"""Returns what was kept of the samples with these ids."""


class Suspicion(NamedTuple):
    """How much a sample deserves to be looked at, and why.

    Parameters
    ----------
    share : float
        The suspicion of its diagnosis, 0..1.
    cause : Cause or None
        The main cause; None if nothing was found.
    """

    share: float
    cause: Cause | None


@dataclass(frozen=True)
class SampleFacts:
    """What the files of a sample tell before anybody opens it.

    Parameters
    ----------
    class_ids : tuple of int
        Classes of the pseudo-labels, ascending, without background and ignore.
    suspicion : Suspicion, optional
        What `workflow.suspicion` found, which reads the masks too.
    """

    class_ids: tuple[int, ...]
    suspicion: Suspicion | None = None


@dataclass(frozen=True)
class Scanned:
    """What was found out about some rows.

    Parameters
    ----------
    count : int
        How many of the rows that were given were looked at, from the first on.
    facts : dict of int to SampleFacts
        By row.
    failures : dict of int to str
        Why a sample cannot be read, by row.
    fresh : dict of str to StampedFacts
        What had to be read, to be kept, by the sample's id.
    """

    count: int
    facts: dict[int, SampleFacts] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    fresh: dict[str, StampedFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """One walk over samples that nobody opened, as the window runs it in batches.

    Parameters
    ----------
    told : str
        What it does.
    rows : sequence of int
        The samples to look at.
    look : callable
        Finds out about some of the rows, beginning none after so many seconds.
    """

    told: str
    rows: Sequence[int]
    look: Callable[[Sequence[int], float], Scanned]


def list_for_review(spec: DatasetSpec) -> Dataset:
    """List a dataset as `Dataset.open` does, but with the samples that have no masks yet.

    Raises
    ------
    InputError
        As `Dataset.open` does; a folder of masks that is to come may be missing.
    """
    check_out(spec, spec.out)
    classes, names = read_class_list(spec.classes), _list_folders(spec)
    pseudo, others = names["pseudo"].keys(), names["image"].keys() | names["masks"].keys()
    told = None if spec.list_file is None else read_list(spec.list_file)
    wanted = natural_order(pseudo) if told is None else told
    needed = {role: stems for role, stems in names.items() if role != "masks"}
    ids, unmatched = match_stems(filter(_is_text, wanted), needed, optional={"truth"})
    odd = [name for name in wanted if not _is_text(name)]  # which no record can hold
    unmatched += [Unmatched(ascii(name)[1:-1], ("name",)) for name in odd]
    if not ids:
        raise InputError(
            spec.pseudo,
            found=f"{len(wanted):,} samples, none with a picture and pseudo-labels",
            expected="pseudo-labels that share their stems with pictures",
        )
    tags = {} if spec.tags is None else read_tags(spec.tags, classes)
    without = natural_order(others - pseudo) if told is None else []
    return Dataset(spec, classes, tuple(ids), tuple(unmatched), tuple(without), tags, names)


def _is_text(name: str) -> bool:
    """Tell whether a name can be stored; bytes that are no UTF-8 come as lone surrogates."""
    return name.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in name)


def _list_folders(spec: DatasetSpec) -> dict[str, dict[str, str]]:
    if mask_files.looks_like_masks(spec.masks):
        raise InputError(
            spec.masks,
            found="the masks of one image",
            expected="a folder with an entry for each image",
        )
    missing = spec.masks_to_come and not spec.masks.exists()
    images = list_stems(spec.images, image_files.SUFFIXES)
    names = {
        "image": images,
        "pseudo": list_pseudo(spec.pseudo, spec.pseudo_format, images),
        "masks": {} if missing else list_stems(spec.masks, mask_files.SUFFIXES, folders=True),
    }
    if spec.truth is not None:
        names["truth"] = list_stems(spec.truth, label_files.SUFFIXES)
    return names


def find_sample(dataset: Dataset, sample_id: str) -> Sample:
    """Return the files of a sample, with masks that were made since the dataset was listed.

    Raises
    ------
    InputError
        If the dataset has no such sample.
    """
    sample = dataset.sample(sample_id)
    made = mask_file(dataset.spec.masks, sample_id)
    return replace(sample, masks=made) if sample.masks is None and made.exists() else sample


def without_masks(dataset: Dataset, sample_ids: Iterable[str]) -> list[str]:
    """Return those of the samples that have no masks yet, asking the disk for made ones."""
    listed, folder = dataset.names["masks"], dataset.spec.masks
    lacking = [sample_id for sample_id in sample_ids if sample_id not in listed]
    return [sample_id for sample_id in lacking if not mask_file(folder, sample_id).exists()]


def rows_to_scan(dataset: Dataset) -> list[int]:
    """Return the rows of the samples whose classes no tags tell."""
    return [row for row, sample_id in enumerate(dataset.ids) if sample_id not in dataset.tags]


def class_pass(dataset: Dataset, known: Known) -> Pass:
    """Return the walk that finds the classes of samples."""

    def look(rows: Sequence[int], seconds: float) -> Scanned:
        return scan_rows(dataset, rows, known, seconds=seconds)

    return Pass("reading classes", rows_to_scan(dataset), look)


def scan_sample(sample: Sample, classes: ClassList) -> SampleFacts:
    """Read the pseudo-labels of a sample, and no other file of it.

    Raises
    ------
    InputError
        If they cannot be read, or hold a label outside the class list.
    """
    labels = read_pseudo_labels(sample.pseudo, sample.pseudo_format, sample_id=sample.sample_id)
    classes.check(labels, sample.pseudo)
    present = np.flatnonzero(count_labels(labels))
    return SampleFacts(tuple(int(label) for label in present if label not in (0, IGNORE)))


def stamp_of(sample: Sample) -> str:
    """Return what tells this state of the files that `scan_sample` reads from all others.

    Raises
    ------
    InputError
        If a file cannot be asked for its size and time of change.
    """
    try:
        files = files_of(sample.pseudo, sample.sample_id) or [sample.pseudo]
        # os.stat takes a third of the time of Path.stat, for each sample
        states = [os.stat(path) for path in files]  # noqa: PTH116
    except OSError as error:
        raise InputError(
            sample.pseudo,
            found=f"something that cannot be opened ({error.strerror or error})",
            expected="a label picture",
        ) from error
    told = [str(VERSION), *(f"{state.st_size} {state.st_mtime_ns}" for state in states)]
    return " ".join(told if sample.pseudo_format == AUTO else [*told, sample.pseudo_format])


def scan_rows(
    dataset: Dataset, rows: Sequence[int], known: Known, *, seconds: float = inf
) -> Scanned:
    """Find out about samples one after the other, reading only what changed since it was kept.

    Parameters
    ----------
    dataset : Dataset
        The samples.
    rows : sequence of int
        Their places in the dataset.
    known : callable
        Returns what was kept.
    seconds : float
        No further sample is begun after this time.

    Raises
    ------
    InputError
        If what was kept cannot be read; a sample that cannot be read is among the failures.
    """
    until = monotonic() + seconds
    scanned = Scanned(len(rows))
    kept = known([dataset.ids[row] for row in rows])
    for place, row in enumerate(rows):
        if place and monotonic() > until:
            return Scanned(place, scanned.facts, scanned.failures, scanned.fresh)
        try:
            _scan_row(dataset, row, kept, scanned)
        except SeplError as error:
            scanned.failures[row] = str(error)
    return scanned


def _scan_row(
    dataset: Dataset, row: int, kept: Mapping[str, StampedFacts], scanned: Scanned
) -> None:
    sample_id = dataset.ids[row]
    sample = dataset.sample(sample_id)
    stamp = stamp_of(sample)  # before reading: a file that changes meanwhile is read again
    facts = _still_true(kept.get(sample_id), stamp, dataset.classes)
    if facts is None:
        facts = scan_sample(sample, dataset.classes)
        scanned.fresh[sample_id] = StampedFacts(stamp, {"class_ids": list(facts.class_ids)})
    scanned.facts[row] = facts


def _still_true(kept: StampedFacts | None, stamp: str, classes: ClassList) -> SampleFacts | None:
    """Return what was kept, if the files are as they were then and the class list fits."""
    if kept is None or kept.stamp != stamp:
        return None
    class_ids = read_classes(kept.facts, len(classes))
    return None if class_ids is None else SampleFacts(class_ids)


def read_classes(facts: Mapping[str, Any], labels: int) -> tuple[int, ...] | None:
    """Return the classes that kept facts tell; None if they make no sense among so many labels."""
    told = facts.get("class_ids")
    if not isinstance(told, list) or any(type(number) is not int for number in told):
        return None
    return tuple(told) if all(0 < number < labels for number in told) else None
