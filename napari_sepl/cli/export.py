"""The command `export`: labels in the formats of training scripts and other tools."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import ValidationError

from napari_sepl.cli._command import command, refuse_setting, require_there, usage
from napari_sepl.cli._console import follow, note, say
from napari_sepl.cli._dataset import DatasetOptions, Labels, note_index, takes_dataset
from napari_sepl.cli._options import (
    EDITED,
    Outdated,
    OutdatedUse,
    Statuses,
    Unreviewed,
    choose_labels,
    overwriting,
    takes_settings,
)
from napari_sepl.core.errors import name_first
from napari_sepl.core.labels.classes import ClassList, find_class
from napari_sepl.files.class_lists import read_class_map
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.exports import EXPORT_FORMATS, describe_setting, formats_with
from napari_sepl.files.exports.base import ExportSettings
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource, LabelSource, ReviewSource
from napari_sepl.workflow.export.unchanged import export_unchanged
from napari_sepl.workflow.review.record import open_record
from napari_sepl.workflow.review.selection import Choice, select_labels

DEFAULTS = ExportSettings()
_OPTIONS = {"pictures": "image-files"}


def _setting(name: str) -> Any:
    """Return the option for a field of ExportSettings, with its help."""
    return typer.Option(f"--{_OPTIONS.get(name, name)}", help=describe_setting(name))


def _known_format(name: str) -> str:
    if name not in EXPORT_FORMATS:
        known = ", ".join(map(repr, EXPORT_FORMATS))
        raise typer.BadParameter(f"{name!r} is not one of {known}.")
    return name


@command("napari-sepl export voc.toml --format coco --status accepted --to coco")
@takes_dataset(
    "images", "pseudo", "masks", "out", "ground_truth", "image_labels", "list_file", "classes",
    "pseudo_format", "mask_classes",
)  # fmt: skip
@takes_settings(ExportSettings, _setting, without="format", defaults=dict(DEFAULTS))
def export_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    given: dict[str, Any],
    *,
    to: Annotated[
        Path, typer.Option(help="Folder to write to; png and others write to labels/ in it.")
    ],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            parser=_known_format,
            metavar=f"<{'|'.join(EXPORT_FORMATS)}>",
            help="Without it, label PNGs, equal byte for byte to those that the window saved.",
        ),
    ] = None,
    labels: Labels = None,
    status: Statuses = None,
    everything: Unreviewed = False,
    outdated: Outdated = OutdatedUse.LEAVE_OUT,
    holding: Annotated[
        list[str] | None,
        typer.Option("--class", help="Only samples with one of these classes; may be repeated."),
    ] = None,
    class_map: Annotated[
        Path | None, typer.Option(help="TOML file that renames, merges and drops classes.")
    ] = None,
    overwrite: Annotated[bool, overwriting("Replace an export of other settings", EDITED)] = False,
) -> int:
    """Write labels for training: the accepted ones in --out, or those of a folder (--labels).

    The same command resumes a stopped export.
    """
    given["ignore"] = sorted(set(given.get("ignore", ())))
    settings = _settings(given | {"format": format_name or DEFAULTS.format})
    if format_name is not None:
        _refuse_unused(settings)
    wanted = _Wanted(to, settings, class_map, holding or [], overwrite)
    choice = choose_labels(status, everything, outdated)
    spec = dataset.find().spec
    require_there(labels=labels)
    if labels is None:
        return _export_review(dataset, spec, wanted, format_name, choice)
    if format_name is None:
        raise typer.BadParameter(
            "--format is missing: --labels is a folder of label PNGs already; name the format to "
            "write"
        )
    with select_labels(spec, labels, choice, "export") as selection:
        index = SampleIndex.open(
            spec, (Role.LABELS,), (Role.IMAGE, Role.PSEUDO), lead=Role.LABELS, labels=labels
        )
        if selection is None:
            note_index(index, NAMED[Role.LABELS])
        else:
            note(selection.line())
        return _run(FolderSource(index, selection), wanted)


class _Wanted(NamedTuple):
    """What to export, except for the samples."""

    to: Path
    settings: ExportSettings
    class_map: Path | None
    holding: list[str]
    overwrite: bool


def _export_review(
    dataset: DatasetOptions,
    spec: DatasetSpec,
    wanted: _Wanted,
    format_name: str | None,
    choice: Choice,
) -> int:
    """Export the labels of a dataset, in a format or as label PNGs."""
    for key in ("images", "pseudo", "out"):
        if getattr(spec, key) is None:
            dataset.miss(key)
    if format_name is None:
        _refuse_settings(wanted)
    with open_record(spec.output, "export") as store:
        source = ReviewSource(SampleIndex.open(spec), store, choice)
        selection = source.selection
        selection.require_any()
        note(selection.line())
        note_index(selection.index, NAMED[Role.PSEUDO])
        if format_name is not None:
            return _run(source, wanted)
        total = len(selection.ids) + len(selection.problems)
        results = export_unchanged(selection, wanted.to, overwrite=wanted.overwrite)
        code = follow(results, total, "export")
        if wanted.to.is_dir():
            say(f"Files are in {wanted.to}.")
        return code


def _settings(values: dict[str, object]) -> ExportSettings:
    try:
        return ExportSettings.model_validate(values)
    except ValidationError as error:
        refuse_setting(error, ExportSettings.model_fields, _OPTIONS)


def _refuse_settings(wanted: _Wanted) -> None:
    """Raise typer.BadParameter for an option that needs a format."""
    values: dict[str, object] = {"class-map": wanted.class_map, "class": wanted.holding}
    for name, value in DEFAULTS:
        values[_OPTIONS.get(name, name)] = getattr(wanted.settings, name) != value
    named = next((name for name, value in values.items() if value), None)
    if named is not None:
        raise typer.BadParameter(
            f"--{named} needs a --format: without one, labels are exported unchanged"
        )


def _refuse_unused(settings: ExportSettings) -> None:
    """Raise typer.BadParameter for an option that the format does not use."""
    for name in ExportSettings.model_fields:
        formats = formats_with(name)
        is_changed = getattr(settings, name) != getattr(DEFAULTS, name)
        if formats and settings.format not in formats and is_changed:
            raise typer.BadParameter(
                f"--{name} cannot be used with --format {settings.format}; it is for "
                f"{', '.join(formats)}"
            )


def _run(source: LabelSource, wanted: _Wanted) -> int:
    file = wanted.class_map
    require_there(class_map=file)
    export = Export(
        source,
        wanted.to,
        wanted.settings,
        class_map=None if file is None else read_class_map(file, source.classes),
        with_classes=_labels_of(wanted.holding, source.classes),
        overwrite=wanted.overwrite,
    )
    code = follow(export.run(), len(export), "export")
    for sentence in export.outcome():
        say(sentence)
    if export.without_images:
        note("images are not exported; --image-files copy or link puts them beside the labels")
    if export.others:
        note(f"in no list, of earlier runs: {name_first(export.others)}; still in {wanted.to}")
    return code


def _labels_of(names: list[str], classes: ClassList) -> list[int]:
    with usage("--class"):
        return [find_class(classes, int(one) if one.isdigit() else one, "--class") for one in names]
