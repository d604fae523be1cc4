"""The command `convert-masks`: folders of mask PNGs to one JSON file per image."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._command import command
from napari_sepl.cli._console import follow, say, size
from napari_sepl.cli._dataset import DatasetOptions, takes_dataset
from napari_sepl.cli._options import Scheduler, Workers, choose_executor, seen, seen_dataset
from napari_sepl.core.errors import counted
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.workflow.convert import Conversion, convert_masks
from napari_sepl.workflow.results import SampleResult


@command("napari-sepl convert-masks --masks sam_png --to sam_json")
@takes_dataset("masks", "list_file", needs=("masks",))
def convert_command(
    dataset: DatasetOptions,
    *,
    to: Annotated[Path, typer.Option(help="Folder for the JSON files.")],
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """Convert folders of mask PNGs to JSON, which is much faster to read.

    The originals are kept, and each file is compared with them before it is saved.
    """
    spec = dataset.find().spec
    executor = choose_executor(workers, scheduler)
    index = SampleIndex.open(seen_dataset(scheduler, spec), (Role.MASKS,), (), lead=Role.MASKS)
    done: list[Conversion] = []
    results = convert_masks(index, seen(scheduler, to), executor=executor)
    code = follow(_noted(results, done), len(index) + len(index.problems), "convert")
    if done:
        say(_saving(done))
    return code


def _noted(
    results: Iterable[SampleResult[Conversion]], done: list[Conversion]
) -> Iterator[SampleResult[Conversion]]:
    for result in results:
        if result.value is not None:
            done.append(result.value)
        yield result


def _saving(converted: list[Conversion]) -> str:
    files = sum(one.files_before for one in converted)
    before = sum(one.bytes_before for one in converted)
    after = sum(one.bytes_after for one in converted)
    return (
        f"{counted(files, 'file')}, {size(before)} on disk, became "
        f"{len(converted):,} of {size(after)}; the originals are kept"
    )
