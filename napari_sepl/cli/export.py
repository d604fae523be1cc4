"""The command `export`: labels in the formats that trainers and other tools read."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from napari_sepl.cli._console import complain, follow, listing
from napari_sepl.cli._dataset import (
    Classes,
    DatasetFile,
    Images,
    Layout,
    ListFile,
    Masks,
    Out,
    Pseudo,
    PseudoFormat,
    Root,
    Split,
    Tags,
    Truth,
    needed,
    read_spec,
)
from napari_sepl.core.class_maps import find_class
from napari_sepl.core.classes import ClassList
from napari_sepl.core.polygons import Holes
from napari_sepl.core.segments import Instances
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.class_map_file import read_class_map
from napari_sepl.files.dataset import Dataset
from napari_sepl.files.dataset_spec import DatasetSpec
from napari_sepl.files.exports.settings import ExportSettings, FormatName, Ignore, Pictures
from napari_sepl.files.score_formats import AUTO, check_format
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource, LabelSource, ReviewSource
from napari_sepl.workflow.review.remake import export_labels, samples_to_export
from napari_sepl.workflow.review.scan import list_for_review

DEFAULTS = ExportSettings()


def _setting(name: str, option: str | None = None) -> Any:
    """Return the option for a field of ExportSettings, with its help."""
    return typer.Option(option or f"--{name}", help=ExportSettings.model_fields[name].description)


def export_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetFile = None,
    *,
    to: Annotated[Path, typer.Option(help="Folder to write to.")],
    format_name: Annotated[
        FormatName | None,
        typer.Option(
            "--format",
            help="Without it, label PNGs as the window saved them, byte for byte.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Export this folder of label files, instead of a dataset."),
    ] = None,
    status: Annotated[
        list[Status] | None, typer.Option(help="Status to export; accepted if left out.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Samples of every status, untouched ones enhanced.")
    ] = False,
    holding: Annotated[
        list[str] | None,
        typer.Option("--class", help="Only samples that hold this class (or one of several)."),
    ] = None,
    class_map: Annotated[
        Path | None, typer.Option(help="TOML file that renames, merges and drops classes.")
    ] = None,
    pictures: Annotated[Pictures, _setting("pictures")] = DEFAULTS.pictures,
    folder: Annotated[str, _setting("folder")] = DEFAULTS.folder,
    instances: Annotated[Instances, _setting("instances")] = DEFAULTS.instances,
    holes: Annotated[Holes, _setting("holes")] = DEFAULTS.holes,
    tolerance: Annotated[float, _setting("tolerance")] = DEFAULTS.tolerance,
    trust: Annotated[float, _setting("trust")] = DEFAULTS.trust,
    val: Annotated[float, _setting("val")] = DEFAULTS.val,
    ignore: Annotated[list[Ignore] | None, _setting("ignore")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that hold something else.")
    ] = False,
    images: Images = None,
    pseudo: Pseudo = None,
    pseudo_format: PseudoFormat = None,
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
    """Write labels for a trainer: of a dataset under review, or of any folder of labels."""
    which = frozenset(Status) if everything else frozenset(status or [Status.ACCEPTED])
    told = {
        "pseudo": pseudo, "masks": masks, "truth": truth, "tags": tags,
        "list_file": list_file, "classes": classes, "pseudo_format": pseudo_format,
    }  # fmt: skip
    settings = _settings(
        format=format_name or DEFAULTS.format, pictures=pictures, folder=folder,
        instances=instances, holes=holes, tolerance=tolerance, trust=trust, val=val,
        ignore=tuple(sorted(set(ignore or ()))),
    )  # fmt: skip
    if labels is not None:
        folder_source = FolderSource(
            labels,
            read_class_list(classes or "voc"),
            images=images,
            pseudo=pseudo,
            list_file=list_file,
            pseudo_format=check_format(pseudo_format or AUTO),
        )
        code = _run(folder_source, to, settings, class_map, holding, overwrite=overwrite)
        raise typer.Exit(code)
    spec = needed("images", read_spec(dataset, images, layout, root, split, out, told))
    if format_name is None:
        _refuse_settings(settings, class_map, holding)
        raise typer.Exit(_remake(spec, to, which, overwrite=overwrite))
    with _review(spec) as store:
        source = ReviewSource(list_for_review(spec), store, which)
        code = _run(source, to, settings, class_map, holding, overwrite=overwrite)
    raise typer.Exit(code)


def _settings(**told: object) -> ExportSettings:
    try:
        return ExportSettings.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"--{first['loc'][0]}: {first['msg']}") from error


def _refuse_settings(
    settings: ExportSettings, map_file: Path | None, holding: list[str] | None
) -> None:
    """Refuse what would be passed over where labels are made as the window saved them."""
    told = {"class-map": map_file, "class": holding}
    told |= {name: getattr(settings, name) != value for name, value in DEFAULTS}
    named = next((name for name, value in told.items() if value), None)
    if named is not None:
        raise typer.BadParameter(f"--{named} needs a --format: without one labels stay as they are")


@contextmanager
def _review(spec: DatasetSpec) -> Iterator[Store | None]:
    """Open the record of a review to read it; None where nothing was reviewed yet."""
    path = store_file(spec.out)
    if not path.exists():
        yield None
        return
    with Store.open(path, who="export", write=False) as store:
        yield store


def _run(
    source: LabelSource,
    to: Path,
    settings: ExportSettings,
    map_file: Path | None,
    holding: list[str] | None,
    *,
    overwrite: bool,
) -> int:
    export = Export(
        source,
        to,
        settings,
        class_map=None if map_file is None else read_class_map(map_file, source.classes),
        with_classes=_labels_of(holding or [], source.classes),
        overwrite=overwrite,
    )
    code = follow(export.run(), len(export), "export")
    for sentence in export.outcome():
        typer.echo(sentence)
    if export.others:
        complain(f"{listing(export.others)}: of earlier runs; in {to}, but in no list")
    return code


def _labels_of(told: list[str], classes: ClassList) -> list[int]:
    return [find_class(classes, int(one) if one.isdigit() else one, "--class") for one in told]


def _remake(spec: DatasetSpec, to: Path, which: Collection[Status], *, overwrite: bool) -> int:
    with Store.open(store_file(spec.out), who="export", write=False) as store:
        total = len(samples_to_export(store, which))
        events = export_labels(Dataset.open(spec), store, to, which=which, overwrite=overwrite)
        return follow(events, total, "export")
