"""The command `info`: what a file or folder is taken for, and the provenance of our own."""

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_sepl.cli._command import command, require_there
from napari_sepl.cli._console import give_json, say
from napari_sepl.core.analysis.provenance import NAMES
from napari_sepl.files.label_png import Provenance
from napari_sepl.workflow.describe import describe


@command("napari-sepl info labels/2007_000032.png", json=True)
def info_command(path: Annotated[Path, typer.Argument(help="A file or folder.")]) -> int:
    """Show what a file or folder is taken for: role, format, size, classes.

    Of a label file of napari-sepl also its provenance: settings, inputs, label sources.
    """
    require_there(PATH=path)
    found = describe(path)
    facts: list[tuple[str, object]] = [("taken for", found.taken_for), *found.facts]
    content: dict[str, Any] = {"taken_for": found.taken_for, "facts": _by_name(found.facts)}
    if found.own is not None:
        facts += _facts(found.own)
        content |= _content(found.own)
    for name, value in facts:
        say(f"{name:<15}{value}")
    give_json(content)
    return 0


def _by_name(facts: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in facts:
        found.setdefault(name, []).append(value)
    return found


def _facts(provenance: Provenance) -> list[tuple[str, object]]:
    params = provenance.params.model_dump(mode="json", exclude_none=True)
    return [
        ("made by", f"napari-sepl {provenance.version}"),
        *[("exported as", provenance.exported)] * bool(provenance.exported),
        ("sample", provenance.sample_id),
        *params.items(),
        ("classes", provenance.classes),
        *[("scores", provenance.scores)] * bool(provenance.scores),
        ("edited", "by a person" if provenance.edited else "no"),
        *_shares(provenance),
        *((f"{role} sha256", digest) for role, digest in sorted(provenance.digests.items())),
    ]


def _shares(provenance: Provenance) -> list[tuple[str, object]]:
    """Return the shares of the label sources."""
    whole = sum(provenance.sources.values())
    return [
        ("pixels", f"{100 * provenance.sources[source.name.lower()] / whole:.2f} % {name}")
        for source, name in NAMES.items()
        if provenance.sources.get(source.name.lower())
    ]


def _content(provenance: Provenance) -> dict[str, Any]:
    """Return the provenance for JSON."""
    return {
        "version": provenance.version,
        "exported": provenance.exported or None,
        "sample_id": provenance.sample_id,
        "params": provenance.params.model_dump(mode="json", exclude_none=True),
        "classes": provenance.classes,
        "scores": provenance.scores or None,
        "edited": provenance.edited,
        "sources": dict(provenance.sources),
        "digests": dict(provenance.digests),
    }
