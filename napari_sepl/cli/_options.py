"""Options that several commands share: settings, where samples are worked on, the table to save."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from napari_sepl.cli._command import refuse_setting
from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.parallel.cluster import ADDRESS, Cluster
from napari_sepl.workflow.parallel.processes import Executor, Processes


def setting(name: str, shown: str = "") -> Any:
    """Return the option for a field of Params, with its help and bounds.

    Parameters
    ----------
    name : str
        The field.
    shown : str
        What the help says of the default, where that is not the option's own.
    """
    field = Params.model_fields[name]
    bounds = {
        option: value
        for bound in field.metadata
        for option, value in (
            ("min", getattr(bound, "ge", None)),
            ("max", getattr(bound, "le", None)),
        )
        if value is not None
    }
    return typer.Option(f"--{name}", help=field.description, show_default=shown or True, **bounds)


def overwriting(does: str, never: str = "what another program wrote") -> Any:
    """Return the option --overwrite, with what it does in a command and what it never replaces."""
    return typer.Option("--overwrite", help=f"{does}; never {never}.")


def params_of(**settings: object) -> Params:
    """Return the settings that options name, or say which is out of bounds."""
    try:
        return Params.model_validate(settings)
    except ValidationError as error:  # what the options' bounds let through: "nan"
        refuse_setting(error, Params.model_fields)


Place = TypeVar("Place", Path, Path | None)

Workers = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Processes; a second one pays from some hundred images."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, such as tcp://10.0.0.1:8786, whose workers see the same files.",
    ),
]


def choose_executor(workers: int | None, scheduler: str | None) -> Executor:
    """Return where samples are worked on."""
    if scheduler is None:
        return Processes(workers or 1)
    if workers is not None:
        raise typer.BadParameter("--workers: a Dask scheduler has its own; leave one of them out")
    if not ADDRESS.fullmatch(scheduler):
        expected = "an address such as tcp://10.0.0.1:8786"
        raise typer.BadParameter(f"--scheduler: found {scheduler!r}; expected {expected}")
    return Cluster(scheduler)


def seen(scheduler: str | None, place: Place) -> Place:
    """Return a path as the workers of a scheduler see it, which may stand in another folder."""
    return place if scheduler is None or place is None else place.absolute()


def seen_dataset(scheduler: str | None, spec: DatasetSpec) -> DatasetSpec:
    """Return a dataset whose paths are as the workers of a scheduler see them."""
    places = {name: seen(scheduler, value) for name, value in spec if isinstance(value, Path)}
    return spec.model_copy(update=places)


Overwrite = Annotated[
    bool, overwriting("Replace a result of the same command that exists, edited or not")
]
"""The option of all commands whose result is one table, with those beside it, or one page."""


def check_table_name(table: Path | None) -> None:
    """Refuse a table to write that is not named as one."""
    if table is not None and table.suffix.lower() != ".csv":
        raise typer.BadParameter(f"--table: {table} does not end in .csv")
