"""A record that means harm costs one sample, or is refused when it is opened."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.core.errors import SeplError
from napari_sepl.workflow.results import Outcome
from napari_sepl.workflow.review.reviewing import Reviewing
from tests.files.making import SHAPE, random_labels, save_image
from tests.messages import raises_input_error, says
from tests.workflow.reviewed import STEMS, Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Three accepted samples; the overlay of the second has another size than its image."""
    made = Session(tmp_path)
    for stem in STEMS:
        made.review(stem, Params(), slice(3, 9))
    review = made.store.review("a10")
    assert review is not None
    made.store.put_review(replace(review, overlay=np.full((3, 4), 7, np.int16)))
    yield made
    made.store.close()


def open_window(session: Session) -> Reviewing:
    def unexpected(error: SeplError) -> None:
        raise error

    session.store.close()
    return Reviewing.open(session.index, unexpected)


def test_an_overlay_of_another_size_costs_its_sample(session: Session) -> None:
    (session.spec.output / "a10.png").unlink()
    steps = {step.sample_id: step for step in session.export()}
    assert [steps[stem].outcome for stem in ("a2", "b")] == [Outcome.SAVED] * 2
    assert steps["a10"].outcome is Outcome.FAILED
    told = "found a damaged record (overlay: 3 × 4 pixels"
    assert says(steps["a10"].message, "sample a10", told)


def test_the_window_refuses_an_overlay_of_another_size_and_shows_the_rest(
    session: Session,
) -> None:
    window = open_window(session)
    rows = window.queue.rows
    with raises_input_error("sample a10", found="overlay: 3 × 4 pixels where the image has"):
        window.read(rows["a10"])
    for stem in ("a2", "b"):
        overlay = window.read(rows[stem]).annotations.overlay
        assert overlay is not None
        assert overlay.shape == SHAPE
    window.close()


@pytest.mark.parametrize("field", ["overlay", "locked_pixels"])
def test_a_label_outside_the_class_list_costs_its_sample(session: Session, field: str) -> None:
    review = session.store.review("b")
    assert review is not None
    drawn = np.full(SHAPE, 200, np.int16)
    changes: dict[str, Any] = {"overlay": None, field: drawn}
    session.store.put_review(replace(review, **changes, locked=frozenset({200}), labels=""))
    steps = {step.sample_id: step for step in session.export()}
    assert says(steps["b"].message, "sample b", "found label 200", "expected 0 to 20")
    assert steps["a2"].outcome is Outcome.SAVED
    window = open_window(session)
    with raises_input_error("sample b", found="label 200"):
        window.read(window.queue.rows["b"])
    window.close()


def test_an_image_of_another_size_is_shown_without_the_maps_of_the_old_one(
    session: Session,
) -> None:
    for role in ("images", "pseudo"):
        ending = "jpg" if role == "images" else "png"
        place = session.root / role / f"b.{ending}"
        save_image(place, random_labels()[:-2])
    (session.root / "masks" / "b.json").write_text("[]")
    window = open_window(session)
    row = window.queue.rows["b"]
    document = window.read(row)
    assert document.annotations.overlay is None
    old = window.outdated(document)
    assert old is not None
    assert "image" in old.roles
    assert not old.fits(document.inputs)
    assert window.annotations(row).overlay is None
    window.close()


@pytest.mark.parametrize(
    "noted",
    [
        {"start": {"t1": -1}},
        {"start": []},
        {"filter": "x"},
        {"filter": {"status": "done"}},
        {"filter": {"class_id": "x"}},
        {"filter": {"class_id": 2**70}},
        {"filter": {"text": 5}},
        {"filter": {"cause": "x"}},
        {"sort": "x"},
        {"sort": ["x", False]},
        {"panels": 5},
    ],
)
def test_a_session_that_no_window_noted_is_refused(session: Session, noted: dict[str, Any]) -> None:
    session.store.put_session(noted)
    with raises_input_error(session.store.path, found="a damaged session"):
        open_window(session)
