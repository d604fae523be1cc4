"""Labels of a whole dataset against their truth, and against the labels they were made from."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import OF_ONE_SAMPLE, InputError, tell_failure
from napari_sepl.core.running import RunningFigures
from napari_sepl.files import labels as label_files
from napari_sepl.files.class_pngs import files_of
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.guard import Guard
from napari_sepl.files.labels import read_labels
from napari_sepl.files.pairing import match_stems, natural_order, read_list
from napari_sepl.files.progress import Arrays
from napari_sepl.files.pseudo import read_pseudo_labels
from napari_sepl.files.pseudo_folders import list_pseudo
from napari_sepl.files.score_formats import AUTO
from napari_sepl.workflow.measure.agreement import Agreement, Evaluation, ImageFigures
from napari_sepl.workflow.measure.counted import CountStep
from napari_sepl.workflow.measure.kept import Kept, count_kept, tell_classes, tell_folders
from napari_sepl.workflow.measure.sums import (
    agreement_from_arrays,
    agreement_to_arrays,
    images_from_arrays,
    images_to_arrays,
)
from napari_sepl.workflow.measure.tables import check_tables, evaluation_files, progress_files
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread


class EvaluationRun:
    """A run over all samples of which there are labels and a truth.

    Parameters
    ----------
    labels, truth : Path
        Folders of label maps that share their stems.
    classes : ClassList
        The labels that may occur.
    baseline : Path, optional
        Folder of label maps to compare with, the pseudo-labels say.
    list_file : Path, optional
        Text with one sample a line: only these, in its order, and each is missed if it has no
        labels. Without it all labels with a truth count.
    spread : Spread
        Where the samples are compared.
    pseudo_format : str
        What the baseline's files are, by the name of a format; "auto" to see it from the files.
    background : float, optional
        What soft scores in the baseline are cut at; the method's own value if left out.

    Raises
    ------
    InputError
        If a folder or the list cannot be read, or no label file has a truth.
    """

    def __init__(
        self,
        labels: Path,
        truth: Path,
        classes: ClassList,
        *,
        baseline: Path | None = None,
        list_file: Path | None = None,
        spread: Spread = HERE,
        pseudo_format: str = AUTO,
        background: float | None = None,
    ) -> None:
        self.classes, self._spread = classes, spread
        self._read_baseline = partial(_read_pseudo, pseudo_format, background)
        self._cut = {"pseudo_format": pseudo_format, "background": background}
        folders = {"labels": labels, "truth": truth}
        self._names = {
            role: list_stems(folder, label_files.SUFFIXES) for role, folder in folders.items()
        }
        if baseline is not None:
            folders["baseline"] = baseline
            self._names["baseline"] = list_pseudo(baseline, pseudo_format, self._names["truth"])
        self._folders = folders
        listed = () if list_file is None else (list_file,)
        self.guard = Guard((*folders.values(), *listed))
        present = self._names["labels"].keys()
        told = None if list_file is None else read_list(list_file)
        wanted = natural_order(present) if told is None else told
        self.without_truth: list[str] = []
        if told is None:
            self.without_truth = [name for name in wanted if name not in self._names["truth"]]
            wanted = [name for name in wanted if name in self._names["truth"]]
        self.ids, self.unmatched = match_stems(wanted, self._names)
        if not self.ids:
            found = f"{len(present):,} label files, none with all of {', '.join(folders)}"
            raise InputError(labels, found=found, expected="labels that share their stems with it")
        self._labels = Agreement.nothing()
        self._baseline = None if baseline is None else Agreement.nothing()
        self._images: dict[str, ImageFigures] = {}
        self._kept: Kept | None = None

    def keep_beside(self, table: Path, inputs: Iterable[Path] = ()) -> Kept:
        """Keep what is counted beside a table, after going on from what was kept there.

        Parameters
        ----------
        table : Path
            The table.
        inputs : iterable of Path
            What is not to be written over, beside the files that are compared.

        Raises
        ------
        InputError, SaveError
            If the table, or one that goes with it, may not be written.
        """
        self.guard = Guard((*self.guard.inputs, *inputs))
        check_tables(evaluation_files(table) | progress_files(table), self.guard)
        key = {
            "command": "evaluate",
            **self._cut,
            "classes": tell_classes(self.classes),
            **tell_folders({"baseline": None, **self._folders}),
        }
        kept = Kept(table, key, self._files, self._arrays)
        sums = kept.take_up(self.ids)
        if sums is not None:
            self._labels = agreement_from_arrays("labels", sums)
            if self._baseline is not None:
                self._baseline = agreement_from_arrays("baseline", sums)
            images = images_from_arrays(kept.stamps, sums)
            self._images = {image.sample_id: image for image in images}
        self._kept = kept
        return kept

    def _arrays(self) -> Arrays:
        arrays = agreement_to_arrays("labels", self._labels)
        if self._baseline is not None:
            arrays |= agreement_to_arrays("baseline", self._baseline)
        return arrays | images_to_arrays(self._images.values())

    def _files(self, sample_id: str) -> list[Path]:
        return [file for path in self._paths(sample_id) for file in files_of(path, sample_id)]

    def __len__(self) -> int:
        return len(self.ids) + len(self.unmatched)

    def __iter__(self) -> Iterator[CountStep]:
        """Compare sample after sample, in order, going on after failures."""
        for one in self.unmatched:
            told = f"{one.sample_id}: no file for {', '.join(one.missing)}"
            yield CountStep(one.sample_id, told)
        compare = partial(_attempt, self.classes, self._read_baseline)

        def answers(ids: Iterable[str]) -> Iterator[_Compared]:
            return self._spread.run(compare, map(self._paths, ids), _lost)

        yield from count_kept(self._kept, self.ids, answers, self._add)

    def _paths(self, sample_id: str) -> list[Path]:
        """Return the files of a sample: labels, truth and, if there is one, baseline."""
        return [self._folders[role] / names[sample_id] for role, names in self._names.items()]

    def _add(self, sample_id: str, compared: tuple[Agreement, Agreement | None]) -> None:
        labels, baseline = compared
        self._labels += labels
        if self._baseline is not None and baseline is not None:
            self._baseline += baseline
        regions = labels.regions
        iou = regions.iou
        self._images[sample_id] = ImageFigures(
            sample_id,
            labels.mean,
            None if baseline is None else baseline.mean,
            {int(k): float(iou[k]) for k in np.flatnonzero(regions.wanted)},
            RunningFigures.of(regions),
            None if baseline is None else RunningFigures.of(baseline.regions),
        )

    @property
    def evaluation(self) -> Evaluation:
        """What is compared so far."""
        images = [self._images[sample_id] for sample_id in self.ids if sample_id in self._images]
        return Evaluation(self.classes, self._labels, self._baseline, tuple(images))


_Compared = tuple[Agreement, Agreement | None] | str
_Read = Callable[[Path, Path, NDArray[np.uint8]], NDArray[np.uint8]]


def _attempt(classes: ClassList, read_baseline: _Read, paths: list[Path]) -> _Compared:
    """Return the counts of a sample's labels and of its baseline, or why there are none."""
    try:
        labels, truth = (_read(path, classes) for path in paths[:2])
        baseline = [read_baseline(path, paths[1], truth) for path in paths[2:]]
        for path, found in zip([paths[0], *paths[2:]], [labels, *baseline], strict=True):
            classes.check(found, path)
            _check_size(path, found, paths[1], truth)
        compared = [Agreement.of(found, truth) for found in (labels, *baseline)]
    except OF_ONE_SAMPLE as error:
        return tell_failure(error, paths[0])
    return compared[0], compared[1] if baseline else None


def _read_pseudo(
    name: str, background: float | None, path: Path, truth_path: Path, truth: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Read the baseline of a sample, which has the truth's stem and size."""
    return read_pseudo_labels(
        path,
        name,
        sample_id=truth_path.stem,
        shape=(truth.shape[0], truth.shape[1]),
        background=background,
    )


def _lost(paths: list[Path], why: str) -> _Compared:
    return f"{paths[0]}: {why}"


def _read(path: Path, classes: ClassList) -> NDArray[np.uint8]:
    labels = read_labels(path)
    classes.check(labels, path)
    return labels


def _check_size(
    path: Path, labels: NDArray[np.uint8], truth_path: Path, truth: NDArray[np.uint8]
) -> None:
    if labels.shape != truth.shape:
        found, expected = (f"{a.shape[0]} × {a.shape[1]}" for a in (labels, truth))
        raise InputError(
            path, found=f"labels of {found}", expected=f"{expected} pixels as {truth_path}"
        )
