"""Which labels are used, and whether the inputs of a review are still the same."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl import MaskSet, Params
from napari_sepl.core.errors import InputError
from napari_sepl.files import samples as sample_files
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import read_masks, write_masks
from napari_sepl.files.samples import load, read_digests
from napari_sepl.files.store import Review, Status, Store
from napari_sepl.workflow.enhance import enhance_folder, enhance_sample
from napari_sepl.workflow.results import Outcome
from napari_sepl.workflow.review.record import changed_inputs
from napari_sepl.workflow.review.selection import (
    ACCEPTED,
    AS_ENHANCED,
    Choice,
    Selection,
    Standing,
    open_labels,
    select_labels,
)
from tests.files.making import random_labels, random_masks, save_amg_folder, save_image
from tests.messages import raises_input_error, says
from tests.workflow.reviewed import STEMS, Session

FLAGGED = Choice(frozenset((Status.FLAGGED,)))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Of three samples one is accepted, one flagged without a file, one as enhance wrote it."""
    made = Session(tmp_path)
    made.review("a2", Params(t1=0.3), slice(3, 9))
    made.review("b", Params(), slice(0, 2), status=Status.FLAGGED)
    list(enhance_folder(made.index, Params()))
    (made.spec.output / "b.png").unlink()
    yield made
    made.store.close()


def select(session: Session, choice: Choice = ACCEPTED) -> Selection:
    return Selection(SampleIndex.open(session.spec), session.store, choice)


@pytest.mark.parametrize(
    ("choice", "ids", "line"),
    [
        (ACCEPTED, ["a2"], "accepted 1 of 3; left out: 1 flagged, 1 unreviewed"),
        (
            Choice(unreviewed=True), ["a2", "a10"],
            "accepted 1, unreviewed 1 of 3; left out: 1 flagged",
        ),
        (FLAGGED, ["b"], "flagged 1 of 3; left out: 1 accepted, 1 unreviewed"),
        (
            Choice(frozenset((Status.SKIPPED,))), [],
            "skipped 0 of 3; left out: 1 accepted, 1 flagged, 1 unreviewed",
        ),
        (Choice(frozenset(Status), unreviewed=True), list(STEMS), None),
    ],
)  # fmt: skip
def test_the_status_chooses(
    session: Session, choice: Choice, ids: list[str], line: str | None
) -> None:
    selection = select(session, choice)
    assert selection.ids == ids
    if line is not None:
        assert selection.line() == line


def test_a_note_or_a_look_is_no_review(session: Session) -> None:
    session.store.put_status("a10", Status.PENDING, note="what is this?")
    assert select(session).standings["a10"] is Standing.UNREVIEWED
    session.store.put_status("a10", Status.FLAGGED)
    session.store.put_status("a10", Status.PENDING)
    assert select(session).standings["a10"] is Standing.UNREVIEWED
    session.store.put_many_params({"a10": Params(t1=0.1)})
    assert select(session).standings["a10"] is Standing.PENDING


def test_where_nothing_was_reviewed_all_label_files_are_used(session: Session) -> None:
    session.store.close()
    for file in session.spec.output.glob("napari-sepl*"):
        file.unlink()
    session.store = Store.open(session.spec.output / "napari-sepl.sqlite", who="ana")
    selection = select(session)
    assert selection.ids == ["a2", "a10"]
    assert selection.line() == "unreviewed 2 of 3; left out: 1 without labels"


def test_accepted_labels_come_from_their_file_and_are_not_computed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = read_labels(session.spec.output / "a2.png")
    labels = select(session).labels("a2")
    with monkeypatch.context() as patched:
        patched.setattr("napari_sepl.workflow.review.current_labels.resolve_sample", None)
        np.testing.assert_array_equal(labels.read(), saved)
    save_image(session.spec.output / "a2.png", random_labels())  # by another program
    np.testing.assert_array_equal(labels.read(), saved)
    given, resolved = labels.resolve()
    np.testing.assert_array_equal(resolved.labels, saved)
    assert given.sample_id == "a2"


def test_labels_of_other_statuses_are_rebuilt_whatever_file_is_there(session: Session) -> None:
    review = session.store.review("b")
    assert review is not None
    save_image(session.spec.output / "b.png", random_labels())
    labels = select(session, FLAGGED).labels("b").read()
    assert digest_labels(labels) == review.labels
    assert (labels[:2] == 7).all()


