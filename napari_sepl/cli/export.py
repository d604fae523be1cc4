"""The command `export`: saved labels made anew from the record of their review."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import follow
from napari_sepl.cli._dataset import (
    Classes,
    DatasetFile,
    Images,
    Layout,
    ListFile,
    Masks,
    Out,
    Pseudo,
    Root,
    Split,
    Tags,
    Truth,
    needed,
    read_spec,
)
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.workflow.export import export_labels, samples_to_export


def export_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    to: Annotated[Path, typer.Option(help="Folder for the labels.")],
    status: Annotated[
        list[Status] | None, typer.Option(help="Status to export; accepted if left out.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that hold something else.")
    ] = False,
    images: Images = None,
    pseudo: Pseudo = None,
    masks: Masks = None,
    truth: Truth = None,
    tags: Tags = None,
    list_file: ListFile = None,
    layout: Layout = None,
    root: Root = None,
    split: Split = None,
    classes: Classes = None,
    out: Out = None,
) -> None:
    """Make the labels of reviewed samples anew, byte for byte as the window saved them."""
    told = {
        "pseudo": pseudo, "masks": masks, "truth": truth, "tags": tags,
        "list_file": list_file, "classes": classes,
    }  # fmt: skip
    spec = needed("images", read_spec(dataset, images, layout, root, split, out, told))
    with Store.open(store_file(spec.out), who="export", write=False) as store:
        which = frozenset(status or [Status.ACCEPTED])
        total = len(samples_to_export(store, which))
        events = export_labels(Dataset.open(spec), store, to, which=which, overwrite=overwrite)
        code = follow(events, total, "export")
    raise typer.Exit(code)
