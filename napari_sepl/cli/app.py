"""The commands and how they are found; each is imported only when it is needed.

Commands that open the window import it inside the command: the others must start without Qt.
"""

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
    "info": "info",
}
"""The commands in the order of the help, and the modules that hold them."""


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
    """Run the words of the command line; an expected error is one line and exit code 1."""
    _open_what_is_closed()
    output = StandardOutput(sys.stdout)
    with redirect_stdout(cast("TextIO", output)):
        try:
            make_app(_needed(sys.argv[1:]))()
        except SeplError as error:
            complain(f"napari-sepl: {error}")
            sys.exit(FAILED)
        except SystemExit as ended:
            sys.exit(ended.code or (FAILED if output.failed else 0))


def _open_what_is_closed() -> None:
    """Write nowhere what goes to an output that the shell closed, which Python makes None.

    Its number stays taken as well: else the next file that is opened gets what is printed.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def _needed(words: Sequence[str]) -> Collection[str]:
    """Return the commands that these words may ask for."""
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
