"""The command line: the one place that prints.

Commands that open the window import it inside the command: the others must start without Qt.
"""

import sys
from typing import Annotated

import typer

from napari_sepl import __version__
from napari_sepl.cli._console import complain
from napari_sepl.cli.convert import convert_command
from napari_sepl.cli.diagnose import diagnose_command
from napari_sepl.cli.enhance import enhance_command
from napari_sepl.cli.evaluate import evaluate_command
from napari_sepl.cli.export import export_command
from napari_sepl.cli.info import info_command
from napari_sepl.cli.masks import masks_command
from napari_sepl.cli.report import report_command
from napari_sepl.cli.sweep import sweep_command
from napari_sepl.cli.train import train_command
from napari_sepl.cli.window import demo_command, open_command
from napari_sepl.core.errors import SeplError

app = typer.Typer(
    name="napari-sepl",
    help="Turn rough class activation maps into precise segmentation labels, with SAM's masks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo_command)
app.command("open")(open_command)
app.command("masks")(masks_command)
app.command("convert-masks")(convert_command)
app.command("enhance")(enhance_command)
app.command("sweep")(sweep_command)
app.command("diagnose")(diagnose_command)
app.command("evaluate")(evaluate_command)
app.command("train")(train_command)
app.command("report")(report_command)
app.command("export")(export_command)
app.command("info")(info_command)


def main() -> None:
    """Run the command line; an expected error becomes one line on stderr and exit code 1."""
    try:
        app()
    except SeplError as error:
        complain(f"napari-sepl: {error}")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
