"""Fixtures for the tests of the command line."""

from pathlib import Path

import pytest

from napari_sepl.files.dataset.specification import DatasetSpec, write_dataset


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages and helps stand side by side, as on a wide screen."""
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def dataset(spec: DatasetSpec, tmp_path: Path) -> Path:
    """The samples' dataset as a TOML file."""
    write_dataset(tmp_path / "dataset.toml", spec)
    return tmp_path / "dataset.toml"
