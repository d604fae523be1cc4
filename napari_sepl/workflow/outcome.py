"""What becomes of one sample in a run over many, and what a file that is there means for it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_sepl.core.classes import ClassList
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.params import Params
from napari_sepl.files.dataset.index import SampleProblem
from napari_sepl.files.guard import foreign
from napari_sepl.files.label_png import params_told, read_provenance, salvage_provenance
from napari_sepl.files.pseudo import is_named


class Outcome(StrEnum):
    """What became of one sample in a run over many."""

    SAVED = "saved"
    PRESENT = "present"
    """Its labels, made with the same settings, were there already."""
    KEPT = "kept"
    """A person edited its labels: no run replaces them, not even one that overwrites."""
    LEFT_OUT = "left out"
    """It has none of the classes that were asked for."""
    OTHER = "other settings"
    """Its labels were made with other settings, and stay: they are not what was asked for."""
    FAILED = "failed"


class OtherSettingsError(SaveError):
    """Labels that are there were made with other settings."""


@dataclass(frozen=True)
class Step:
    """One sample of a run over many is dealt with.

    Parameters
    ----------
    sample_id : str
        The sample.
    outcome : Outcome
        What became of it.
    message : str
        Why it failed, or what its labels were made with instead; empty otherwise.
    """

    sample_id: str
    outcome: Outcome
    message: str = ""


def failed_steps(problems: Iterable[SampleProblem]) -> Iterator[Step]:
    """Yield a step for each sample that cannot be used."""
    for problem in problems:
        yield Step(problem.sample_id, Outcome.FAILED, str(problem))


def existing_outcome(
    path: Path, classes: ClassList, params: Params, pseudo_format: str, *, overwrite: bool
) -> Outcome | None:
    """Tell what a label file that may be there means for a run.

    Parameters
    ----------
    path : Path
        The file.
    classes, params, pseudo_format
        What labels are to be made with.
    overwrite : bool
        Whether labels of other settings are made again; never what a person edited, nor a file
        that napari-sepl did not write.

    Returns
    -------
    Outcome or None
        What becomes of the sample; None to make the file, or to make it again.

    Raises
    ------
    InputError
        If the file cannot be read.
    SaveError
        If it was made by another program, or (OtherSettingsError) with other settings.
    """
    if not os.path.lexists(path):
        return None
    try:
        provenance = read_provenance(path)
    except InputError as error:
        _refuse_damaged(path, error, overwrite=overwrite)
        return None
    if provenance is None:
        raise foreign(path, "--out")
    if provenance.edited:
        return Outcome.KEPT
    if overwrite:
        return None
    made, asked = (params_told(one, provenance.scores) for one in (provenance.params, params))
    changed = _changed(_told(made, provenance.classes), _told(asked, classes.title))
    if not is_named(provenance.scores, pseudo_format):
        changed.append(f"scores {provenance.scores or 'none'}; now {pseudo_format}")
    if changed:
        raise OtherSettingsError(
            f"{path}: made with other settings ({', '.join(changed)}); --overwrite makes it again."
        )
    return Outcome.PRESENT


def _refuse_damaged(path: Path, error: InputError, *, overwrite: bool) -> None:
    """Raise unless a damaged file tells that napari-sepl made it alone, and may make it again."""
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
