"""Fixtures for the tests of the command line."""

import pytest


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages and helps stand side by side, as on a wide screen."""
    monkeypatch.setenv("COLUMNS", "160")
