"""Options that several commands share: settings, where samples are computed, the table to save."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import typer
from pydantic import BaseModel, ValidationError

from napari_sepl.cli._command import refuse_setting, with_parameters
from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Status
from napari_sepl.workflow.parallel.cluster import ADDRESS, Cluster
from napari_sepl.workflow.parallel.processes import Executor, Processes
from napari_sepl.workflow.review.selection import Choice


def setting(name: str, shown: str = "") -> Any:
    """Return the option for a field of Params, with its help and bounds.

    Parameters
    ----------
    name : str
        The field.
    shown : str
        The default in the help, if it differs from the option's.
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


def takes_settings(
    model: type[BaseModel],
    option: Callable[[str], Any],
    without: str = "",
    defaults: Mapping[str, object] | None = None,
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Give a command the fields of a model as options; its parameter `given` has those given.

    Parameters
    ----------
    model : type of BaseModel
        The settings.
    option : callable
        Returns the option for a field.
    without : str
        A field that is no option, or that the command declares itself.
    defaults : mapping of str to object, optional
        What fields are where they are not given; shown in the help.
    """
    names = [name for name in model.model_fields if name != without]

    def parameter(name: str) -> Parameter:
        kind: Any = model.model_fields[name].annotation
        default = (defaults or {}).get(name)
        if get_origin(kind) is tuple:
            kind, default = list[get_args(kind)[0]], None  # type: ignore[misc]
        annotation = Annotated[kind | None, option(name)]
        return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    def decorate(function: Callable[..., int | None]) -> Callable[..., int | None]:
        def called(**values: Any) -> int | None:
            options = {name: values.pop(name) for name in names}
            given = {name: value for name, value in options.items() if value is not None}
            return function(given=given, **values)

        return with_parameters(function, called, map(parameter, names), without="given")

    return decorate


EDITED = "edited files or files of other programs"


def overwriting(does: str, never: str = "files of other programs") -> Any:
    """Return the option --overwrite; the help states what it does and never replaces."""
    return typer.Option("--overwrite", help=f"{does}; never {never}.")


def params_of(**settings: object) -> Params:
    """Return the settings, or raise typer.BadParameter for one out of bounds."""
    try:
        return Params.model_validate(settings)
    except ValidationError as error:  # the bounds of an option let "nan" pass
        refuse_setting(error, Params.model_fields)


Place = TypeVar("Place", Path, Path | None)

Device = Annotated[
    str | None, typer.Option(help="auto, cuda, cuda:N, mps or cpu.", show_default="auto")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, help="Processes; more than one is faster from a few hundred images on."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Dask scheduler, such as tcp://10.0.0.1:8786, whose workers see the same files.",
    ),
]


def choose_executor(workers: int | None, scheduler: str | None) -> Executor:
    """Return the executor for these options."""
    if scheduler is None:
        return Processes(workers or 1)
    if workers is not None:
        raise typer.BadParameter(
            "--workers: a Dask scheduler has its own workers; leave one of them out"
        )
    if not ADDRESS.fullmatch(scheduler):
        expected = "an address such as tcp://10.0.0.1:8786"
        raise typer.BadParameter(f"--scheduler: found {scheduler!r}; expected {expected}")
    return Cluster(scheduler)


def seen(scheduler: str | None, place: Place) -> Place:
    """Return a path that workers in another working directory can use."""
    return place if scheduler is None or place is None else place.absolute()


def seen_dataset(scheduler: str | None, spec: DatasetSpec) -> DatasetSpec:
    """Return a dataset with paths that workers in another working directory can use."""
    places = {name: seen(scheduler, value) for name, value in spec if isinstance(value, Path)}
    return spec.model_copy(update=places)


Overwrite = Annotated[
    bool, overwriting("Replace an existing result of the same command, even an edited one")
]
"""The option of the commands that write tables or a page."""


def resumable_table(about: str) -> Any:
    """Return the option --table of a command that resumes a stopped run."""
    return typer.Option(help=f"{about} With it, the same command resumes a stopped run.")


def check_ending(option: str, path: Path | None, what: str, *endings: str) -> None:
    """Raise typer.BadParameter unless the name of a file to write ends as `what` it becomes."""
    if path is not None and path.suffix.lower() not in endings:
        raise typer.BadParameter(
            f"{option} does not end in {' or '.join(endings)}: {path}; {what} is written"
        )


class OutdatedUse(StrEnum):
    """What becomes of labels whose inputs changed since the review."""

    LEAVE_OUT = "leave-out"
    KEEP = "keep"


_PANEL = "Review (where the folder of labels has a record)"

Statuses = Annotated[
    list[Status] | None,
    typer.Option(
        "--status",
        help="Status of the reviewed samples to use, accepted by default; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
Unreviewed = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Use unreviewed label files too: those of enhance for samples that nobody touched.",
        rich_help_panel=_PANEL,
    ),
]
Outdated = Annotated[
    OutdatedUse,
    typer.Option(
        help="Samples whose images, pseudo-labels or masks changed since the review; keep uses "
        "the labels as accepted.",
        rich_help_panel=_PANEL,
    ),
]
"""The options of all commands that use labels."""


def choose_labels(statuses: list[Status] | None, unreviewed: bool, outdated: OutdatedUse) -> Choice:
    """Return which labels these options choose."""
    which = frozenset(statuses or (Status.ACCEPTED,))
    return Choice(which, unreviewed=unreviewed, outdated=outdated is OutdatedUse.KEEP)
