"""Formats that labels leave in: a file for each, all behind `Format`."""

from napari_sepl.files.exports.arrays import IndexPng, Npy, SoftNpz
from napari_sepl.files.exports.base import Format
from napari_sepl.files.exports.coco import Coco
from napari_sepl.files.exports.labelme import Labelme
from napari_sepl.files.exports.settings import FormatName
from napari_sepl.files.exports.voc import Voc
from napari_sepl.files.exports.yolo import Yolo

FORMATS: dict[FormatName, Format] = {
    FormatName.VOC: Voc(),
    FormatName.PNG: IndexPng(),
    FormatName.NPY: Npy(),
    FormatName.COCO: Coco(polygons=False),
    FormatName.COCO_POLYGONS: Coco(polygons=True),
    FormatName.YOLO: Yolo(),
    FormatName.LABELME: Labelme(masks=False),
    FormatName.LABELME_MASKS: Labelme(masks=True),
    FormatName.SOFT: SoftNpz(),
}
"""What writes each format."""