def test_unreviewed_labels_are_as_in_their_file(session: Session) -> None:
    save_image(session.spec.output / "a10.png", random_labels(top=2))
    labels = select(session, Choice(unreviewed=True)).labels("a10")
    np.testing.assert_array_equal(labels.read(), random_labels(top=2))
    np.testing.assert_array_equal(labels.resolve()[1].labels, random_labels(top=2))
    enhanced = select(session, AS_ENHANCED).labels("a10")
    assert not np.array_equal(enhanced.read(), random_labels(top=2))


def test_a_folder_alone_reads_its_record(session: Session) -> None:
    alone = session.spec.model_copy(update={"images": None, "pseudo": None, "masks": None})
    with select_labels(alone, None, ACCEPTED, "test") as selection:
        assert selection is not None
        assert selection.ids == ["a2"]
        assert selection.line() == "accepted 1 of 3; left out: 1 flagged, 1 unreviewed"
    with select_labels(alone, None, FLAGGED, "test") as selection:
        assert selection is not None
        with raises_input_error("sample b", found="no label file"):
            selection.labels("b").read()
    (session.spec.output / "a2.png").write_bytes((session.spec.output / "a10.png").read_bytes())
    with select_labels(alone, None, ACCEPTED, "test") as selection:
        assert selection is not None
        with raises_input_error("a2.png", found="other labels than were accepted"):
            selection.labels("a2").read()


