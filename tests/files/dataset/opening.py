"""Indices of samples for the runs that do not start from pseudo-labels."""

from pathlib import Path
from typing import Any

from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec


def open_labels(labels: Path, *required: Role, **places: Any) -> SampleIndex:
    """Index a folder of labels, with images and pseudo-labels if given."""
    spec = DatasetSpec(out=labels, **places)
    optional = {Role.IMAGE, Role.TRUTH, Role.PSEUDO} - set(required)
    return SampleIndex.open(spec, (Role.LABELS, *required), optional, lead=Role.LABELS)


def open_images(images: Path, *required: Role, **places: Any) -> SampleIndex:
    """Index a folder of images; required pseudo-labels define the samples."""
    lead = Role.PSEUDO if Role.PSEUDO in required else Role.IMAGE
    spec = DatasetSpec(images=images, **places)
    return SampleIndex.open(spec, (Role.IMAGE, *required), (), lead=lead)


def open_masks(masks: Path) -> SampleIndex:
    """Index a folder of masks."""
    return SampleIndex.open(DatasetSpec(masks=masks), (Role.MASKS,), (), lead=Role.MASKS)
