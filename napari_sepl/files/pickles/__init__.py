"""Readers of pickled CAM files, which build arrays and plain values only."""

from napari_sepl.files.pickles.reading import SUFFIXES, holds_objects, read_pickled
from napari_sepl.files.pickles.torch_files import read_torch_file

__all__ = ["SUFFIXES", "holds_objects", "read_pickled", "read_torch_file"]
