from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import load, load_enhanceable
from napari_sepl.files.store import Status, Store
from napari_sepl.workflow.enhance import save_enhanced
from napari_sepl.workflow.export.unchanged import export_unchanged
from napari_sepl.workflow.results import Outcome, SampleResult
from napari_sepl.workflow.review.selection import Selection
from tests.files.making import SHAPE, random_labels, random_masks, refused, save_image
from tests.messages import says
from tests.workflow.reviewed import STEMS, Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path)
    yield made
    made.store.close()


@settings(deadline=None, max_examples=25)
@given(
    params=st.builds(
        Params, t1=st.floats(0, 1), t2=st.floats(0, 1), strategy=st.sampled_from(Strategy),
        conflict=st.sampled_from(Conflict),
    ),
    paint=st.none() | st.builds(slice, st.integers(0, SHAPE[0]), st.integers(0, SHAPE[0])),
)  # fmt: skip
def test_what_the_window_saved_is_made_again_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, params: Params, paint: slice | None
) -> None:
    session = Session(tmp_path_factory.mktemp("s"))
    session.review("b", params, paint)
    assert session.export() == [SampleResult("b", Outcome.SAVED)]
    assert session.read("again", "b") == session.read("out", "b")
    session.store.close()


def test_all_accepted_samples_come_in_the_datasets_order(session: Session) -> None:
    for stem in reversed(STEMS):
        session.review(stem, Params(t1=0.3), slice(3, 9))
    session.store.put_status("a10", Status.FLAGGED)
    assert session.export() == [SampleResult("a2", Outcome.SAVED), SampleResult("b", Outcome.SAVED)]
    assert not (session.root / "again" / "a10.png").exists()
    assert [step.sample_id for step in session.export(statuses=frozenset(Status))] == list(STEMS)


def test_labels_that_are_there_are_left_alone(session: Session) -> None:
    session.review("a2", Params(), slice(3, 9))
    session.review("b", Params())
    path = session.root / "out" / "b.png"
    before = path.stat().st_ino
    present: list[SampleResult[None]] = [
        SampleResult("a2", Outcome.PRESENT),
        SampleResult("b", Outcome.PRESENT),
    ]
    assert session.export("out") == present
    assert path.stat().st_ino == before
    good = path.read_bytes()
    edited = session.read("out", "a2")
    path.write_bytes(edited)
    for overwrite in (False, True):
        step = session.export("out", overwrite=overwrite)[1]
        assert step.message.startswith(f"holds other labels, which a person edited: {path}; move")
    assert path.read_bytes() == edited
    given = load_enhanceable(session.index.sample("b"), VOC)
    save_enhanced(session.root / "out", random_labels(), given, Params())  # the same settings
    (step,) = (step for step in session.export("out") if step.sample_id == "b")
    assert step.outcome is Outcome.FAILED
    assert step.message == f"holds other labels than the review: {path}; --overwrite replaces it."
    step = session.export("out", overwrite=True)[1]
    assert step.outcome is Outcome.SAVED
    assert "rebuilt from the record" in step.notes[0]
    assert path.read_bytes() == good


@pytest.mark.parametrize(
    "change", [{"t1": 0.9}, {"strategy": Strategy.RELEASED}, {"conflict": Conflict.SMALLEST}]
)
def test_labels_made_with_other_settings_are_no_present(
    session: Session, change: dict[str, Any]
) -> None:
    session.review("b", Params(t1=1, t2=1))
    session.review("b", Params(t1=1, t2=1, **({} if "t1" in change else change)))
    other = Params(**({"t1": 1, "t2": 1} | change))
    save_enhanced(
        session.spec.output,
        random_labels(),
        load(session.index.sample("b"), session.index.classes),
        other,
    )
    (step,) = session.export("out")
    assert step.outcome is Outcome.FAILED
    assert "holds other labels" in step.message


@pytest.mark.parametrize(
    ("role", "file"),
    [("image", "images/b.jpg"), ("pseudo", "pseudo/b.png"), ("masks", "masks/b.json")],
)
def test_a_sample_whose_inputs_changed_is_left_out_or_kept_as_accepted(
    session: Session, role: str, file: str
) -> None:
    session.review("a2", Params())
    session.review("b", Params(), slice(3, 9))
    path = session.root / file
    if role == "masks":
        write_masks(path, MaskSet.from_dense(random_masks(5)))
    else:
        save_image(path, random_labels(top=2))
    assert session.export() == [SampleResult("a2", Outcome.SAVED)]
    assert Selection(session.index, session.store).line() == (
        "accepted 1 of 3; left out: 1 outdated, 1 without labels"
    )
    saved: list[SampleResult[None]] = [SampleResult(one, Outcome.SAVED) for one in ("a2", "b")]
    assert session.export("kept", outdated=True) == saved
    assert session.read("kept", "b") == session.read("out", "b")
    (session.root / "out" / "b.png").unlink()  # without it nothing gives the accepted labels back
    failed = session.export("failed", outdated=True)[1]
    assert failed == SampleResult(
        "b",
        Outcome.FAILED,
        f"found changes on disk since the review ({role}): {session.store.path}, sample b; "
        "expected the files that were reviewed; open the sample and accept it again.",
    )
    assert not (session.root / "failed" / "b.png").exists()


