"""What can be told of a dataset's samples before they are opened: read off their files, once."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

import numpy as np

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError
from napari_sepl.core.metrics import count_labels
from napari_sepl.core.overlap import IGNORE
from napari_sepl.files import images as image_files
from napari_sepl.files import labels as label_files
from napari_sepl.files import masks as mask_files
from napari_sepl.files._opening import unopened
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
from napari_sepl.workflow.masks.propose import mask_file
from napari_sepl.workflow.review.passes import Known, Pass, SampleFacts, Scanned, scan_each

VERSION = 1
"""What the facts hold. Under another number all samples are read anew: raise it with each change
of `SampleFacts`, or of how they are read."""


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
        raise unopened(sample.pseudo, error, "a label picture") from error
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
    return scan_each(dataset, rows, known, partial(_scan_row, dataset), seconds)


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
