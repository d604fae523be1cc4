"""The options that name a dataset, the same for all commands that take one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from napari_sepl.cli._console import complain
from napari_sepl.core.errors import InputError
from napari_sepl.core.scores import Scores
from napari_sepl.files.dataset_spec import DatasetSpec, layout, read_dataset
from napari_sepl.files.pseudo import read_pseudo
from napari_sepl.files.samples import Sample
from napari_sepl.files.score_formats import AUTO, FORMATS, check_format

Value = TypeVar("Value")

DatasetFile = Annotated[
    Path | None, typer.Argument(help="A dataset's TOML file.", exists=True, dir_okay=False)
]
Images = Annotated[Path | None, typer.Option(help="Folder of pictures.")]
Pseudo = Annotated[Path | None, typer.Option(help="Pseudo-labels.")]
Masks = Annotated[Path | None, typer.Option(help="Masks.")]
Truth = Annotated[Path | None, typer.Option(help="True labels.")]
Tags = Annotated[Path | None, typer.Option(help="File of image-level classes.")]
ListFile = Annotated[
    Path | None, typer.Option("--list", help="Text file with the samples to take, one a line.")
]
Layout = Annotated[str | None, typer.Option(help="voc or coco: folders by their names.")]
Root = Annotated[Path | None, typer.Option(help="Folder of the layout.")]
Split = Annotated[str | None, typer.Option(help="Split of the layout, train say.")]
Classes = Annotated[str | None, typer.Option(help="voc, coco or a TOML file.")]
PseudoFormat = Annotated[
    str | None,
    typer.Option(help=f"What the pseudo-labels are: {', '.join((AUTO, *FORMATS))}."),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for labels and for the record of the review.")
]


def read_spec(
    dataset: Path | None,
    images: Path | None,
    name: str | None,
    root: Path | None,
    split: str | None,
    out: Path | None,
    told: dict[str, Path | str | None],
) -> DatasetSpec | None:
    """Return the dataset that the options name; None if they name none.

    Parameters
    ----------
    dataset : Path, optional
        A TOML file, which stands for itself.
    images : Path, optional
        The folder of pictures.
    name, root, split : optional
        A layout and where it is.
    out : Path, optional
        The output folder.
    told : dict
        Other fields of `DatasetSpec`; None for what was not told.

    Raises
    ------
    typer.BadParameter
        If an option would be passed over beside what else is named, or one is missing.
    """
    named_too = {"images": images, "layout": name, "root": root, "split": split, "out": out, **told}
    if dataset is not None:
        _refuse(named_too, {"pseudo_format"}, f"{dataset} says what the dataset is")
        spec = read_dataset(dataset)
        named = told.get("pseudo_format")
        update = {} if named is None else {"pseudo_format": check_format(str(named))}
        return spec.model_copy(update=update)
    given = {field: value for field, value in told.items() if value is not None}
    check_format(str(given.get("pseudo_format", AUTO)))
    if name is not None:
        return layout(name, needed("root", root), needed("out", out), split=split, **given)
    _refuse({"root": root, "split": split}, set(), "there is no --layout to look for it in")
    if images is None:
        return None
    needed("pseudo", told["pseudo"])
    return DatasetSpec.model_validate({"images": images, "out": needed("out", out), **given})


def read_whole_spec(
    dataset: Path | None,
    images: Path | None,
    name: str | None,
    root: Path | None,
    split: str | None,
    table: Path | None,
    told: dict[str, Path | str | None],
) -> DatasetSpec:
    """Return the dataset that the options name, for a command that saves a table and no labels.

    As `read_spec`, but where the options name none, or one without masks, it is said what is
    missing.
    """
    nowhere = None if dataset else table or Path("table.csv")  # for labels: none are saved
    spec = needed("images", read_spec(dataset, images, name, root, split, nowhere, told))
    if dataset is None and spec.masks_to_come:
        needed("masks", None)
    return spec


def _refuse(named: dict[str, Path | str | None], but: set[str], why: str) -> None:
    """Refuse options that would be passed over."""
    for field, value in named.items():
        if value is not None and field not in but:
            option = "list" if field == "list_file" else field.replace("_", "-")
            raise typer.BadParameter(f"--{option}: {why}; leave it out")


def tell_scores(samples: Iterable[Sample]) -> None:
    """Say what the first sample's soft scores were taken for, if they are soft scores.

    What is wrong with its file is told when its turn comes.
    """
    sample = next(iter(samples), None)
    if sample is None:
        return
    try:
        read = read_pseudo(sample.pseudo, sample.pseudo_format, sample_id=sample.sample_id)
    except InputError:
        return
    if isinstance(read, Scores):
        complain(f"{sample.pseudo.name}: {read.origin}")


def needed(name: str, value: Value | None) -> Value:
    """Return what an option was given, or say what forms the command takes."""
    if value is None:
        raise typer.BadParameter(
            f"--{name} is missing: name a dataset's TOML file; or --images, --pseudo and --out, "
            "with --masks where there are some; or --layout, --root and --out; or, to open one "
            "picture, --image and --pseudo"
        )
    return value
