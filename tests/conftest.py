"""Fixtures for all rooms."""

from pathlib import Path

import pytest

from tests.program import run

__all__ = ["run", "shared_data"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures, labels and masks, which may not be copied into the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing; it holds the real data this test reads")
    return folder
