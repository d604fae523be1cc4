"""What all commands share: `--quiet`, `--json`, Ctrl+C, an example in the help."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, Protocol, cast, get_args

import typer

from napari_sepl.cli._console import STOPPED, choose_output, complain
from napari_sepl.core.errors import InputError

_SWITCHES = {
    "quiet": "Print errors only.",
    "json": "Print the result as JSON on standard output, and nothing else there.",
}


class Command(Protocol):
    """A command of the command line."""

    epilog: str
    """What the help ends with."""

    def __call__(self, **told: Any) -> None:
        """Run the command with the values of its options."""


def command(example: str, *, json: bool = False) -> Callable[[Callable[..., int | None]], Command]:
    """Make a function a command: it returns the exit code, None for 0.

    Parameters
    ----------
    example : str
        A command line that does something useful, for the help.
    json : bool
        Whether it prints JSON where that is asked for.
    """
    switches = ["quiet", *(["json"] if json else [])]

    def decorate(function: Callable[..., int | None]) -> Command:
        def called(**told: Any) -> None:
            asked = {name: told.pop(name) for name in switches}
            choose_output(quiet=asked["quiet"], json=asked.get("json", False))
            try:
                code = function(**told)
            except KeyboardInterrupt:
                complain("Stopped.")
                raise typer.Exit(STOPPED) from None
            raise typer.Exit(code or 0)

        added = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=False,
                annotation=Annotated[bool, typer.Option(f"--{name}", help=_SWITCHES[name])],
            )
            for name in switches
        ]
        made = cast("Command", with_parameters(function, called, added))
        made.epilog = f"Example: {example}"
        return made

    return decorate


def with_parameters(
    function: Callable[..., Any],
    called: Callable[..., Any],
    added: Iterable[Parameter],
    without: str = "",
) -> Callable[..., Any]:
    """Return `called` under the name and with the options of `function`, and with some more.

    Parameters
    ----------
    function : callable
        Says name, docstring and options.
    called : callable
        Takes the values of all options.
    added : iterable of Parameter
        More options, or an argument.
    without : str
        An option of `function` that `called` makes of the added ones.
    """
    signature = inspect.signature(function, eval_str=True)
    own = [one for one in signature.parameters.values() if one.name != without]
    parameters = sorted([*own, *added], key=lambda one: one.kind)
    for one in parameters:
        _show_as_flag(one.annotation)
    wrapper = wraps(function)(called)
    wrapper.__dict__["__signature__"] = signature.replace(parameters=parameters)
    wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapper


def _show_as_flag(annotation: Any) -> None:
    """Let the help of an option that takes no value show none."""
    kind, *told = get_args(annotation)
    if kind in (bool, bool | None):
        told[0].metavar = ""


@contextmanager
def usage(option: str) -> Iterator[None]:
    """Make an error in what an option was given wrong usage, which ends with exit code 2."""
    try:
        yield
    except InputError as error:
        told = f"found {error.found}; expected {error.expected}"
        raise typer.BadParameter(f"{option}: {told}") from error
