"""Enhancing labels and saving them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl import __version__
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.provenance import Source, count_sources
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.files.atomic import (
    Unwritten,
    Write,
    clear_abandoned,
    make_folder,
    saved_in_groups,
    write_whole,
)
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.guard import Guard, foreign
from napari_sepl.files.label_png import (
    Provenance,
    read_provenance,
    salvage_provenance,
    stored_params,
    write_label_png,
)
from napari_sepl.files.lock import sole_run
from napari_sepl.files.pseudo import is_named
from napari_sepl.files.samples import Enhanceable, Sample, load_enhanceable, read_digests
from napari_sepl.files.store import Store
from napari_sepl.workflow.parallel.processes import HERE, Executor
from napari_sepl.workflow.results import (
    OtherSettingsError,
    Outcome,
    SampleResult,
    Task,
    run_samples,
)
from napari_sepl.workflow.review.record import is_touched, open_record

MADE_FROM = ("image", "pseudo", "masks")
"""Roles whose digests go into a label file; ground truth is not used."""


def label_file(out: Path, sample_id: str) -> Path:
    """Return the label file of a sample in folder `out`."""
    return out / f"{sample_id}.png"


def save_enhanced(
    out: Path,
    labels: NDArray[np.uint8],
    inputs: Inputs | Enhanceable,
    params: Params,
    *,
    edited: bool = False,
    sources: Mapping[Source, int] | None = None,
    write: Write = write_whole,
    path: Path | None = None,
) -> Path:
    """Save the enhanced labels of one sample; command line and window both come here.

    Parameters
    ----------
    out : Path
        The folder, which must exist; the sub-folder of a sample is made if need be.
    labels : (H, W) uint8
        The labels.
    inputs : Inputs or Enhanceable
        What they were made from.
    params : Params
        The settings they were made with.
    edited : bool
        Whether a person edited the labels.
    sources : mapping of Source to int, optional
        Pixels of each label source.
    write : callable
        Writes the file.
    path : Path, optional
        The file, in `out`; `label_file` if left out.

    Returns
    -------
    Path
        The file, replaced if it was there.

    Raises
    ------
    SaveError
        If it cannot be written; an older file is untouched.
    """
    provenance = provenance_of(inputs, params, edited=edited, sources=sources)
    path = path or label_file(out, inputs.sample_id)
    if path.parent != out and out.exists():  # do not make a removed folder again
        make_folder(path.parent)
    write_label_png(path, labels, inputs.classes, provenance, write)
    return path


def provenance_of(
    inputs: Inputs | Enhanceable,
    params: Params,
    *,
    edited: bool,
    sources: Mapping[Source, int] | None,
) -> Provenance:
    """Return how labels were made, with the parameters of `save_enhanced`."""
    scores = inputs.scores.origin if inputs.scores is not None else ""
    return Provenance(
        version=__version__,
        sample_id=inputs.sample_id,
        params=stored_params(params, scores),
        classes=inputs.classes.title,
        digests={role: inputs.digests[role] for role in MADE_FROM if role in inputs.digests},
        edited=edited,
        sources={source.name.lower(): count for source, count in (sources or {}).items()},
        scores=scores,
    )


def save_resolved(
    out: Path,
    resolved: Resolved,
    inputs: Inputs | Enhanceable,
    write: Write = write_whole,
    path: Path | None = None,
) -> Path:
    """Save the labels of one sample as `save_enhanced` does, with edits and label sources."""
    return save_enhanced(
        out,
        resolved.labels,
        inputs,
        resolved.params,
        edited=resolved.annotations.edited,
        sources=count_sources(resolved.find_sources()),
        write=write,
        path=path,
    )


def enhance_sample(
    sample: Sample, out: Path, classes: ClassList, params: Params, write: Write = write_whole
) -> tuple[Path, bool]:
    """Read one sample, enhance its labels and save them, replacing what is there.

    Returns
    -------
    path : Path
        The label file.
    has_class : bool
        Whether a pixel has a class.

    Raises
    ------
    InputError
        If a file is unfit, or the labels would be saved over one of them.
    SaveError
        If the labels cannot be written.
    """
    path = label_file(out, sample.sample_id)
    if path.exists():
        Guard(tuple(sample.files)).check_place(path)
    inputs = load_enhanceable(sample, classes).cut_at(params.background)
    resolved = resolve(inputs.overlap, Annotations(params))
    has_class = bool(count_labels(resolved.labels)[1:IGNORE].any())
    return save_resolved(out, resolved, inputs, write), has_class


def enhance_folder(
    index: SampleIndex,
    params: Params,
    *,
    overwrite: bool = False,
    executor: Executor = HERE,
) -> Iterator[SampleResult[Any]]:
    """Enhance all samples into the output folder, and continue after failures.

    Samples that are done are skipped, and so are those that a person touched, by the record in
    the output folder. Labels that nobody touched are made again if their inputs changed.

    A run that was stopped, even in the middle of a file, leaves
    only complete files; the same call resumes it. Files are saved in groups, see
    `saved_in_groups`; workers on other computers save one by one.

    Parameters
    ----------
    index : SampleIndex
        The samples, and the folder for their labels, which is made if need be. Each of its
        problems counts as failed.
    params : Params
        The settings.
    overwrite : bool
        Replace labels of other settings, unless a person edited them. Otherwise they are
        reported and not replaced. Files of another program count as failed.
    executor : Executor
        Where the samples are computed.

    Yields
    ------
    SampleResult
        One for each sample, as soon as it ends.

    Raises
    ------
    InputError
        If the dataset names no output folder, or the folder is an input or lies in one; or if its
        record cannot be read.
    SaveError
        If the folder cannot be made, or another run uses it.
    """
    index.guard().check_place(index.spec.output)
    with sole_run(index.spec.output, "enhance"):
        with open_record(index.spec.output, "enhance") as store:
            touched: list[str] = []
            untouched = _note_touched(index, store, touched)
            yield from _enhance_all(index, untouched, params, overwrite, executor)
        for sample_id in touched:
            yield SampleResult(sample_id, Outcome.REVIEWED)


def _note_touched(index: SampleIndex, store: Store | None, touched: list[str]) -> Iterator[Sample]:
    """Yield the samples that nobody touched, and note the others.

    The record is asked as each sample comes up, for a person may work in the window meanwhile.
    """
    for sample_id in index.ids:
        if store is not None and is_touched(store, sample_id):
            touched.append(sample_id)
        else:
            yield index.sample(sample_id)


def _enhance_all(
    index: SampleIndex,
    samples: Iterator[Sample],
    params: Params,
    overwrite: bool,
    executor: Executor,
) -> Iterator[SampleResult[Any]]:
    out, classes = index.spec.output, index.classes
    for inside in {sample_id.rpartition("/")[0] for sample_id in index.ids}:
        clear_abandoned(out / inside)
    tasks = (Task(sample.sample_id, sample.image, sample) for sample in samples)
    if not executor.local:
        written = partial(_enhance, out, classes, params, overwrite, write_whole)
        yield from run_samples(written, tasks, index.problems, executor)
        return
    unwritten = partial(_enhance_unwritten, out, classes, params, overwrite)
    results = run_samples(unwritten, tasks, index.problems, executor)
    with closing(results):
        files = ((replace(result, value=None), result.value) for result in results)
        yield from saved_in_groups(files, _unsaved)


def _enhance_unwritten(
    out: Path, classes: ClassList, params: Params, overwrite: bool, sample: Sample
) -> tuple[Outcome, Unwritten | None]:
    """Enhance like `_enhance`, but return the file to write it in a group."""
    files: list[Unwritten] = []

    def write(path: Path, content: bytes) -> None:
        files.append(Unwritten(path, content))

    outcome, _ = _enhance(out, classes, params, overwrite, write, sample)
    return outcome, files[0] if files else None


def _unsaved(result: SampleResult[Any], why: str) -> SampleResult[Any]:
    return replace(result, outcome=Outcome.FAILED, message=why)


def _enhance(
    out: Path, classes: ClassList, params: Params, overwrite: bool, write: Write, sample: Sample
) -> tuple[Outcome, None]:
    path = label_file(out, sample.sample_id)
    outcome = existing_outcome(path, sample, classes, params, overwrite=overwrite)
    if outcome in (Outcome.SAVED, Outcome.MADE_AGAIN):
        _, has_class = enhance_sample(sample, out, classes, params, write)
        if outcome is Outcome.SAVED and not has_class:
            return Outcome.NO_CLASS, None
    return outcome, None


def _inputs_changed(provenance: Provenance, sample: Sample) -> bool:
    """Return whether the inputs are others than those that a label file was made from."""
    now = read_digests(sample, provenance.digests)
    return any(now.get(role, digest) != digest for role, digest in provenance.digests.items())


def existing_outcome(
    path: Path, sample: Sample, classes: ClassList, params: Params, *, overwrite: bool
) -> Outcome:
    """Return what an existing label file, or none, means for a run.

    Parameters
    ----------
    path : Path
        The file.
    sample : Sample
        The inputs as they are now.
    classes, params
        The settings of the run.
    overwrite : bool
        Whether labels of other settings are replaced; never edited labels or files of other
        programs.

    Returns
    -------
    Outcome
        The outcome of the sample; the file is to be written if it is SAVED or MADE_AGAIN.

    Raises
    ------
    InputError
        If the file, or inputs that may have changed, cannot be read.
    SaveError
        If it was made by another program, or (OtherSettingsError) with other settings.
    """
    if not os.path.lexists(path):
        return Outcome.SAVED
    try:
        provenance = read_provenance(path)
    except InputError as error:
        _refuse_damaged(path, error, overwrite=overwrite)
        return Outcome.SAVED
    if provenance is None or provenance.exported:
        raise foreign(path, "--out")
    if provenance.edited:
        return Outcome.KEPT
    if overwrite:
        return Outcome.SAVED
    made, asked = (stored_params(one, provenance.scores) for one in (provenance.params, params))
    changed = _changed(_told(made, provenance.classes), _told(asked, classes.title))
    if not is_named(provenance.scores, sample.pseudo_format):
        changed.append(f"scores {provenance.scores or 'none'}; now {sample.pseudo_format}")
    if changed:
        raise OtherSettingsError(
            f"made with other settings ({', '.join(changed)}): {path}; --overwrite makes it again."
        )
    return Outcome.MADE_AGAIN if _inputs_changed(provenance, sample) else Outcome.PRESENT


def _refuse_damaged(path: Path, error: InputError, *, overwrite: bool) -> None:
    """Raise unless napari-sepl wrote a damaged file and may replace it."""
    told = salvage_provenance(path)
    ours = told is not None and not told.edited
    if not (ours and overwrite):
        go_on = "--overwrite makes it again" if ours else "remove it, or choose another --out"
        raise InputError(
            path, found=error.found, expected=f"whole labels of napari-sepl; {go_on}"
        ) from error


def _told(params: Params, classes: str) -> dict[str, object]:
    return params.model_dump(mode="json", exclude_none=True) | {"classes": classes}


def _changed(made: dict[str, object], asked: dict[str, object]) -> list[str]:
    """Return which settings differ, as they were and as they are asked for."""
    return [
        f"{name} {made.get(name, 'by default')}; now {asked.get(name, 'by default')}"
        for name in made | asked
        if made.get(name) != asked.get(name)
    ]
