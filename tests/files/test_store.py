import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_sepl import Params
from napari_sepl.core.algorithm.params import Conflict
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import SaveError
from napari_sepl.core.labels.pixels import PixelRuns
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.document.edits import DecisionEdit, LockEdit, ParamsEdit, StrokeEdit
from napari_sepl.files.store import (
    LogEntry,
    Review,
    Status,
    StatusRow,
    Store,
    edit_of,
    entry_of,
    store_file,
)
from tests.messages import raises_input_error

DIGESTS = {"image": "1f" * 32, "pseudo": "2e" * 32, "masks": "3d" * 32}
EVERYTHING = Review(
    "a",
    Status.FLAGGED,
    Params(t1=0.25, t2=0.5, strategy=Strategy.RELEASED, conflict=Conflict.PSEUDO),
    np.array([[-1, 0, 3], [255, -1, 3]], np.int16),
    {0: 15, 7: 0},
    "left hand?\n✋",
    DIGESTS,
    12.5,
    0.125,
    "4c" * 32,
    frozenset({3}),
    np.array([[-1, -1, 3], [-1, -1, -1]], np.int16),
    {9: MaskSet.from_dense(np.array([[[0, 1, 1], [1, 0, 0]]]))},
)


def same(one: Review | None, other: Review | None) -> bool:
    if one is None or other is None:
        return one is other
    both = one, other
    fields = [
        replace(each, overlay=None, locked_pixels=None, prompted={}).__dict__ for each in both
    ]
    maps = (one.overlay, other.overlay), (one.locked_pixels, other.locked_pixels)
    if masks_of(one) != masks_of(other):
        return False
    return fields[0] == fields[1] and all(overlays_equal(*pair) for pair in maps)


def masks_of(review: Review) -> list[tuple[int, str, str]]:
    masks = sorted(review.prompted.items(), key=lambda one: one[0])
    return [(n, mask.digest, str(mask.scores.predicted_iou)) for n, mask in masks]


def overlays_equal(one: NDArray[np.int16] | None, other: NDArray[np.int16] | None) -> bool:
    blank = [overlay is None or bool((overlay == -1).all()) for overlay in (one, other)]
    if all(blank):
        return True
    return one is not None and other is not None and np.array_equal(one, other)


def reopened(store: Store) -> Store:
    store.close()
    return Store.open(store.path, who=store.who)


def test_a_new_store_is_empty_and_alone_in_its_folder(tmp_path: Path) -> None:
    path = store_file(tmp_path / "new" / "out")
    with Store.open(path, who="ana") as store:
        assert not store.read_only
        assert (store.reason, store.holder) == ("", None)
        assert store.review("a") is None
        assert (store.statuses(), store.session(), store.log("a")) == ({}, {}, [])
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "napari-sepl.sqlite",
        "napari-sepl.sqlite-lock",
    ]


def test_a_review_comes_back_as_it_was(store: Store) -> None:
    store.put_review(EVERYTHING)
    assert same(store.review("a"), EVERYTHING)
    with reopened(store) as again:
        assert same(again.review("a"), EVERYTHING)
        assert again.statuses() == {
            "a": StatusRow(Status.FLAGGED, 0, 0.125, "left hand?\n✋", "ana")
        }
        again.put_review(Review("a"))
        assert same(again.review("a"), Review("a"))


prompted_masks = st.builds(
    lambda seed, rating: MaskSet.from_dense(
        np.random.default_rng(seed).integers(0, 2, (1, 5, 7)),
        scores=MaskScores.from_records([{"predicted_iou": rating}]),
    ),
    st.integers(0, 2**32),
    st.none() | st.floats(0, 1, width=32),
)
reviews = st.builds(
    Review,
    sample_id=st.sampled_from(["a", "b", "…/ä' --"]),
    status=st.sampled_from(Status),
    params=st.none()
    | st.builds(
        Params, t1=st.floats(0, 1), t2=st.floats(0, 1), strategy=st.sampled_from(Strategy),
        conflict=st.sampled_from(Conflict),
    ),
    overlay=st.none()
    | st.integers(0, 2**32).map(
        lambda seed: np.random.default_rng(seed).integers(-1, 3, (5, 7)).astype(np.int16)
    ),
    decisions=st.dictionaries(st.integers(-254, 1000), st.integers(-1, 254), max_size=5),
    note=st.text(st.characters(exclude_categories=["Cs"])),
    digests=st.just(DIGESTS),
    seconds=st.floats(0, 1e6),
    changed=st.none() | st.floats(0, 1),
    labels=st.sampled_from(["", "4c" * 32]),
    locked=st.frozensets(st.integers(0, 255), min_size=1),
    locked_pixels=st.none() | st.integers(0, 2**32).map(
        lambda seed: np.random.default_rng(seed).integers(-1, 3, (5, 7)).astype(np.int16)
    ),
    prompted=st.integers(0, 3).flatmap(
        lambda count: st.fixed_dictionaries({12 + n: prompted_masks for n in range(count)})
    ),
)  # fmt: skip


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(reviews, max_size=4))
def test_the_last_review_of_each_sample_counts(store: Store, told: list[Review]) -> None:
    for review in told:
        store.put_review(review)
    for review in {review.sample_id: review for review in told}.values():
        assert same(store.review(review.sample_id), review)


