"""What all commands share: `--quiet`, `--json`, Ctrl+C, an example in the help."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, NoReturn, Protocol, cast, get_args

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from typer.core import TyperCommand

from napari_sepl.cli._console import choose_output, complain
from napari_sepl.core.errors import InputError
from napari_sepl.core.stopping import STOPPED, interruptible, stopped

_SWITCHES = {
    "quiet": "Print errors only.",
    "json": "Print the result as JSON on standard output, and nothing else there.",
}


_BOUNDS = {"ge": "from", "gt": "above", "le": "to", "lt": "to below"}
_PATTERNS = {"string_pattern_mismatch": "the name of a folder, without slashes"}


class Command(Protocol):
    """A command of the command line."""

    epilog: str
    """What the help ends with."""

    def __call__(self, **values: Any) -> None:
        """Run the command with the values of its options."""


def command(example: str, *, json: bool = False) -> Callable[[Callable[..., int | None]], Command]:
    """Make a function a command: it returns the exit code, None for 0.

    Parameters
    ----------
    example : str
        A command line that does something useful, for the help.
    json : bool
        Whether it has the option `--json`.
    """
    switches = ["quiet", *(["json"] if json else [])]

    def decorate(function: Callable[..., int | None]) -> Command:
        def called(**values: Any) -> None:
            asked = {name: values.pop(name) for name in switches}
            choose_output(quiet=asked["quiet"], json=asked.get("json", False))
            try:
                with interruptible():
                    code = function(**values)
            except (KeyboardInterrupt, Exception) as error:
                by_signal = isinstance(error, KeyboardInterrupt) or stopped()
                if isinstance(error, typer.Exit) or not by_signal:
                    raise
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
    """Return `called` with the name and options of `function`, and more options.

    Parameters
    ----------
    function : callable
        Gives name, docstring and options.
    called : callable
        Takes the values of all options.
    added : iterable of Parameter
        More options, or an argument.
    without : str
        An option of `function` that `called` builds from the added ones.
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
    """Hide the value in the help of an option that has none."""
    kind, *options = get_args(annotation) or (annotation,)
    if options and kind in (bool, bool | None):
        options[0].metavar = ""


@contextmanager
def usage(option: str) -> Iterator[None]:
    """Report an InputError about the value of an option as wrong usage: exit code 2."""
    try:
        yield
    except InputError as error:
        message = f"{option}: found {error.found}; expected {error.expected}"
        raise typer.BadParameter(message) from error


def require_there(**named: Path | None) -> None:
    """Raise typer.BadParameter if a file or folder to read does not exist.

    Parameters
    ----------
    **named : Path or None
        Paths by the name of their option, with underscores, or of their argument, in capitals;
        None where it is not given.
    """
    for name, path in named.items():
        if path is not None and not _is_there(path):
            option = name if name.isupper() else f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{option}: no such file or folder: {path}")


def _is_there(path: Path) -> bool:
    """Return whether a path exists; one that cannot be checked fails when it is read."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def refuse_setting(
    error: ValidationError,
    fields: Mapping[str, FieldInfo],
    options: Mapping[str, str] | None = None,
) -> NoReturn:
    """Raise typer.BadParameter that names the option whose value is invalid.

    Parameters
    ----------
    error : ValidationError
        The error of the settings model.
    fields : mapping of str to FieldInfo
        The model's fields.
    options : mapping of str to str, optional
        Options whose names differ from those of their fields.
    """
    first = error.errors()[0]
    if not first["loc"]:
        raise typer.BadParameter(_without_prefix(first["msg"])) from error
    name = str(first["loc"][0])
    option = (options or {}).get(name, name).replace("_", "-")
    bounds: dict[str, Any] = {}
    for one in fields[name].metadata:
        bounds |= {key: value for key in _BOUNDS if (value := getattr(one, key, None)) is not None}
    expected = _in_words(bounds) or _PATTERNS.get(first["type"]) or _without_prefix(first["msg"])
    found = first["input"]
    raise typer.BadParameter(f"--{option}: found {found!r}; expected {expected}") from error


def _in_words(bounds: Mapping[str, float], number: str = "a number") -> str:
    """Return bounds such as {"ge": 0, "lt": 1} in words; empty for none."""
    if bounds.keys() == {"ge"}:
        return f"{number} of at least {bounds['ge']:g}"
    limits = [f"{words} {bounds[key]:g}" for key, words in _BOUNDS.items() if key in bounds]
    return " ".join((number, *limits)) if limits else ""


def _without_prefix(message: str) -> str:
    return message.removeprefix("Value error, ")


class PlainCommand(TyperCommand):
    """A command that reports invalid values in plain words and rejects empty ones."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return the arguments that are left, or raise typer.BadParameter."""
        given = list(args)  # before an empty path becomes the working directory
        try:
            left = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = _plain(error.message, error.param)
            raise
        values, _, _ = self.make_parser(ctx).parse_args(args=given)
        for option in cast("list[Any]", self.params):
            value = values.get(option.name)
            if value == "" or (isinstance(value, list | tuple) and "" in value):
                raise typer.BadParameter("found nothing; expected a value", ctx, option)
        return left


def _plain(message: str, option: object) -> str:
    """Return a validation error of an option in plain words."""
    if not message.startswith("Input should be"):
        return _without_prefix(message)
    low, high = getattr(option, "min", None), getattr(option, "max", None)
    bounds = {key: one for key, one in (("ge", low), ("le", high)) if one is not None}
    number = "a whole number" if "integer" in message else "a number"
    return f"expected {_in_words(bounds, number) or number}"
