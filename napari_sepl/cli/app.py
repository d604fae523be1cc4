"""The commands; each is imported only when it is needed, and Qt only by those with a window."""

import os
import sys
from collections.abc import Collection, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from typing import Annotated, TextIO, cast

import typer

from napari_sepl import __version__
from napari_sepl.cli._command import PlainCommand
from napari_sepl.cli._console import FAILED, StandardOutput, complain
from napari_sepl.core.errors import SeplError

COMMANDS = {
    "demo": "window",
    "open": "window",
    "init": "init",
    "masks": "masks",
    "convert-masks": "convert",
    "enhance": "enhance",
    "sweep": "sweep",
    "diagnose": "diagnose",
    "evaluate": "evaluate",
    "train": "train",
    "report": "report",
    "export": "export",
    "status": "status",
    "info": "info",
}
"""The commands in the order of the help, and their modules."""


def make_app(names: Collection[str] = tuple(COMMANDS)) -> typer.Typer:
    """Return the command line with some of its commands."""
    app = typer.Typer(
        name="napari-sepl",
        help="Turn rough class activation maps into precise segmentation labels, with SAM's masks.",
        epilog="napari-sepl COMMAND --help describes a command and shows an example.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in names:
        module = import_module(f"napari_sepl.cli.{COMMANDS[name]}")
        function = getattr(module, f"{name.partition('-')[0]}_command")
        app.command(name, cls=PlainCommand, epilog=function.epilog)(function)
    app.callback(invoke_without_command=True)(_version)
    return app


def run() -> None:
    """Run the command line; an expected error is one line and exit code 1."""
    _reopen_closed_outputs()
    output = StandardOutput(sys.stdout)
    with redirect_stdout(cast("TextIO", output)):
        try:
            make_app(_needed(sys.argv[1:]))()
        except SeplError as error:
            complain(f"napari-sepl: {error}")
            sys.exit(FAILED)
        except SystemExit as ended:
            sys.exit(ended.code or (FAILED if output.failed else 0))


def _reopen_closed_outputs() -> None:
    """Redirect an output that the shell closed to the null device.

    Otherwise the next file that is opened gets its descriptor, and the printed text.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def _needed(words: Sequence[str]) -> Collection[str]:
    """Return the commands that these arguments may need."""
    completing = any(name.endswith("_SEPL_COMPLETE") for name in os.environ)
    asked = words[0] if words and not completing else ""
    if asked == "--version":
        return ()
    return [asked] if asked in COMMANDS else tuple(COMMANDS)


def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
