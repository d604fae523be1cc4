"""The command `convert-masks`: folders of mask PNGs in, one JSON file an image out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import follow
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen
from napari_sepl.workflow.masks.convert import Conversion, convert_masks, masks_to_convert


def convert_command(
    masks: Annotated[Path, typer.Argument(help="Folder of masks, a folder of PNGs per picture.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the JSON files.")],
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Convert folders of mask PNGs to JSON once; runs over many read that much faster.

    The originals stay, and each file is compared with them before it is saved.
    """
    paths = masks_to_convert(seen(scheduler, masks))
    spread = choose_spread(workers, scheduler)
    done: list[Conversion] = []
    steps = convert_masks(paths, seen(scheduler, out), spread=spread)
    code = follow(_noted(steps, done), len(paths), "convert")
    converted = [step for step in done if step.bytes_after]
    if converted:
        typer.echo(_saving(converted))
    raise typer.Exit(code)


def _noted(steps: Iterable[Conversion], done: list[Conversion]) -> Iterator[Conversion]:
    for step in steps:
        done.append(step)
        yield step


def _saving(converted: list[Conversion]) -> str:
    files = sum(step.files_before for step in converted)
    before = sum(step.bytes_before for step in converted)
    after = sum(step.bytes_after for step in converted)
    return (
        f"{files:,} file{'s' * (files != 1)}, {before / 1e6:,.1f} MB of the disk, became "
        f"{len(converted):,}, {after / 1e6:,.1f} MB; the originals are where they were"
    )
