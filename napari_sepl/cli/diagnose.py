"""The command `diagnose`: which images to look at first, and why."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import STOPPED, complain, count
from napari_sepl.cli._dataset import (
    Classes,
    DatasetFile,
    Images,
    Layout,
    ListFile,
    Masks,
    Pseudo,
    PseudoFormat,
    Root,
    Split,
    Tags,
    read_whole_spec,
)
from napari_sepl.cli._settings import params_of, setting
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen_dataset
from napari_sepl.cli._table import check_csv
from napari_sepl.core.classes import ClassList
from napari_sepl.core.diagnosis import Diagnosis
from napari_sepl.core.params import Conflict, Params, Strategy
from napari_sepl.document.findings import tell_finding
from napari_sepl.files.dataset import Dataset
from napari_sepl.workflow.diagnose import DiagnosisRun, write_diagnoses

DEFAULTS = Params()
_SENTENCES = 3  # told of an image at most; the file has all


def diagnose_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    t1: Annotated[float, setting("t1")] = DEFAULTS.t1,
    t2: Annotated[float, setting("t2")] = DEFAULTS.t2,
    strategy: Annotated[Strategy, setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, setting("conflict")] = DEFAULTS.conflict,
    background: Annotated[float | None, setting("background")] = None,
    worst: Annotated[int, typer.Option(min=0, help="Images to list; 0 for all.")] = 20,
    workers: Workers = None,
    scheduler: Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for all findings.")] = None,
    images: Images = None,
    pseudo: Pseudo = None,
    pseudo_format: PseudoFormat = None,
    masks: Masks = None,
    tags: Tags = None,
    list_file: ListFile = None,
    layout: Layout = None,
    root: Root = None,
    split: Split = None,
    classes: Classes = None,
) -> None:
    """List the images whose labels are most likely wrong, the worst first, and why.

    No truth is needed, and no label is saved.
    """
    check_csv(out)
    told = {
        "pseudo": pseudo, "masks": masks, "tags": tags, "list_file": list_file,
        "classes": classes, "pseudo_format": pseudo_format,
    }  # fmt: skip
    spec = read_whole_spec(dataset, images, layout, root, split, out, told)
    settings = {"t1": t1, "t2": t2, "strategy": strategy, "conflict": conflict}
    params = params_of(**settings, background=background)
    spread = choose_spread(workers, scheduler)
    run = DiagnosisRun(Dataset.open(seen_dataset(scheduler, spec)), params, spread=spread)
    if out is not None:
        run.check_table(out)
    code = count(run, len(run), "diagnose", lambda: len(run.found))
    if code == STOPPED:
        complain("Stopped: a part of the samples has no order of all, so none is told.")
    else:
        _tell(run, worst or None, out)
    raise typer.Exit(code)


def _tell(run: DiagnosisRun, worst: int | None, out: Path | None) -> None:
    """Print the worst images, and save all."""
    found, classes = run.worst_first(), run.dataset.classes
    for sample_id, diagnosis in found[:worst]:
        typer.echo(_line(sample_id, diagnosis, classes))
    if out is not None and found:
        write_diagnoses(out, found, classes, run.guard)
        typer.echo(f"saved {out}")


def _line(sample_id: str, diagnosis: Diagnosis, classes: ClassList) -> str:
    told = [tell_finding(finding, classes) for finding in diagnosis.findings]
    more = f"; and {len(told) - _SENTENCES} more" if len(told) > _SENTENCES else ""
    sentences = "; ".join(told[:_SENTENCES]) or "nothing found"
    return f"{100 * diagnosis.suspicion:3.0f} % {sample_id}  {sentences}{more}"
