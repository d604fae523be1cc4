"""Formats that labels leave in: a file for each, all behind `ExportFormat`."""

from napari_sepl.files.exports.arrays import IndexPng, Npy, SoftNpz
from napari_sepl.files.exports.base import ExportFormat, ExportSettings
from napari_sepl.files.exports.coco import Coco
from napari_sepl.files.exports.labelme import Labelme
from napari_sepl.files.exports.voc import Voc
from napari_sepl.files.exports.yolo import Yolo

EXPORT_FORMATS: dict[str, ExportFormat] = {
    one.name: one
    for one in (
        Voc(),
        IndexPng(),
        Npy(),
        Coco(polygons=False),
        Coco(polygons=True),
        Yolo(),
        Labelme(masks=False),
        Labelme(masks=True),
        SoftNpz(),
    )
}
"""All formats by name, in the order they are offered in."""


def describe_setting(name: str) -> str:
    """Return what a field of `ExportSettings` says, with the formats that have a use for it."""
    formats = formats_with(name)
    text = ExportSettings.model_fields[name].description or ""
    return f"{', '.join(formats)}: {text[:1].lower()}{text[1:]}" if formats else text


def formats_with(name: str) -> list[str]:
    """Return the formats that have a use for a field of `ExportSettings`; none if all have."""
    return [one.name for one in EXPORT_FORMATS.values() if name in one.options]
