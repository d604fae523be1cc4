"""The command `masks`: masks for images, by SAM or from regions of similar colour."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, DownloadColumn, TextColumn

from napari_sepl.cli._command import command, refuse_setting, require_there, usage
from napari_sepl.cli._console import (
    TIME,
    Part,
    complain,
    follow,
    note,
    progress,
)
from napari_sepl.cli._dataset import DatasetOptions, note_index, takes_dataset
from napari_sepl.cli._options import (
    Device,
    Scheduler,
    Workers,
    choose_executor,
    seen,
    seen_dataset,
    takes_settings,
)
from napari_sepl.core.errors import InputError
from napari_sepl.core.stopping import STOPPED
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.proposals.device import AUTO, choose_device, describe_device
from napari_sepl.proposals.maker import Maker, MaskProgress
from napari_sepl.proposals.models import (
    PRESETS,
    REGIONS,
    SamModel,
    SamSettings,
    find_model,
    find_preset,
    model_names,
)
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.regions import RegionMasks, RegionSettings
from napari_sepl.proposals.sam import RemoteSam, open_sam
from napari_sepl.proposals.weights import Checkpoint, find_checkpoint
from napari_sepl.workflow.masks import (
    check_masks_folder,
    made_by_regions,
    made_by_sam,
    propose_folder,
)
from napari_sepl.workflow.parallel.processes import HERE, Executor

PRESET = "paper"


def _setting(name: str) -> Any:
    """Return the option for a field of SAM's settings, with its help."""
    field = SamSettings.model_fields[name]
    about = f"{field.description} [paper: {field.default:.4g}]"
    return typer.Option(f"--{name.replace('_', '-')}", help=about, rich_help_panel="SAM's settings")


@command("napari-sepl masks --images JPEGImages --pseudo cam_png --masks sam_json --model vit_b")
@takes_dataset(
    "images",
    "pseudo",
    "masks",
    "out",
    "list_file",
    "pseudo_format",
    needs=("images", "masks"),
    makes=("out", "masks"),
)
@takes_settings(SamSettings, _setting)
def masks_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    given: dict[str, Any],
    *,
    preset: Annotated[
        str | None,
        typer.Option(
            help="; ".join(f"{name}: {p.about}" for name, p in PRESETS.items()), show_default=PRESET
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help=f"{', '.join(model_names())}; the preset's by default.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="File of weights for the model; downloaded if left out.")
    ] = None,
    device: Device = None,
    full_grid: Annotated[
        bool, typer.Option("--full-grid", help="Prompt SAM on the whole grid even with --pseudo.")
    ] = False,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Distance that counts as near a pseudo-label, as a share of the longer side.",
            show_default=str(MARGIN),
        ),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """Generate masks with SAM, or without SAM from regions of similar colour.

    Writes one JSON file per image to --masks, or to masks/ in --out. With --pseudo, SAM is prompted
    only in and near the pseudo-labels. The same command resumes a stopped run.
    """
    chosen = {
        "preset": preset, "checkpoint": checkpoint, "device": device, "full_grid": full_grid,
        "margin": margin, **given,
    }  # fmt: skip
    with usage("--preset"):
        usual = find_preset(preset or PRESET)
    name, where = model or usual.model, device or AUTO
    executor = choose_executor(workers, scheduler)
    spec = seen_dataset(scheduler, dataset.find().spec)
    if name == REGIONS:
        _refuse(chosen)
        regions = RegionSettings()
        index, out = _open(spec)
        code = _follow(index, out, made_by_regions(regions), False, executor, RegionMasks(regions))
    else:
        asked = _settings(usual.settings, given)
        usable = _usable(name, checkpoint, where, executor)
        index, out = _open(spec)
        weights = _weights(usable, seen(scheduler, checkpoint))
        near = MARGIN if margin is None else margin
        guided = spec.pseudo is not None and not full_grid
        made_with = made_by_sam(weights, asked, near if guided else None)
        follow_maker = partial(_follow, index, out, made_with, guided, executor)
        code = _follow_sam(follow_maker, RemoteSam(weights, where, asked, near), executor)
    note_index(index, "pseudo-labels")
    return code


def _open(spec: DatasetSpec) -> tuple[SampleIndex, Path]:
    """Return the samples, all images or those with pseudo-labels, and the folder for the masks."""
    if spec.pseudo is None:
        index = SampleIndex.open(spec, (Role.IMAGE,), (), lead=Role.IMAGE)
    else:
        index = SampleIndex.open(spec, (Role.IMAGE, Role.PSEUDO), ())
    if spec.masks is None:
        raise InputError("dataset", found="no masks", expected="a folder for masks")
    check_masks_folder(index, spec.masks)  # before a model is downloaded
    return index, spec.masks


def _usable(name: str, checkpoint: Path | None, device: str, executor: Executor) -> SamModel:
    """Return a model if its packages, weights and device are available."""
    with usage("--model"):
        model = find_model(name)
    require_there(checkpoint=checkpoint)
    model.require()
    if executor == HERE:  # else the device belongs to the workers
        with usage("--device"):
            choose_device(device)
    return model


def _follow_sam(follow_maker: Callable[[Maker], int], sam: RemoteSam, executor: Executor) -> int:
    """Generate masks with SAM in one extra process, or in the workers."""
    if executor != HERE:
        note(f"{sam.weights.model.title}, loaded by each worker")
        return follow_maker(sam)
    note(f"{sam.weights.model.title} on {describe_device(choose_device(sam.device))}")
    with Remote(open_sam, sam.weights, sam.device, sam.settings, sam.margin) as remote:
        return follow_maker(RemoteMasks(remote))


def _follow(
    index: SampleIndex,
    out: Path,
    made_with: dict[str, Any],
    guided: bool,
    executor: Executor,
    maker: Maker,
) -> int:
    part = Part()

    def hear(made: MaskProgress) -> None:
        if made.message:
            note(made.message)
        part.show(made.done / max(made.total, 1))

    steps = propose_folder(
        index, out, maker, made_with, guided=guided, told=hear, executor=executor
    )
    return follow(steps, len(index) + len(index.problems), "masks", part)


def _weights(model: SamModel, checkpoint: Path | None) -> Checkpoint:
    with _download_bar(model.file_name) as move:
        try:
            return find_checkpoint(model, checkpoint, move)
        except KeyboardInterrupt:
            complain("Stopped. The same command resumes the download.")
            raise typer.Exit(STOPPED) from None


@contextmanager
def _download_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar once a download begins."""
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TIME)
    with progress(*columns) as bar:
        task = bar.add_task(name, visible=False)
        yield lambda there, total: bar.update(task, completed=there, total=total, visible=True)


def _settings(preset: SamSettings, given: dict[str, Any]) -> SamSettings:
    try:
        return SamSettings.model_validate(preset.model_dump() | given)
    except ValidationError as error:
        refuse_setting(error, SamSettings.model_fields)


def _refuse(chosen: Mapping[str, object]) -> None:
    """Raise typer.BadParameter for an option that only SAM uses."""
    for name, value in chosen.items():
        if value is not None and value is not False:
            option = name.replace("_", "-")
            raise typer.BadParameter(f"--{option} is for SAM; --model {REGIONS} does not use it")
