"""The command `export`: labels in the formats of training scripts and other tools."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import ValidationError

from napari_sepl.cli._command import command, refuse_setting, require_there, usage
from napari_sepl.cli._console import FAILED, complain, follow, listing, note, note_unused, say
from napari_sepl.cli._dataset import DatasetOptions, Labels, takes_dataset
from napari_sepl.cli._options import EDITED, overwriting, takes_settings
from napari_sepl.core.labels.classes import ClassList, find_class
from napari_sepl.files.class_lists import read_class_map
from napari_sepl.files.dataset.index import NAMED, Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.exports import EXPORT_FORMATS, describe_setting, formats_with
from napari_sepl.files.exports.base import ExportSettings
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.export.sources import FolderSource, LabelSource, ReviewSource
from napari_sepl.workflow.review.rebuild import export_labels, samples_to_export

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
    "pseudo_format",
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
            help="Without it, label PNGs of the reviewed samples, equal byte for byte to those "
            "that the window saved.",
        ),
    ] = None,
    labels: Labels = None,
    status: Annotated[
        list[Status] | None,
        typer.Option(help="Status of the samples to export, accepted by default; may be repeated."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Samples of every status; with --format, unreviewed samples are enhanced first.",
        ),
    ] = False,
    holding: Annotated[
        list[str] | None,
        typer.Option("--class", help="Only samples with one of these classes; may be repeated."),
    ] = None,
    class_map: Annotated[
        Path | None, typer.Option(help="TOML file that renames, merges and drops classes.")
    ] = None,
    overwrite: Annotated[bool, overwriting("Replace an export of other settings", EDITED)] = False,
) -> int:
    """Write labels for training: those of the review in --out, or of a folder (--labels).

    The same command resumes a stopped export.
    """
    given["ignore"] = sorted(set(given.get("ignore", ())))
    settings = _settings(given | {"format": format_name or DEFAULTS.format})
    if format_name is not None:
        _refuse_unused(settings)
    wanted = _Wanted(to, settings, class_map, holding or [], overwrite)
    spec = dataset.find().spec
    require_there(labels=labels)
    if labels is None:
        return _export_review(dataset, spec, wanted, format_name, status or [], everything)
    _refuse_beside_labels(format_name, status=status, all=everything)
    index = SampleIndex.open(
        spec, (Role.LABELS,), (Role.IMAGE, Role.PSEUDO), lead=Role.LABELS, labels=labels
    )
    note_unused(index.unused, NAMED[Role.LABELS])
    return _run(FolderSource(index), wanted)


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
    statuses: list[Status],
    everything: bool,
) -> int:
    """Export a review, in a format or as label PNGs."""
    if everything and statuses:
        raise typer.BadParameter("--status: --all selects every status; leave one of them out")
    for key in ("images", "pseudo", "out"):
        if getattr(spec, key) is None:
            dataset.miss(key)
    which = frozenset(Status) if everything else frozenset(statuses or [Status.ACCEPTED])
    if format_name is None:
        _refuse_settings(wanted)
        return _export_unchanged(spec, wanted, which)
    with _review(spec) as store:
        index = SampleIndex.open(spec)
        source = ReviewSource(index, store, which)
        if not (source.ids or source.problems):
            return _nothing(spec, store, "")
        _note_left_out(index, store, which)
        return _run(source, wanted)


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


def _refuse_beside_labels(format_name: str | None, **chosen: object) -> None:
    """Raise typer.BadParameter for options of a review, or without a format."""
    for name, value in chosen.items():
        if value:
            raise typer.BadParameter(
                f"--{name} chooses samples of a review, and --labels is a folder of label files; "
                f"leave --{name} out"
            )
    if format_name is None:
        raise typer.BadParameter(
            "--format is missing: --labels is a folder of label PNGs already; name the format to "
            "write"
        )


@contextmanager
def _review(spec: DatasetSpec) -> Iterator[Store | None]:
    """Open the record of a review for reading; None if nothing was reviewed yet."""
    path = store_file(spec.output)
    if not path.exists():
        yield None
        return
    with Store.open(path, who="export", write=False) as store:
        yield store


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
        note(f"{listing(export.others)}: of earlier runs; still in {wanted.to}, but in no list")
    return code


def _note_left_out(index: SampleIndex, store: Store | None, which: Collection[Status]) -> None:
    """Print how many samples are not exported because of their status."""
    rows = {} if store is None else store.statuses()
    statuses = dict.fromkeys(index.ids, Status.PENDING)
    statuses |= {sample_id: row.status for sample_id, row in rows.items()}
    counts = Counter(statuses.values())
    numbers = [f"{counts[one]:,} {one}" for one in Status if counts[one] and one not in which]
    if numbers:
        note(f"left out by status: {', '.join(numbers)}; --status or --all includes them")
    note_unused(index.unused, NAMED[Role.PSEUDO])


def _nothing(spec: DatasetSpec, store: Store | None, rule: str) -> int:
    why = "no sample has that status; choose another by --status"
    if store is None:
        why = f"nothing was reviewed in {spec.output}"
    complain(
        f"nothing to export: {why}{rule}. --format with --all exports samples of every status; "
        f"--format with --labels {spec.output} exports the label files as they are"
    )
    return FAILED


def _labels_of(names: list[str], classes: ClassList) -> list[int]:
    with usage("--class"):
        return [find_class(classes, int(one) if one.isdigit() else one, "--class") for one in names]


def _export_unchanged(spec: DatasetSpec, wanted: _Wanted, which: Collection[Status]) -> int:
    with _review(spec) as store:
        total = 0 if store is None else len(samples_to_export(store, which))
        if store is None or not total:
            return _nothing(spec, store, "; without --format only reviewed samples are exported")
        index = SampleIndex.open(spec)
        _note_left_out(index, store, which)
        results = export_labels(index, store, wanted.to, which=which, overwrite=wanted.overwrite)
        code = follow(results, total, "export")
        if wanted.to.is_dir():
            say(f"Files are in {wanted.to}.")
        return code
