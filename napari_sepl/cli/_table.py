"""The table that a command saves."""

from pathlib import Path

import typer

from napari_sepl.files.atomic import make_folder


def prepare_table(table: Path | None) -> None:
    """Refuse a table to write that is not named as one; make its folder."""
    if table is None:
        return
    if table.suffix.lower() != ".csv":
        raise typer.BadParameter(f"--table: {table} does not end in .csv")
    make_folder(table.parent)
