"""A labels layer to a file, from napari's own Save dialog."""

from pathlib import Path
from typing import Any

from napari_sepl.core.classes import VOC
from napari_sepl.core.sepl import as_labels
from napari_sepl.files.label_png import write_label_png


def write_voc_png(path: str, data: Any, meta: dict[str, Any]) -> list[str]:  # noqa: ARG001
    """Write labels 0..255 as a palette PNG in the VOC colours, index = label."""
    write_label_png(Path(path), as_labels(data, "labels layer"), VOC, None)
    return [path]