def test_a_review_keeps_the_overlay_it_was_given(store: Store) -> None:
    overlay = np.full((4, 5), -1, np.int16)
    overlay[1, 2] = 3
    review = Review("a", overlay=overlay)
    overlay[:] = 7  # the window paints on
    store.put_review(review)
    assert review.overlay is not None
    assert review.overlay.sum() == 3 - 19
    assert same(store.review("a"), review)
    assert replace(review, note="x").overlay is review.overlay


def test_overrides_are_those_of_the_masks_that_were_reviewed(store: Store) -> None:
    other = DIGESTS | {"masks": "99" * 32}
    store.put_review(EVERYTHING)
    store.put_review(replace(EVERYTHING, digests=other, decisions={}))
    assert same(store.review("a"), replace(EVERYTHING, digests=other, decisions={}))
    store.put_review(replace(EVERYTHING, decisions={1: 2, -3: -1}))
    assert same(store.review("a"), replace(EVERYTHING, decisions={1: 2, -3: -1}))
    with pytest.raises(ValueError, match="digest is not told"):
        Review("a", decisions={0: 1})


def test_inputs_that_changed_are_reported(store: Store) -> None:
    store.put_review(EVERYTHING)
    review = store.review("a")
    assert review is not None
    assert review.changed_inputs(DIGESTS) == ()
    assert review.changed_inputs(DIGESTS | {"truth": "77" * 32}) == ()
    now = DIGESTS | {"pseudo": "00" * 32, "masks": "00" * 32}
    assert review.changed_inputs(now) == ("pseudo", "masks")


def test_a_status_leaves_the_rest_as_it_is(store: Store) -> None:
    store.put_review(EVERYTHING)
    store.put_status("a", Status.ACCEPTED)
    assert same(store.review("a"), replace(EVERYTHING, status=Status.ACCEPTED))
    store.put_status("b", Status.SKIPPED, note="blurred")
    assert same(store.review("b"), Review("b", Status.SKIPPED, note="blurred"))
    store.put_status("c", Status.PENDING, note="nothing there")
    assert store.statuses()["c"] == StatusRow(Status.PENDING, 0, None, "nothing there", "ana")


def test_many_statuses_are_set_and_undone(store: Store) -> None:
    store.put_review(EVERYTHING)
    store.put_status("b", Status.ACCEPTED)
    accepted = dict.fromkeys("abc", Status.ACCEPTED)
    before = store.put_many_statuses(accepted)
    assert before == {"a": Status.FLAGGED, "c": Status.PENDING}
    assert {s: row.status for s, row in store.statuses().items()} == accepted
    assert store.put_many_statuses(before) == dict.fromkeys("ac", Status.ACCEPTED)
    assert same(store.review("a"), EVERYTHING)
    assert store.statuses()["c"].status is Status.PENDING
    changes = [e.entry.payload for e in store.log("c")]
    assert changes == [
        {"before": "pending", "after": "accepted"},
        {"before": "accepted", "after": "pending"},
    ]


def test_many_settings_are_set_and_undone(store: Store) -> None:
    store.put_review(EVERYTHING)
    params = Params(t1=0.75)
    before = store.put_many_params({"a": params, "b": params})
    assert before == {"a": EVERYTHING.params, "b": None}
    review = store.review("a")
    assert review is not None
    # what was saved and counted with the settings of before is true no more
    assert same(review, replace(EVERYTHING, params=params, labels="", changed=None))
    assert store.put_many_params(before) == {"a": params, "b": params}
    again, other = store.review("a"), store.review("b")
    assert again is not None
    assert other is not None
    assert (again.params, other.params) == (EVERYTHING.params, None)
    assert store.put_many_params(before) == {}


