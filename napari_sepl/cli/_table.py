"""The table that a command saves."""

from pathlib import Path

import typer


def check_csv(out: Path | None) -> None:
    """Refuse a table to write that is not named as one."""
    if out is not None and out.suffix.lower() != ".csv":
        raise typer.BadParameter(f"--out: {out} does not end in .csv")
