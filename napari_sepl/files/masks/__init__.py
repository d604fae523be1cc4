"""Reading and writing the masks of one image."""

from napari_sepl.files.masks.formats import MASK_FORMATS
from napari_sepl.files.masks.many import find_many, samples_in
from napari_sepl.files.masks.pictures import SUFFIXES as PICTURES
from napari_sepl.files.masks.reading import SUFFIXES, decode_masks, looks_like_masks, read_masks
from napari_sepl.files.masks.writing import encode_masks, mask_file, write_masks

__all__ = [
    "MASK_FORMATS",
    "PICTURES",
    "SUFFIXES",
    "decode_masks",
    "encode_masks",
    "find_many",
    "looks_like_masks",
    "mask_file",
    "read_masks",
    "samples_in",
    "write_masks",
]
