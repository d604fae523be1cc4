"""A store of a review, and a place for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_sepl.files.store import Store, entry_of, store_file
from tests.files.hostile import STROKE
from tests.files.test_store import EVERYTHING


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a store, in a folder of its own."""
    (tmp_path / "out").mkdir()
    return store_file(tmp_path / "out")


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store without reviews."""
    with Store.open(path, who="ana") as opened:
        yield opened


@pytest.fixture
def made(path: Path) -> Path:
    """A store with one whole review and its log, which was closed."""
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING, [entry_of(STROKE)])
        store.put_session({"sample": "a"})
    return path
