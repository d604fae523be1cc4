"""The command `masks`: a folder of pictures in, their masks out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from napari_sepl.cli._console import STOPPED, Part, complain, follow, listing
from napari_sepl.cli._dataset import PseudoFormat
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen
from napari_sepl.files.score_formats import AUTO as AUTO_FORMAT
from napari_sepl.proposals.checkpoints import Checkpoint, fetch_checkpoint, own_checkpoint
from napari_sepl.proposals.device import AUTO, choose_device, describe_device
from napari_sepl.proposals.models import REGIONS, SamModel, find_model, model_names
from napari_sepl.proposals.points import MARGIN
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.progress import Progress as Made
from napari_sepl.proposals.regions import RegionMasks, RegionSettings
from napari_sepl.proposals.sam import open_sam
from napari_sepl.proposals.sent import SentSam
from napari_sepl.proposals.settings import PRESETS, SamSettings, find_preset
from napari_sepl.workflow.masks.propose import Maker, list_tasks, propose_folder
from napari_sepl.workflow.masks.record import made_by_regions, made_by_sam
from napari_sepl.workflow.spread.processes import HERE
from napari_sepl.workflow.spread.spread import Spread


def _setting(name: str, settings: type[BaseModel] = SamSettings) -> Any:
    """Return the option for a field of the settings, with its help."""
    field = settings.model_fields[name]
    about = f"{field.description} [paper: {field.default:.4g}]"
    return typer.Option(f"--{name.replace('_', '-')}", help=about, rich_help_panel="SAM's settings")


def masks_command(  # noqa: PLR0913  each option is an argument
    *,
    images: Annotated[Path, typer.Option(help="Folder of pictures.")],
    out: Annotated[Path, typer.Option(help="Folder for the masks, a JSON file a picture.")],
    preset: Annotated[
        str, typer.Option(help="; ".join(f"{name}: {p.about}" for name, p in PRESETS.items()))
    ] = "paper",
    model: Annotated[
        str | None, typer.Option(help=f"{', '.join(model_names())}; the preset's if left out.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Your own weights for the model; else they are fetched.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:N, mps or cpu.")] = AUTO,
    pseudo: Annotated[
        Path | None,
        typer.Option(help="Folder of pseudo-labels: ask SAM only about points in and near them."),
    ] = None,
    pseudo_format: PseudoFormat = None,
    full_grid: Annotated[
        bool, typer.Option("--full-grid", help="Ask about the whole grid all the same.")
    ] = False,
    margin: Annotated[
        float,
        typer.Option(min=0, max=1, help="What is near a pseudo-label: share of the longer side."),
    ] = MARGIN,
    list_file: Annotated[
        Path | None, typer.Option("--list", help="Text file with the samples to do, one a line.")
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    points_per_side: Annotated[int | None, _setting("points_per_side")] = None,
    points_per_batch: Annotated[int | None, _setting("points_per_batch")] = None,
    pred_iou_thresh: Annotated[float | None, _setting("pred_iou_thresh")] = None,
    stability_score_thresh: Annotated[float | None, _setting("stability_score_thresh")] = None,
    stability_score_offset: Annotated[float | None, _setting("stability_score_offset")] = None,
    box_nms_thresh: Annotated[float | None, _setting("box_nms_thresh")] = None,
    crop_n_layers: Annotated[int | None, _setting("crop_n_layers")] = None,
    crop_nms_thresh: Annotated[float | None, _setting("crop_nms_thresh")] = None,
    crop_overlap_ratio: Annotated[float | None, _setting("crop_overlap_ratio")] = None,
    crop_n_points_downscale_factor: Annotated[
        int | None, _setting("crop_n_points_downscale_factor")
    ] = None,
    min_mask_region_area: Annotated[int | None, _setting("min_mask_region_area")] = None,
) -> None:
    """Make masks for a folder of pictures, with SAM or, without it, of regions of like colour."""
    given = {
        name: value
        for name, value in locals().items()
        if name in SamSettings.model_fields and value is not None
    }
    name = model or find_preset(preset).model
    guided = pseudo is not None and not full_grid and name != REGIONS
    spread = choose_spread(workers, scheduler)
    guide, layout = seen(scheduler, pseudo), pseudo_format or AUTO_FORMAT
    tasks = list_tasks(seen(scheduler, images), guide, list_file, layout)
    out = seen(scheduler, out)
    if name == REGIONS:
        _refuse(given, checkpoint)
        settings = RegionSettings()
        made_with = made_by_regions(settings)
        code = _follow(tasks.tasks, out, RegionMasks(settings), made_with, False, spread)
    else:
        asked = _settings(find_preset(preset).settings, given)
        weights = _weights(find_model(name), seen(scheduler, checkpoint))
        sam = SentSam(weights, device, asked, margin)
        made_with = made_by_sam(weights, asked, margin if guided else None)
        code = _follow_sam(tasks.tasks, out, sam, made_with, guided, spread)
    if tasks.without_pseudo:
        complain(f"{listing(tasks.without_pseudo)}: no pseudo-labels, left out")
    raise typer.Exit(code)


def _follow_sam(
    tasks: Any, out: Path, sam: SentSam, made_with: dict[str, Any], guided: bool, spread: Spread
) -> int:
    """Make masks with SAM: in one process of its own, or in those of the spread."""
    if spread != HERE:
        complain(f"{sam.weights.model.title}, loaded by each worker")
        return _follow(tasks, out, sam, made_with, guided, spread)
    complain(f"{sam.weights.model.title} on {describe_device(choose_device(sam.device))}")
    with Remote(open_sam, sam.weights, sam.device, sam.settings, sam.margin) as remote:
        return _follow(tasks, out, RemoteMasks(remote), made_with, guided, spread)


def _follow(
    tasks: Any, out: Path, maker: Maker, made_with: dict[str, Any], guided: bool, spread: Spread
) -> int:
    part = Part()

    def say(progress: Made) -> None:
        if progress.message:
            complain(progress.message)
        part.show(progress.done / max(progress.total, 1))

    steps = propose_folder(tasks, out, maker, made_with, guided=guided, told=say, spread=spread)
    return follow(steps, len(tasks), "masks", part)


def _weights(model: SamModel, checkpoint: Path | None) -> Checkpoint:
    model.require()
    if checkpoint is not None:
        return own_checkpoint(model, checkpoint)
    with _download_bar(model.file_name) as told:
        try:
            return fetch_checkpoint(model, told=told)
        except KeyboardInterrupt:
            complain("Stopped. The same command goes on fetching from here.")
            raise typer.Exit(STOPPED) from None


@contextmanager
def _download_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar, if anything is fetched at all."""
    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, visible=False)
        yield lambda there, total: bar.update(task, completed=there, total=total, visible=True)


def _settings(preset: SamSettings, given: dict[str, Any]) -> SamSettings:
    try:
        return SamSettings.model_validate(preset.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise typer.BadParameter(f"--{option}: {first['msg']}") from error


def _refuse(given: dict[str, Any], checkpoint: Path | None) -> None:
    """Refuse options of SAM's, which regions would pass over."""
    named = [*given, *(["checkpoint"] if checkpoint is not None else [])]
    if named:
        option = named[0].replace("_", "-")
        raise typer.BadParameter(f"--{option} is for SAM; --model {REGIONS} has no use for it")
