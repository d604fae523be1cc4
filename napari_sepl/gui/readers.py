"""Mask files and folders dropped on the viewer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_sepl.files.dataset.specification import looks_like_dataset, read_dataset
from napari_sepl.files.masks import looks_like_masks, read_masks
from napari_sepl.gui.sources import MASKS_KEY

LayerTuple = tuple[Any, dict[str, Any], str]


def get_mask_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerTuple]] | None:
    """Return a reader for COCO RLE JSON files and folders that amg.py wrote, else None."""
    paths = [path] if isinstance(path, str) else path
    return _read if all(looks_like_masks(Path(p)) for p in paths) else None


def get_dataset_reader(path: str | list[str]) -> Callable[[str | list[str]], list[Any]] | None:
    """Return a reader that opens a dataset's TOML file in the queue, else None."""
    if not isinstance(path, str) or not looks_like_dataset(Path(path)):
        return None
    return _open_dataset


def _open_dataset(path: str | list[str]) -> list[Any]:
    """Open the dataset; it brings its own layers, and the reader none."""
    from napari_sepl.gui.commands import widget_of_current_viewer  # noqa: PLC0415

    widget = widget_of_current_viewer()
    widget.open_dataset(read_dataset(Path(str(path))))
    return [(None,)]


def _read(path: str | list[str]) -> list[LayerTuple]:
    return [_layer(Path(p)) for p in ([path] if isinstance(path, str) else path)]


def _layer(path: Path) -> LayerTuple:
    """Show masks as one labels layer, the smallest on top; all of them go along in metadata."""
    masks = read_masks(path)
    shown = {
        "name": f"{path.stem} masks",
        "metadata": {MASKS_KEY: masks},
        "features": {
            "index": range(len(masks) + 1),
            "area": [0, *masks.areas.tolist()],
            "predicted_iou": [float("nan"), *masks.scores.predicted_iou.tolist()],
            "stability_score": [float("nan"), *masks.scores.stability_score.tolist()],
        },
    }
    return masks.topmost(), shown, "labels"
