"""The command `diagnose`: images whose labels are likely wrong, and why."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import (
    complain,
    count,
    give_json,
    save_result,
    say,
    say_saved,
)
from napari_sepl.cli._dataset import DatasetOptions, note_index, note_scores, takes_dataset
from napari_sepl.cli._options import (
    Overwrite,
    Scheduler,
    Workers,
    check_ending,
    choose_executor,
    params_of,
    seen_dataset,
    setting,
)
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.types import Diagnosis
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.stopping import STOPPED
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.workflow.diagnose import DiagnosisRun, write_diagnoses

DEFAULTS = Params()
_SENTENCES = 3  # findings shown per image; the table has all


@command("napari-sepl diagnose voc.toml --worst 50 --table diagnosis.csv", json=True)
@takes_dataset(
    "images", "pseudo", "masks", "image_labels", "list_file", "classes", "pseudo_format",
    "mask_classes",
    needs=("images", "pseudo", "masks"),
)  # fmt: skip
def diagnose_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    *,
    t1: Annotated[float, setting("t1")] = DEFAULTS.t1,
    t2: Annotated[float, setting("t2")] = DEFAULTS.t2,
    strategy: Annotated[Strategy, setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, setting("conflict")] = DEFAULTS.conflict,
    background: Annotated[float | None, setting("background")] = None,
    worst: Annotated[int, typer.Option(min=0, help="Images to list; 0 for all.")] = 20,
    table: Annotated[Path | None, typer.Option(help="CSV file for all findings.")] = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """List the images whose labels are most likely wrong, worst first, with the reasons.

    Needs no ground truth and saves no labels.
    """
    settings = {"t1": t1, "t2": t2, "strategy": strategy, "conflict": conflict}
    params = params_of(**settings, background=background)
    spec = dataset.find().spec
    check_ending("--table", table, "a CSV table", ".csv")
    executor = choose_executor(workers, scheduler)
    index = SampleIndex.open(
        seen_dataset(scheduler, spec), (Role.IMAGE, Role.PSEUDO, Role.MASKS), ()
    )
    note_scores(index, background)
    run = DiagnosisRun(index, params, executor=executor)
    if table is not None:
        run.check_table(table, overwrite=overwrite)
    code, failures = count(run)
    note_index(index, "pseudo-labels")
    if code == STOPPED:
        complain("Stopped: the order needs all samples, so nothing is listed.")
        return code
    found, classes = run.worst_first(), run.index.classes
    files: list[Path] = []
    if found:
        write = partial(write_diagnoses, found=found, classes=classes, guard=run.guard)
        code, files = save_result(code, table, write)
    listed = found[: worst or None]
    if listed:
        say("suspicion, sample, findings:")
    for sample_id, diagnosis in listed:
        say(_line(sample_id, diagnosis, classes))
    say_saved(files)
    images = [_content(*one, classes) for one in listed]
    counts = {
        "counted": len(found),
        "failed": failures.content(),
        "left_out": {"no pseudo-labels": index.unused},
    }
    give_json(counts | {"images": images})
    return code


def _line(sample_id: str, diagnosis: Diagnosis, classes: ClassList) -> str:
    texts = [finding.describe(classes) for finding in diagnosis.findings]
    more = f"; and {len(texts) - _SENTENCES} more" if len(texts) > _SENTENCES else ""
    sentences = "; ".join(texts[:_SENTENCES]) or "nothing found"
    return f"{100 * diagnosis.suspicion:3.0f} % {sample_id}  {sentences}{more}"


def _content(sample_id: str, diagnosis: Diagnosis, classes: ClassList) -> dict[str, Any]:
    """Return a diagnosis for JSON."""
    findings = [
        {
            "cause": finding.cause.label,
            "class_id": finding.class_id,
            "class": classes.name(finding.class_id),
            "strength": finding.strength,
            "text": finding.describe(classes),
        }
        for finding in diagnosis.findings
    ]
    return {"sample_id": sample_id, "suspicion": diagnosis.suspicion, "findings": findings}
