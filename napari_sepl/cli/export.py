"""The command `export`: labels in the formats that trainers and other tools read."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from napari_sepl.cli._command import command, refuse_setting, require_there, usage
from napari_sepl.cli._console import FAILED, complain, follow, listing, note, say
from napari_sepl.cli._dataset import DatasetOptions, Labels, takes_dataset
from napari_sepl.core.classes import ClassList, find_class
from napari_sepl.core.polygons import Holes, Instances
from napari_sepl.files.class_map_file import read_class_map
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.exports.settings import ExportSettings, FormatName, Ignore, Pictures
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource, LabelSource, ReviewSource
from napari_sepl.workflow.review.remake import export_labels, samples_to_export

DEFAULTS = ExportSettings()
_OPTIONS = {"pictures": "image-files"}


def _setting(name: str, option: str | None = None) -> Any:
    """Return the option for a field of ExportSettings, with its help."""
    return typer.Option(option or f"--{name}", help=ExportSettings.model_fields[name].description)


@command("napari-sepl export voc.toml --format coco --status accepted --to coco")
@takes_dataset(
    "images", "pseudo", "masks", "out", "ground_truth", "image_labels", "list_file", "classes",
    "pseudo_format",
)  # fmt: skip
def export_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    *,
    to: Annotated[Path, typer.Option(help="Folder to write to.")],
    format_name: Annotated[
        FormatName | None,
        typer.Option(
            "--format", help="Without it, label PNGs as the window saved them, byte for byte."
        ),
    ] = None,
    labels: Labels = None,
    status: Annotated[
        list[Status] | None,
        typer.Option(help="Status to export, accepted if left out; may be repeated."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Samples of every status, untouched ones enhanced.")
    ] = False,
    holding: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            help="Only samples that contain this class, or one of several; may be repeated.",
        ),
    ] = None,
    class_map: Annotated[
        Path | None, typer.Option(help="TOML file that renames, merges and drops classes.")
    ] = None,
    image_files: Annotated[Pictures, _setting("pictures", "--image-files")] = DEFAULTS.pictures,
    folder: Annotated[str, _setting("folder")] = DEFAULTS.folder,
    instances: Annotated[Instances, _setting("instances")] = DEFAULTS.instances,
    holes: Annotated[Holes, _setting("holes")] = DEFAULTS.holes,
    tolerance: Annotated[float, _setting("tolerance")] = DEFAULTS.tolerance,
    trust: Annotated[float, _setting("trust")] = DEFAULTS.trust,
    val: Annotated[float, _setting("val")] = DEFAULTS.val,
    ignore: Annotated[list[Ignore] | None, _setting("ignore")] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Make again an export of other settings; never what a person edited or another "
            "program wrote.",
        ),
    ] = False,
) -> int:
    """Write labels for a trainer: those of the review in --out, or of any folder (--labels).

    The same command resumes after a stop.
    """
    settings = _settings(
        format=format_name or DEFAULTS.format, pictures=image_files, folder=folder,
        instances=instances, holes=holes, tolerance=tolerance, trust=trust, val=val,
        ignore=tuple(sorted(set(ignore or ()))),
    )  # fmt: skip
    spec = dataset.find().spec
    require_there(labels=labels)
    if labels is not None:
        if format_name is None or status or everything:
            raise typer.BadParameter("--labels: name a --format, and no --status: it has no review")
        index = SampleIndex.open(
            spec, (Role.LABELS,), (Role.IMAGE, Role.PSEUDO), lead=Role.LABELS, labels=labels
        )
        return _run(FolderSource(index), to, settings, class_map, holding, overwrite=overwrite)
    if everything and status:
        raise typer.BadParameter("--status: --all takes every status; leave one of them out")
    for key in ("images", "pseudo", "out"):
        if getattr(spec, key) is None:
            dataset.miss(key)
    which = frozenset(Status) if everything else frozenset(status or [Status.ACCEPTED])
    if format_name is None:
        _refuse_settings(settings, class_map, holding)
        return _remake(spec, to, which, overwrite=overwrite)
    with _review(spec) as store:
        source = ReviewSource(SampleIndex.open(spec), store, which)
        if not source.ids:
            return _nothing(spec, store)
        return _run(source, to, settings, class_map, holding, overwrite=overwrite)


def _settings(**told: object) -> ExportSettings:
    try:
        return ExportSettings.model_validate(told)
    except ValidationError as error:
        refuse_setting(error, ExportSettings.model_fields, _OPTIONS)


def _refuse_settings(
    settings: ExportSettings, map_file: Path | None, holding: list[str] | None
) -> None:
    """Refuse what has no use where labels are made as the window saved them."""
    told = {"class-map": map_file, "class": holding}
    told |= {_OPTIONS.get(name, name): getattr(settings, name) != value for name, value in DEFAULTS}
    named = next((name for name, value in told.items() if value), None)
    if named is not None:
        raise typer.BadParameter(f"--{named} needs a --format: without one labels stay as they are")


@contextmanager
def _review(spec: DatasetSpec) -> Iterator[Store | None]:
    """Open the record of a review to read it; None where nothing was reviewed yet."""
    path = store_file(spec.output)
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
    require_there(class_map=map_file)
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
        say(sentence)
    if export.without_pictures:
        note("images stay where they are; --image-files copy, or link, puts them beside the labels")
    if export.others:
        note(f"{listing(export.others)}: of earlier runs; in {to}, but in no list")
    return code


def _nothing(spec: DatasetSpec, store: Store | None) -> int:
    why = "no sample has that status; --status chooses others"
    if store is None:
        why = f"nothing was reviewed in {spec.output}"
    complain(
        f"nothing to export: {why}. --format with --all exports samples of every status; --format "
        f"with --labels {spec.output} exports the label files as they are"
    )
    return FAILED


def _labels_of(told: list[str], classes: ClassList) -> list[int]:
    with usage("--class"):
        return [find_class(classes, int(one) if one.isdigit() else one, "--class") for one in told]


def _remake(spec: DatasetSpec, to: Path, which: Collection[Status], *, overwrite: bool) -> int:
    with _review(spec) as store:
        total = 0 if store is None else len(samples_to_export(store, which))
        if store is None or not total:
            return _nothing(spec, store)
        index = SampleIndex.open(spec)
        events = export_labels(index, store, to, which=which, overwrite=overwrite)
        return follow(events, total, "export")