def test_a_folder_without_a_record_selects_nothing(session: Session, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    shutil.copy(session.spec.output / "a2.png", tmp_path / "plain")
    with select_labels(session.spec, tmp_path / "plain", ACCEPTED, "test") as selection:
        assert selection is None


def test_a_damaged_row_costs_its_sample(session: Session) -> None:
    with session.store._transaction() as connection:
        connection.execute("UPDATE sample SET digests = '[' WHERE id = 'a2'")
    selection = select(session, Choice(unreviewed=True))
    assert selection.ids == ["a10"]
    (problem,) = selection.problems
    assert says(problem.reason, "sample a2", "found a damaged record")


# --- inputs that changed


def reviewed(session: Session, stem: str = "a2") -> Review:
    review = session.store.review(stem)
    assert review is not None
    return review


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    def read(sample: Any, roles: Any) -> dict[str, str]:
        found.append(sorted(roles))
        return read_digests(sample, roles)

    monkeypatch.setattr("napari_sepl.workflow.review.record.read_digests", read)
    return found


def test_files_in_the_same_state_are_not_read(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, sample = count_reads(monkeypatch), session.index.sample("a2")
    assert changed_inputs(reviewed(session), sample) == ()
    assert reads == []
    os.utime(sample.pseudo)  # another time, the same content
    assert changed_inputs(reviewed(session), sample) == ()
    assert reads == [["pseudo"]]


def test_a_change_of_the_same_size_and_time_shows(session: Session) -> None:
    sample = session.index.sample("a2")
    before = sample.image.stat()
    content = bytearray(sample.image.read_bytes())
    content[-1] ^= 1
    sample.image.write_bytes(bytes(content))
    os.utime(sample.image, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed_inputs(reviewed(session), sample) == ("image",)


@pytest.mark.parametrize("stamps", [{}, {"image": "", "pseudo": "1 2 3 4"}])
def test_without_stamps_files_are_read(
    session: Session, stamps: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = count_reads(monkeypatch)
    review = replace(reviewed(session), stamps=stamps)
    assert changed_inputs(review, session.index.sample("a2")) == ()
    assert reads == [["image", "masks", "pseudo"]]


def test_a_stamp_holds_for_the_digest_that_was_read_under_it(session: Session) -> None:
    review = reviewed(session)
    other = {**review.digests, "masks": "0" * 64}  # masks of another program run, not on the disk
    assert changed_inputs(replace(review, digests=other), session.index.sample("a2")) == ("masks",)


def test_masks_that_are_gone_are_a_change(session: Session) -> None:
    (session.root / "masks" / "a2.json").unlink()
    sample = replace(session.index.sample("a2"), masks=None)
    assert changed_inputs(reviewed(session), sample) == ("masks",)


def test_a_folder_of_masks_counts_by_its_entries(session: Session) -> None:
    folder = session.root / "masks" / "a2"
    save_amg_folder(folder, random_masks())
    sample = replace(session.index.sample("a2"), masks=folder)
    given = load(sample, session.index.classes)
    review = Review("a2", Status.ACCEPTED, Params(), digests=given.digests, stamps=given.stamps)
    assert changed_inputs(review, sample) == ()
    blank = np.zeros(random_masks()[0].shape, np.uint8)
    save_image(folder / "0.png", blank)
    assert changed_inputs(review, sample) == ("masks",)


def test_a_change_while_a_file_is_read_shows(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = session.index.sample("a2")

    def read_and_change(path: Path, shape: Any, sample_id: str) -> MaskSet:
        masks = read_masks(path, shape, sample_id)
        write_masks(path, MaskSet.from_dense(random_masks(5)))
        return masks

    with monkeypatch.context() as patched:
        patched.setattr(sample_files, "read_masks", read_and_change)
        given = load(sample, session.index.classes)
    review = Review("a2", Status.ACCEPTED, Params(), digests=given.digests, stamps=given.stamps)
    assert changed_inputs(review, sample) == ("masks",)


def test_an_input_that_cannot_be_read_costs_its_sample(session: Session) -> None:
    (session.root / "pseudo" / "a2.png").write_bytes(b"no image")
    selection = select(session)
    assert selection.ids == []
    assert "a2.png" in selection.problems[0].reason
    assert select(session, Choice(outdated=True)).ids == ["a2"]


def test_labels_of_a_dataset_whose_image_is_gone_are_used_all_the_same(session: Session) -> None:
    (session.root / "images" / "a2.jpg").unlink()
    selection = Selection(open_labels(session.spec, None), session.store)
    assert selection.ids == ["a2"]
    assert selection.labels("a2").read().shape == random_labels().shape


# --- enhance


def outcomes(session: Session, **options: Any) -> dict[str, Outcome]:
    steps = enhance_folder(session.index, Params(), **options)
    return {step.sample_id: step.outcome for step in steps}


@pytest.mark.parametrize("overwrite", [False, True])
def test_enhance_leaves_what_a_person_touched(session: Session, overwrite: bool) -> None:
    before = session.read("out", "a2")
    found = outcomes(session, overwrite=overwrite)
    assert (found["a2"], found["b"]) == (Outcome.REVIEWED, Outcome.REVIEWED)
    assert session.read("out", "a2") == before
    assert not (session.spec.output / "b.png").exists()


@pytest.mark.parametrize("role", ["images", "pseudo", "masks"])
def test_enhance_makes_labels_again_whose_inputs_changed(session: Session, role: str) -> None:
    assert outcomes(session)["a10"] is Outcome.PRESENT
    if role == "masks":
        write_masks(session.root / "masks" / "a10.json", MaskSet.from_dense(random_masks(5)))
    else:
        name = "a10.jpg" if role == "images" else "a10.png"
        save_image(session.root / role / name, random_labels(top=2))
    assert outcomes(session)["a10"] is Outcome.MADE_AGAIN
    assert outcomes(session)["a10"] is Outcome.PRESENT


def test_a_damaged_record_ends_enhance_before_anything_is_written(session: Session) -> None:
    session.store.path.write_bytes(b"x" * 5000)
    (session.spec.output / "a10.png").unlink()
    with pytest.raises(InputError):
        outcomes(session)
    assert not (session.spec.output / "a10.png").exists()


def test_enhance_leaves_what_a_person_touches_meanwhile(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(tmp_path_factory.mktemp("untouched"))

    def flag_b(*given: Any) -> tuple[Path, bool]:
        session.store.put_status("b", Status.FLAGGED)
        return enhance_sample(*given)

    monkeypatch.setattr("napari_sepl.workflow.enhance.enhance_sample", flag_b)
    assert outcomes(session) == {
        "a2": Outcome.SAVED, "a10": Outcome.SAVED, "b": Outcome.REVIEWED,
    }  # fmt: skip
    assert not (session.spec.output / "b.png").exists()
    session.store.close()
