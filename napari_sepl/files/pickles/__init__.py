"""Pickled CAM files, read by an interpreter of pickles that can build arrays and nothing else."""

from napari_sepl.files.pickles.reading import SUFFIXES, holds_objects, read_pickled

__all__ = ["SUFFIXES", "holds_objects", "read_pickled"]
