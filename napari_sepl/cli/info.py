"""The command `info`: how a label file was made."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import complain
from napari_sepl.core.provenance import NAMES
from napari_sepl.files.label_png import Provenance, read_provenance


def info_command(file: Annotated[Path, typer.Argument(help="A label PNG.")]) -> None:
    """Tell how a label file was made."""
    provenance = read_provenance(file)
    if provenance is None:
        complain(f"{file}: napari-sepl did not write this file; it tells nothing of its making.")
        raise typer.Exit(1)
    for name, value in _facts(provenance):
        typer.echo(f"{name:<15}{value}")


def _facts(provenance: Provenance) -> list[tuple[str, object]]:
    params = provenance.params.model_dump(mode="json", exclude_none=True)
    return [
        ("made by", f"napari-sepl {provenance.version}"),
        ("sample", provenance.sample_id),
        *params.items(),
        ("classes", provenance.classes),
        *[("scores", provenance.scores)] * bool(provenance.scores),
        ("edited", "by a person" if provenance.edited else "no"),
        *_shares(provenance),
        *((f"{role} sha256", digest) for role, digest in sorted(provenance.digests.items())),
    ]


def _shares(provenance: Provenance) -> list[tuple[str, object]]:
    """Return which part of the pixels came from where."""
    whole = sum(provenance.sources.values())
    return [
        ("pixels", f"{100 * provenance.sources[source.name.lower()] / whole:.2f} % {name}")
        for source, name in NAMES.items()
        if provenance.sources.get(source.name.lower())
    ]
