"""What a dataset under review knows of the label files in its folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from napari_sepl import Params
from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.workflow.enhance import label_file
from napari_sepl.workflow.review.reviewing import Reviewing
from tests.files.making import random_labels, save_image
from tests.workflow.reviewed import Session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Two saved samples, the second of which was edited since it was saved."""
    session = Session(tmp_path)
    session.review("a2", Params())
    edited = session.review("a10", Params(t1=0.3))
    session.store.put_review(replace(edited, labels=""))
    session.store.close()
    return session


@pytest.fixture
def reviewing(session: Session) -> Iterator[Reviewing]:
    def unexpected(error: SeplError) -> None:
        raise error

    opened = Reviewing.open(session.index, unexpected)
    yield opened
    opened.close()


def wrote(reviewing: Reviewing, stem: str, of: str = "") -> bool:
    return reviewing.wrote(reviewing.queue.rows[stem], label_file(reviewing.folder, of or stem))


def test_a_file_that_an_earlier_window_saved_is_known(reviewing: Reviewing) -> None:
    assert wrote(reviewing, "a2")


def test_a_file_is_known_after_its_sample_was_edited(reviewing: Reviewing) -> None:
    assert wrote(reviewing, "a10")


def test_a_file_of_another_making_is_not_known(session: Session, reviewing: Reviewing) -> None:
    save_image(label_file(reviewing.folder, "b"), random_labels(top=2))
    assert not wrote(reviewing, "b")
    save_image(label_file(reviewing.folder, "a2"), random_labels(top=2))
    assert not wrote(reviewing, "a2")
    assert not wrote(reviewing, "a2", of="a10")


def test_a_damaged_file_is_named(reviewing: Reviewing) -> None:
    path = label_file(reviewing.folder, "a2")
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match=r"a2\.png"):
        wrote(reviewing, "a2")
