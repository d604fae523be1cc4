"""Folders of empty files, for tests that only list them."""

from pathlib import Path
from typing import Any

from napari_sepl.files.dataset.specification import DatasetSpec

ROLES = ("images", "pseudo", "masks", "ground_truth")


def fill(folder: Path, *names: str) -> Path:
    """Make empty files in a folder, and folders for the names that end in a slash."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir(parents=True)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"")
    return folder


def spec_of(root: Path, **changes: Any) -> DatasetSpec:
    """Return a dataset with its folders in `root`; without ground truth unless given."""
    folders = {role: root / role for role in ("images", "pseudo", "masks", "out")}
    return DatasetSpec.model_validate(folders | changes)
