"""The table that a command saves."""

from pathlib import Path

import typer


def check_table_name(table: Path | None) -> None:
    """Refuse a table to write that is not named as one."""
    if table is not None and table.suffix.lower() != ".csv":
        raise typer.BadParameter(f"--table: {table} does not end in .csv")
