"""The options that say where samples are worked on, the same for all commands that take them."""

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.spread.cluster import ADDRESS, Cluster
from napari_sepl.workflow.spread.processes import Processes
from napari_sepl.workflow.spread.spread import Spread

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


def choose_spread(workers: int | None, scheduler: str | None) -> Spread:
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
