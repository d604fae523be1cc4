"""The formats of exports, each an `ExportFormat`."""

from napari_sepl.files.exports.base import ExportFormat, ExportSettings
from napari_sepl.files.exports.coco import Coco
from napari_sepl.files.exports.folders import Folders
from napari_sepl.files.exports.label_maps import IndexPng, Npy, SoftNpz, Voc
from napari_sepl.files.exports.labelme import Labelme
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
        Folders(),
        Labelme(masks=False),
        Labelme(masks=True),
        SoftNpz(),
    )
}
"""All formats by name, in the order they are offered in."""


def describe_setting(name: str) -> str:
    """Return the description of a field of `ExportSettings`, after the formats that use it."""
    formats = formats_with(name)
    text = ExportSettings.model_fields[name].description or ""
    return f"{', '.join(formats)}: {text[:1].lower()}{text[1:]}" if formats else text


def formats_with(name: str) -> list[str]:
    """Return the formats that use a field of `ExportSettings`; none if all do."""
    return [one.name for one in EXPORT_FORMATS.values() if name in one.options]
