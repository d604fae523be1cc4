"""Readers of pickled CAM files, which build arrays and plain values only."""

from napari_sepl.files.pickles.reading import SUFFIXES, holds_objects, read_pickled

__all__ = ["SUFFIXES", "holds_objects", "read_pickled"]
