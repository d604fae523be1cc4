"""The table or page that a command saves."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._settings import overwriting

Overwrite = Annotated[
    bool, overwriting("Replace a result of the same command that exists, edited or not")
]
"""The option of all commands whose result is one table, with those beside it, or one page."""


def check_table_name(table: Path | None) -> None:
    """Refuse a table to write that is not named as one."""
    if table is not None and table.suffix.lower() != ".csv":
        raise typer.BadParameter(f"--table: {table} does not end in .csv")
