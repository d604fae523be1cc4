"""How a command line names a dataset: by its TOML file or folder, its folders, or a layout.

The options are the fields of `DatasetSpec`, so a new key is declared only there; each command
lists the fields that it reads.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
import typer
from numpy.typing import NDArray

from napari_sepl.cli._command import require_there, usage, with_parameters
from napari_sepl.cli._console import note, note_unused
from napari_sepl.core.errors import attempt
from napari_sepl.core.labels.classes import BUILT_IN
from napari_sepl.core.labels.scores import Scores
from napari_sepl.files._opening import expanded
from napari_sepl.files.class_lists import check_class_list
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.layouts import LAYOUTS, find_layout, layout, voc_folders
from napari_sepl.files.dataset.numbers import check_numbers
from napari_sepl.files.dataset.specification import (
    SUFFIX_OF,
    DatasetSpec,
    looks_like_dataset,
    read_dataset,
)
from napari_sepl.files.images import image_size
from napari_sepl.files.pseudo import read_pseudo
from napari_sepl.files.scores import AUTO, PSEUDO_FORMATS, check_format

Labels = Annotated[
    Path | None, typer.Option(help="Folder of label files to read instead of --out.")
]
"""The option of the commands that read labels."""

LAYOUT_OPTIONS: Mapping[str, tuple[Any, str]] = {
    "layout": (str, f"Folders by their usual names in --root: {' or '.join(LAYOUTS)}."),
    "root": (Path, "Folder of the layout, such as VOCdevkit/VOC2012."),
    "split": (str, "Part of the layout, such as train."),
}
"""The options that name a layout, with their types and helps."""

_MORE = {"pseudo_format": f" One of {', '.join((AUTO, *PSEUDO_FORMATS))}."}


@dataclass(frozen=True)
class NamedDataset:
    """The dataset that a command line names.

    Parameters
    ----------
    spec : DatasetSpec
        Where its files are.
    name : str
        Its name in titles.
    root : Path, optional
        The folder of its layout, if it has one.
    """

    spec: DatasetSpec
    name: str
    root: Path | None = None


@dataclass(frozen=True)
class DatasetOptions:
    """The options of a command that name a dataset.

    Parameters
    ----------
    place : Path or None
        The argument: a TOML file or a folder.
    values : mapping of str to object
        The options: fields of `DatasetSpec`, and "layout", "root" and "split"; None where one is
        not given.
    reads, needs : collection of str
        The fields that the command reads, and those that it requires.
    makes : collection of str
        Those whose folders need not exist.
    """

    place: Path | None
    values: Mapping[str, Any]
    reads: Collection[str]
    needs: Collection[str]
    makes: Collection[str]

    def find(self) -> NamedDataset:
        """Return the dataset; options replace keys of the TOML file.

        Raises
        ------
        typer.BadParameter
            If an option is missing, or conflicts with another.
        InputError
            If the TOML file cannot be read, or a folder of the layout is not found.
        """
        self._check_names()
        named = self._named()
        for key in self.needs:
            if getattr(named.spec, key) is None:
                self.miss(key)
        self._require_there(masks_to_come=named.spec.masks_to_come)
        return named

    def find_with_labels(self, labels: Path | None) -> NamedDataset:
        """Return the dataset, as `find` does, whose labels are in a folder, by default in --out."""
        named = self.find()
        require_there(labels=labels)
        if labels is None and named.spec.out is None:
            self.miss("out")
        return named

    def one_image(self) -> dict[str, Any]:
        """Return the options as the files of one image.

        Raises
        ------
        typer.BadParameter
            If the pseudo-labels are missing, or an option is for a dataset alone.
        """
        self._check_names()
        given = [key for key, value in self.values.items() if value is not None]
        for key in ("images", "image_labels", "list_file", *SUFFIX_OF.values(), *LAYOUT_OPTIONS):
            if key in given:
                name = option_of(key) if key in DatasetSpec.model_fields else f"--{key}"
                raise typer.BadParameter(f"{name} is for a dataset; it cannot be used with --image")
        if self.place is not None:
            raise typer.BadParameter(f"a dataset cannot be used with --image: {self.place}")
        if "pseudo" not in given:
            raise typer.BadParameter("--pseudo is missing: the pseudo-labels of the --image")
        self._require_there()
        return self._given

    def miss(self, key: str) -> NoReturn:
        """Raise typer.BadParameter that names a missing option and the ways to give it."""
        place = self.place or self.values["root"]
        if place is not None:
            file = self._file_of(place)
            word = "labels" if key == "out" else key
            name = DatasetSpec.model_fields[key].alias or key
            line = "" if file is None else f', or the line {name} = "{word}" to {file}'
            raise typer.BadParameter(
                f"{option_of(key)} is missing: add {option_of(key)} FOLDER{line}"
            )
        folders = _needed(self.reads, self.needs) or "--images, --pseudo, --out"
        raise typer.BadParameter(
            f"{option_of(key)} is missing. Name a dataset's TOML file, or a folder that contains "
            f"one or a known layout; or its folders: {folders}; or --layout and --root."
        )

    def _check_names(self) -> None:
        """Raise typer.BadParameter for an unknown format, layout or class list."""
        with usage("--pseudo-format"):
            check_format(self.values.get("pseudo_format") or AUTO)
        name = self.values["layout"]
        if name not in (None, *LAYOUTS):
            raise typer.BadParameter(f"--layout: found {name!r}; expected {' or '.join(LAYOUTS)}")
        classes = self.values.get("classes")
        if classes is not None:
            with usage("--classes"):
                check_class_list(classes)

    def _require_there(self, *, masks_to_come: bool = False) -> None:
        """Raise typer.BadParameter if a file or folder to read does not exist."""
        made = {*self.makes, *(("masks",) if masks_to_come else ())}
        for key, value in self._given.items():
            if isinstance(value, Path) and key not in made:
                require_there(**{option_of(key).removeprefix("--"): value})
        classes = self._given.get("classes", "voc")
        if classes not in BUILT_IN:
            require_there(classes=Path(classes))

    def _named(self) -> NamedDataset:
        root = self.values["root"]
        if self.place is not None and root is not None:
            raise typer.BadParameter(
                f"--root: the dataset is named already: {self.place}; leave one of them out"
            )
        place = self.place or root
        if place is None:
            self._refuse_layout("there is no --root")
            spec = DatasetSpec.model_validate(self._given)
            return NamedDataset(spec, (spec.images or Path("dataset")).name)
        if not place.exists():
            raise typer.BadParameter(f"no such file or folder: {place}")
        file = self._file_of(place)
        if file is None:
            return self._in_layout(place)
        self._refuse_layout(f"the dataset is described by {file}")
        return NamedDataset(self._replaced(read_dataset(file)), file.stem)

    @property
    def _given(self) -> dict[str, Any]:
        """The fields that are given by options."""
        options = self.values.items()
        return {
            key: value for key, value in options if value is not None and key not in LAYOUT_OPTIONS
        }

    def _file_of(self, place: Path) -> Path | None:
        """Return the TOML file of the dataset; None for a layout."""
        if not place.is_dir():
            return place
        if self.values["layout"] is not None:
            return None
        files = [file for file in sorted(place.glob("*.toml")) if looks_like_dataset(file)]
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            raise typer.BadParameter(f"contains several datasets: {place}; name one of {names}")
        return files[0] if files else None

    def _in_layout(self, root: Path) -> NamedDataset:
        name = self.values["layout"] or find_layout(root)
        if name is None:
            raise typer.BadParameter(
                f"no dataset's TOML file and no known layout: {root} (voc: JPEGImages; "
                "coco: train2017 and others). Name its folders by options."
            )
        if name == "voc" and self.values["split"] is not None:
            with usage("--split"):
                voc_folders(root, self.values["split"])
        looked_for = [key for key in self.reads if key not in self._given]
        spec = layout(
            name,
            root,
            split=self.values["split"],
            look_for=looked_for,
            needs=self.needs,
            **self._given,
        )
        return NamedDataset(spec, root.resolve().name, root)

    def _replaced(self, spec: DatasetSpec) -> DatasetSpec:
        """Return a dataset with options in place of its keys.

        Masks that are not named follow the output folder.
        """
        kept = spec.model_dump()
        if spec.masks_to_come:
            del kept["masks"]
        return DatasetSpec.model_validate(kept | self._given)

    def _refuse_layout(self, why: str) -> None:
        for name in ("layout", "split"):
            if self.values[name] is not None:
                raise typer.BadParameter(f"--{name}: {why}; leave it out")


def takes_dataset(
    *reads: str, needs: Collection[str] = (), makes: Collection[str] = ("out",)
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Give a command the argument and the options of a dataset, as its parameter `dataset`.

    Parameters
    ----------
    *reads : str
        The fields of `DatasetSpec` that the command reads and offers as options.
    needs : collection of str
        Those that it requires.
    makes : collection of str
        Those whose folders it makes if they do not exist.
    """
    offered = {*reads, *(SUFFIX_OF[name] for name in reads if name in SUFFIX_OF)}
    names = [name for name in DatasetSpec.model_fields if name in offered]
    unread = [name for name in DatasetSpec.model_fields if name not in offered]
    panel = _panel(reads, needs)
    added = [
        _argument(),
        *(_option(name, panel, reads) for name in names),
        *(_layout_option(name, panel) for name in LAYOUT_OPTIONS),
        *map(_unread_option, unread),
    ]

    def decorate(function: Callable[..., int | None]) -> Callable[..., int | None]:
        def called(place: Path | None, **options: Any) -> int | None:
            for name in unread:
                if options.pop(name) is not None:
                    raise typer.BadParameter(f"this command does not take {option_of(name)}")
            values = {name: _at_home(options.pop(name)) for name in (*names, *LAYOUT_OPTIONS)}
            return function(dataset=DatasetOptions(place, values, names, needs, makes), **options)

        return with_parameters(function, called, added, without="dataset")

    return decorate


