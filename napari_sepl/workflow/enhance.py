"""Enhancing labels and saving them: the one way from inputs to bytes on disk."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_sepl import __version__
from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import SeplError
from napari_sepl.core.params import Params
from napari_sepl.core.provenance import Source, count_sources
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved, resolve
from napari_sepl.document.said import Said
from napari_sepl.files.atomic import Unwritten, Write, write_whole
from napari_sepl.files.guard import Guard
from napari_sepl.files.label_png import Provenance, write_label_png
from napari_sepl.files.lock import sole_run
from napari_sepl.files.pairing import Pairing
from napari_sepl.files.samples import Enhanceable, Sample, load_enhanceable
from napari_sepl.workflow.outcome import Outcome, Step, existing_outcome
from napari_sepl.workflow.spread.groups import saved_in_groups
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread

MADE_FROM = ("image", "pseudo", "masks")
"""Roles whose digests go into a label file; the truth has no part in making one."""


def label_file(out: Path, sample_id: str) -> Path:
    """Return the file in folder `out` that holds the enhanced labels of a sample."""
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
) -> Path:
    """Save the enhanced labels of one sample; command line and window both come here.

    Parameters
    ----------
    out : Path
        The folder, which must exist.
    labels : (H, W) uint8
        The labels.
    inputs : Inputs or Enhanceable
        What they were made from.
    params : Params
        The settings they were made with.
    edited : bool
        Whether a person changed anything after SEPL.
    sources : mapping of Source to int, optional
        How many pixels came from where.
    write : callable
        Writes the file.

    Returns
    -------
    Path
        The file, replaced if it was there.

    Raises
    ------
    SaveError
        If it cannot be written; an older file is untouched.
    """
    provenance = Provenance(
        version=__version__,
        sample_id=inputs.sample_id,
        params=params,
        classes=inputs.classes.title,
        digests={role: inputs.digests[role] for role in MADE_FROM if role in inputs.digests},
        edited=edited,
        sources={source.name.lower(): count for source, count in (sources or {}).items()},
        scores=inputs.scores.origin if inputs.scores is not None else "",
    )
    path = label_file(out, inputs.sample_id)
    write_label_png(path, labels, inputs.classes, provenance, write)
    return path


def save_resolved(
    out: Path, resolved: Resolved, inputs: Inputs | Enhanceable, write: Write = write_whole
) -> Path:
    """Save the labels of one sample as `save_enhanced` does, with all that is known of them."""
    return save_enhanced(
        out,
        resolved.final,
        inputs,
        resolved.params,
        edited=resolved.said.edited,
        sources=count_sources(resolved.find_sources()),
        write=write,
    )


def enhance_sample(
    sample: Sample, out: Path, classes: ClassList, params: Params, write: Write = write_whole
) -> Path:
    """Read one sample, enhance its labels and save them, replacing what is there.

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
    return save_resolved(out, resolve(inputs.overlap, Said(params)), inputs, write)


def enhance_folder(
    pairing: Pairing,
    out: Path,
    classes: ClassList,
    params: Params,
    *,
    overwrite: bool = False,
    spread: Spread = HERE,
) -> Iterator[Step]:
    """Enhance sample after sample, passing over what is done and going on after failures.

    A run that was stopped, even in the middle of a file, leaves only whole files behind; the
    same call goes on where it was. Files are put in place in groups, as `saved_in_groups` tells;
    by workers on other computers one by one.

    Parameters
    ----------
    pairing : Pairing
        The samples. Of those that are incomplete each counts as failed.
    out : Path
        The folder for the labels; it is made if need be.
    classes : ClassList
        Names and colours of the labels.
    params : Params
        The settings.
    overwrite : bool
        Replace labels that are there, unless a person edited them. Otherwise labels made with
        other settings, or by another program, count as failures, for they are not what was asked.
    spread : Spread
        Where the samples are enhanced.

    Yields
    ------
    Step
        One for each sample, as soon as it is dealt with.

    Raises
    ------
    InputError
        If the folder is one of the inputs, or lies in one.
    SaveError
        If the folder cannot be made, or another run is at work there.
    """
    Guard(tuple({given.parent for one in pairing.samples for given in one.files})).check_place(out)
    with sole_run(out, "enhance"):
        yield from _enhance_all(pairing, out, classes, params, overwrite, spread)


def _enhance_all(
    pairing: Pairing,
    out: Path,
    classes: ClassList,
    params: Params,
    overwrite: bool,
    spread: Spread,
) -> Iterator[Step]:
    ready = {sample.sample_id for sample in pairing.samples}
    for unmatched in pairing.unmatched:
        if unmatched.sample_id not in ready:
            message = f"{unmatched.sample_id}: no file for {', '.join(unmatched.missing)}"
            yield Step(unmatched.sample_id, Outcome.FAILED, message)
    if not spread.local:
        attempt = partial(_attempt, out, classes, params, overwrite, write_whole)
        yield from spread.run(attempt, pairing.samples, _lost)
        return
    unwritten = partial(_attempt_unwritten, out, classes, params, overwrite)
    answers = spread.run(unwritten, pairing.samples, lambda *lost: (_lost(*lost), None))
    with closing(answers):
        yield from saved_in_groups(answers, _unsaved)


def _attempt_unwritten(
    out: Path, classes: ClassList, params: Params, overwrite: bool, sample: Sample
) -> tuple[Step, Unwritten | None]:
    """Do as `_attempt` does, but leave the file to be written with others."""
    files: list[Unwritten] = []

    def write(path: Path, content: bytes) -> None:
        files.append(Unwritten(path, content))

    step = _attempt(out, classes, params, overwrite, write, sample)
    return step, files[0] if files else None


def _unsaved(step: Step, why: str) -> Step:
    return replace(step, outcome=Outcome.FAILED, message=why)


def _attempt(
    out: Path, classes: ClassList, params: Params, overwrite: bool, write: Write, sample: Sample
) -> Step:
    try:
        path = label_file(out, sample.sample_id)
        outcome = existing_outcome(path, classes, params, sample.pseudo_format, overwrite=overwrite)
        if outcome is None:
            enhance_sample(sample, out, classes, params, write)
            outcome = Outcome.SAVED
    except SeplError as error:
        return Step(sample.sample_id, Outcome.FAILED, str(error))
    except MemoryError:
        message = f"{sample.image}: too large for the memory of this computer"
        return Step(sample.sample_id, Outcome.FAILED, message)
    return Step(sample.sample_id, outcome)


def _lost(sample: Sample, why: str) -> Step:
    return Step(sample.sample_id, Outcome.FAILED, f"{sample.image}: {why}")