def test_the_session_comes_back(store: Store) -> None:
    store.put_session({"current": "a", "filters": {"status": ["pending"]}, "t1": 0.5})
    store.put_session({"current": "b", "panels": None})
    with reopened(store) as again:
        assert again.session() == {
            "current": "b",
            "filters": {"status": ["pending"]},
            "t1": 0.5,
            "panels": None,
        }
        assert [e.entry.payload["keys"] for e in again.log("")] == [
            ["current", "filters", "t1"],
            ["current", "panels"],
        ]


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store) -> None:
    store.put_review(EVERYTHING)
    with pytest.raises(TypeError):
        store.put_review(Review("a"), [LogEntry("bad", {"x": object()})])
    with pytest.raises(ValueError, match="class 300"):
        store.put_review(replace(EVERYTHING, decisions={0: 300}))
    assert same(store.review("a"), EVERYTHING)
    assert [e.entry.kind for e in store.log("a")] == ["status", "saved"]
    store.put_status("a", Status.ACCEPTED)


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(SaveError, match="the store was closed"):
        store.put_status("a", Status.ACCEPTED)
    with pytest.raises(ValueError, match="found a store that was closed"):
        store.statuses()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE sample SET params = '{'", "a damaged record"),
        ("UPDATE sample SET params = '{\"t1\": 7}'", "a damaged record"),
        ("UPDATE sample SET digests = '[]'", "a damaged record"),
        ("UPDATE overlay SET value = x'00'", "damaged runs"),
        ("UPDATE decisions SET value = '[[0, 300]]'", "class 300"),
    ],
)
def test_one_damaged_record_is_reported_and_the_rest_can_be_used(
    store: Store, statement: str, message: str
) -> None:
    store.put_review(EVERYTHING)
    change(store, statement)
    store.put_review(replace(EVERYTHING, sample_id="b"))
    with raises_input_error(f"{store.path}, sample a", found=message):
        store.review("a")
    assert same(store.review("b"), replace(EVERYTHING, sample_id="b"))
    store.put_review(EVERYTHING)
    assert same(store.review("a"), EVERYTHING)


def change(store: Store, statement: str) -> Any:
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(store.path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_every_write_is_in_the_log(store: Store) -> None:
    stroke = LogEntry("stroke", {"pixels": 3}, b"\x00\xff")
    store.put_review(replace(EVERYTHING, status=Status.PENDING), [stroke, LogEntry("undo")])
    store.put_review(EVERYTHING, [LogEntry("params")])
    store.put_review(EVERYTHING)
    store.put_status("a", Status.ACCEPTED, note="done")
    store.log_edit("a", LogEntry("looked"))
    logged = store.log("a")
    assert [e.entry.kind for e in logged] == [
        "stroke", "undo", "saved", "params", "status", "review", "status", "note", "looked",
    ]  # fmt: skip
    assert logged[0].entry == stroke
    assert [e.seq for e in logged] == sorted({e.seq for e in logged})
    assert {(e.sample_id, e.who) for e in logged} == {("a", "ana")}
    assert logged[0].at.endswith("Z")
    assert store.statuses()["a"].edits == 3


def test_the_log_only_grows(store: Store) -> None:
    store.log_edit("a", LogEntry("looked"))
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        for change in ("UPDATE edit_log SET who = 'x'", "DELETE FROM edit_log"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                connection.execute(change)


def test_steps_of_a_document_come_back_from_the_log(store: Store) -> None:
    runs = PixelRuns(
        np.array([3, 10], np.int32),
        np.array([5, 11], np.int32),
        np.array([-1, 2], np.int16),
        np.array([7, 255], np.int16),
    )
    steps = (
        ParamsEdit(Params(), Params(t1=0.1), "a drag"),
        StrokeEdit(runs, "fill holes in dog"),
        StrokeEdit(runs.inverse()),
        DecisionEdit({3: None, -8: 0}, {3: 12, -8: None}, "select 2 regions for dog"),
        LockEdit(12, True, runs),
    )
    for step in steps:
        store.log_edit("a", entry_of(step))
    store.log_edit("a", LogEntry("undo"))
    params, stroke, inverse, decision, lock, other = [edit_of(e.entry) for e in store.log("a")]
    assert decision == steps[3]
    assert isinstance(lock, LockEdit)
    assert (lock.class_id, lock.lock, lock.change.pixels) == (12, True, 3)
    assert params == steps[0]
    assert isinstance(stroke, StrokeEdit)
    assert stroke.text == "fill holes in dog"
    assert isinstance(inverse, StrokeEdit)
    for name in PixelRuns._fields:
        mine, theirs = getattr(stroke.change, name), getattr(runs, name)
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(inverse.change.after, runs.before)
    assert other is None


@pytest.mark.parametrize(
    "entry",
    [
        LogEntry("decision", {"regions": [[1, 2]]}),
        LogEntry("decision", {"regions": [["1", None, 2]]}),
        LogEntry("decision", {"regions": [[1, None, "cat"]]}),
        LogEntry("decision"),
        LogEntry("lock", {"class_id": 3}),
        LogEntry("stroke", {}, b"x"),
        LogEntry("params", {"before": None, "after": {}}),
        LogEntry("params", {"before": {}, "after": {}, "gesture": 3}),
    ],
)
def test_a_damaged_entry_is_reported(entry: LogEntry) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each says another thing
        edit_of(entry)