def _at_home(value: object) -> object:
    """Return an option's path with the home folder for ``~``, which shells leave in --out=~/a."""
    if isinstance(value, Path) and str(value).startswith("~"):
        return expanded(value, Path("~"), "a home folder")
    return value


def option_of(key: str) -> str:
    """Return the option that names a field of `DatasetSpec`."""
    return f"--{(DatasetSpec.model_fields[key].alias or key).replace('_', '-')}"


def _argument() -> Parameter:
    about = (
        "TOML file of a dataset, or a folder that contains one or a known layout. Each dataset "
        "option replaces a key of the file for this run."
    )
    annotation = Annotated[Path | None, typer.Argument(metavar="DATASET", help=about)]
    return Parameter("place", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation)


def _option(name: str, panel: str, reads: Collection[str]) -> Parameter:
    field = DatasetSpec.model_fields[name]
    kind = _kind(name)
    about = f"{field.description}{_MORE.get(name, '')}"
    if name == "masks" and "out" in reads:
        about = f"{about} Default: masks/ in --out, where `napari-sepl masks` writes."
    shown = f"{field.default}, or the file's" if kind is str and field.default else False
    return _parameter(name, kind, option_of(name), about, panel, shown)


def _kind(name: str) -> Any:
    """Return the type of an option: text, a path, or a switch."""
    annotation = DatasetSpec.model_fields[name].annotation
    if annotation == bool | None:
        return bool
    return Path if annotation in (Path, Path | None) else str


