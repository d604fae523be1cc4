"""Fixtures for all rooms."""

from pathlib import Path
from uuid import uuid4

import pytest

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.workflow.review.one_image import DATA
from tests.program import run
from tests.workflow.sweeping import write_samples

__all__ = ["run", "shared_data", "spec"]


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a user's data folder of its own, for the records of single images."""
    monkeypatch.setenv(DATA, str(tmp_path_factory.getbasetemp() / f"data-{uuid4().hex}"))


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Four samples of three classes, with ground truth and without an output folder."""
    return write_samples(tmp_path / "samples")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures, labels and masks, which may not be copied into the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing; it holds the real data this test reads")
    return folder