def test_a_file_that_is_gone_or_no_longer_fits_is_told(session: Session) -> None:
    session.review("a2", Params())
    session.review("b", Params())
    (session.root / "images" / "a2.jpg").unlink()
    save_image(session.root / "pseudo" / "b.png", random_labels((5, 5)))
    gone, unfit = session.export()
    assert says(gone.message, "a2.jpg", "found no such file")
    assert says(unfit.message, "b.png", "found labels of 5 × 5 pixels")


def test_a_sample_that_the_dataset_lacks_comes_last(session: Session) -> None:
    session.review("a2", Params())
    session.store.put_status("0", Status.ACCEPTED)
    last = session.export()[-1]
    assert (last.sample_id, last.outcome) == ("0", Outcome.FAILED)
    assert "no sample '0'" in last.message


def test_a_record_that_does_not_tell_all_is_not_guessed_at(session: Session) -> None:
    session.store.put_status("a2", Status.ACCEPTED)
    session.review("a10", Params(), digests={})
    for path in (session.root / "out").glob("*.png"):
        path.unlink()
    told = [step.message for step in session.export()]
    assert says(told[0], "sample a2", "found a status without settings and digests")
    assert says(told[1], "sample a10", "found a status without settings and digests")


def test_decisions_and_protections_are_made_anew(session: Session) -> None:
    session.review("a2", Params(), slice(0, 2), decide={0: 7, 1: 0, -1: 2, -2: 0}, lock=[7, 1])
    session.review("b", Params(t1=0.2), decide={0: 0})
    assert [step.outcome for step in session.export()] == [Outcome.SAVED] * 2
    for stem in ("a2", "b"):
        assert session.read("again", stem) == session.read("out", stem)


def test_masks_by_prompts_are_part_of_what_is_made_anew(session: Session) -> None:
    hand = np.zeros((1, *SHAPE), np.bool_)
    hand[0, 2:5, 1:6] = True
    mask = MaskSet.from_dense(hand)
    session.review("b", Params(), prompt=[(mask, 3), (mask, 0)], decide={})
    assert session.export() == [SampleResult("b", Outcome.SAVED)]
    assert session.read("again", "b") == session.read("out", "b")


def test_decisions_on_masks_that_are_not_there_are_told(session: Session) -> None:
    session.review("b", Params(), decisions={99: 3})
    (session.root / "out" / "b.png").unlink()
    (step,) = session.export()
    assert step.outcome is Outcome.FAILED
    assert "found mask 99" in step.message


def test_other_labels_than_were_saved_are_not_passed_off_as_them(session: Session) -> None:
    review = session.review("b", Params(), slice(0, 2))
    assert review.overlay is not None
    painted = np.array(review.overlay)
    painted[0, 0] = 9
    session.store.put_review(replace(review, overlay=painted))
    (session.root / "out" / "b.png").unlink()
    (step,) = session.export()
    assert step.outcome is Outcome.FAILED
    assert "found other labels than were saved" in step.message
    session.store.put_review(replace(review, overlay=painted, labels=""))  # changed since: so be it
    assert session.export() == [SampleResult("b", Outcome.SAVED)]


def test_a_damaged_record_is_told(session: Session) -> None:
    session.review("b", Params())
    with session.store._transaction() as connection:
        connection.execute("UPDATE sample SET params = '{' WHERE id = 'b'")
    (step,) = session.export()
    assert step.outcome is Outcome.FAILED
    assert says(step.message, "sample b", "found a damaged record")


def test_inputs_are_never_written_over(session: Session) -> None:
    session.review("b", Params())
    with refused(session.root / "pseudo", "one of the input folders"):
        session.export("pseudo", overwrite=True)


def test_a_folder_that_cannot_be_made_is_told(session: Session) -> None:
    (session.root / "file").write_text("")
    with pytest.raises(SaveError, match=r"^a file has that name: "):
        session.export("file")


def test_a_store_that_is_read_only_is_enough(session: Session) -> None:
    session.review("b", Params())
    with Store.open(session.store.path, who="", write=False) as other:
        out = session.root / "again"
        steps = list(export_unchanged(Selection(session.index, other), out))
    assert steps == [SampleResult("b", Outcome.SAVED)]
    session.store.close()
    with pytest.raises(InputError, match="a store that was closed"):
        session.export()