def _unread_option(name: str) -> Parameter:
    """Return a hidden option of other commands, to reject it by name."""
    kind: Any = bool if _kind(name) is bool else str
    annotation = Annotated[kind | None, typer.Option(option_of(name), hidden=True)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _layout_option(name: str, panel: str) -> Parameter:
    kind, about = LAYOUT_OPTIONS[name]
    return _parameter(name, kind, f"--{name}", about, panel)


def _parameter(
    name: str, kind: Any, option: str, about: str, panel: str, shown: str | bool = False
) -> Parameter:
    info = typer.Option(option, help=about, rich_help_panel=panel, show_default=shown)
    annotation = Annotated[kind | None, info]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _panel(reads: Collection[str], needs: Collection[str]) -> str:
    """Return the title of the options; it lists those that are required without a file."""
    return f"Dataset (without a file: {_needed(reads, needs)})" if needs else "Dataset"


def _needed(reads: Collection[str], needs: Collection[str]) -> str:
    """Return the options that a command requires; masks may be in the output folder."""
    if "masks" in needs and "out" in needs:
        needs = [key for key in needs if key != "masks"]
    either = "masks" in needs and "out" in reads
    return ", ".join(
        f"{option_of(key)} or --out" if key == "masks" and either else option_of(key)
        for key in needs
    )


def note_scores(index: SampleIndex, background: float | None) -> None:
    """Print the format that was detected for the first sample's scores.

    Where it has a label map instead, print that `background` has no effect, if it is given. An
    unreadable file is reported when the run reaches it.

    Raises
    ------
    InputError
        If the first label maps have labels of another built-in class list.
    """
    check_numbers(index)
    if index.classes.from_0:
        note(f"labels count from 1: 0 of the files, {index.classes.names[1]}, is 1")
    path, image = (index.path(role, index.ids[0]) for role in (Role.PSEUDO, Role.IMAGE))
    if path is None:
        return

    def read_first() -> NDArray[np.uint8] | Scores:
        shape = None if image is None else image_size(image)
        style, first = index.spec.pseudo_format, index.ids[0]
        return read_pseudo(path, style, sample_id=first, shape=shape, classes=index.classes)

    read = attempt(read_first, lambda _: None, path)
    if read is None:
        return
    if isinstance(read, Scores):
        note(f"{path.name}: {read.origin}")
    elif background is not None:
        note(f"--background has no effect on label maps, only on scores: {path} is a label map")


def note_index(index: SampleIndex, lacking: str | None = None) -> None:
    """Print by which suffixes files were found to pair, and what was not used for want of a file.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    lacking : str, optional
        What the unused ones lack.
    """
    if index.suffixes:
        note(index.suffixes)
    if lacking is not None:
        note_unused(index.unused, lacking)
