"""Values that no review gives are refused in one sentence, naming the sample, in little memory."""

import json
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.document.edits import StrokeEdit
from napari_sepl.files.store import (
    ImageNow,
    LogEntry,
    Store,
    recover,
    steps_of,
)
from napari_sepl.files.store.encoding import encode_overlay
from tests.files.hostile import MOST, NOW, change, put, refused, use
from tests.files.test_store import EVERYTHING, same
from tests.messages import says

# --- values


DEEP = "[" * 100_000 + "]" * 100_000
NESTED = "[" * 50 + "]" * 50
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", b"a"),
        ("id", ""),
        ("id", "../a"),
        ("id", "a/../../a"),
        ("id", "/etc/a"),
        ("id", "a\0"),
        ("status", "done"),
        ("status", 1),
        ("status", b"accepted"),
        ("edits", "x"),
        ("edits", -1),
        ("edits", 2**62),
        ("edits", 0.5),
        ("changed", float("inf")),
        ("changed", 1.5),
        ("changed", -0.1),
        ("changed", "x"),
        ("note", b"\0"),
    ],
)
def test_what_no_queue_shows_is_refused_at_opening(made: Path, column: str, value: object) -> None:
    put(made, "sample", column, value)
    with refused("found a damaged store"):
        use(made)
    if column == "id":
        with Store.open(made, who="ana") as store, refused("found a damaged store"):
            store.summaries()


def test_text_that_is_no_text_is_refused(made: Path) -> None:
    change(made, "UPDATE sample SET note = CAST(x'ff' AS TEXT)")
    with refused("found a damaged store"):
        use(made)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("seconds", -1),
        ("seconds", float("inf")),
        ("seconds", "x"),
        ("seconds", 1e300),
        ("params", DEEP),
        ("params", NESTED),
        ("params", '{"t1": NaN}'),
        ("params", '{"t1": 1e999}'),
        ("params", f'{{"t1": {DIGITS}}}'),
        ("params", '{"t1": -1}'),
        ("params", '{"strategy": "magic"}'),
        ("params", b"{}"),
        ("digests", DEEP),
        ("digests", NESTED),
        ("digests", "[]"),
        ("digests", '{"masks": 1}'),
        ("digests", '{"masks": "\\ud800"}'),
        ("digests", f"[{DIGITS}]"),
        ("stamps", '{"image": ["x"]}'),
        ("stamps", "x"),
        ("labels", b"x"),
        ("locked", "[300]"),
        ("locked", "[-1]"),
        ("locked", "[true]"),
        ("locked", "[1.0]"),
        ("locked", "3"),
        ("locked", DEEP),
    ],
)
def test_what_no_review_says_is_refused_naming_the_sample(
    made: Path, column: str, value: object
) -> None:
    put(made, "sample", column, value)
    with Store.open(made, who="ana") as store:
        with refused(f"{made}, sample a", "found a damaged record"):
            store.review("a", NOW)
        with refused(f"{made}, sample a", "found a damaged record"):
            store.short_review("a")
        assert says(store.summaries()["a"].problem, f"{made}, sample a", "found a damaged record")


def packed(height: int, width: int, runs: int, content: bytes, form: int = 1) -> bytes:
    return zlib.compress(struct.pack("<BIII", form, height, width, runs) + content)


ZEROS = bytes(2**28)
OVERLAYS: dict[str, Any] = {
    "a bomb": packed(2, 3, 1, ZEROS),
    "a bomb with many runs": packed(2, 3, 2**28 // 10, ZEROS),
    "another size": encode_overlay(np.full((3, 2), 7, np.int16)),
    "a smaller size": encode_overlay(np.full((1, 1), 7, np.int16)),
    "an enormous size": packed(2**15, 2**15, 1, struct.pack("<iih", 0, 1, 3)),
    "a size without end": packed(2**32 - 1, 2**32 - 1, 1, bytes(10)),
    "no size": packed(0, 3, 0, b""),
    "another format": packed(2, 3, 0, b"", form=2),
    "runs cut off": packed(2, 3, 2, struct.pack("<iih", 0, 1, 3)),
    "a negative gap": packed(2, 3, 1, struct.pack("<iih", -1, 1, 3)),
    "a negative length": packed(2, 3, 1, struct.pack("<iih", 0, -1, 3)),
    "no length": packed(2, 3, 1, struct.pack("<iih", 0, 0, 3)),
    "beyond the image": packed(2, 3, 1, struct.pack("<iih", 0, 7, 3)),
    "more runs than pixels": packed(2, 3, 7, bytes(70)),
    "lengths beyond 32 bits": packed(
        2, 3, 2, struct.pack("<iiiihh", 0, 2**31 - 1, 2**31 - 1, 2**31 - 1, 3, 3)
    ),
    "a label that there is not": packed(2, 3, 1, struct.pack("<iih", 0, 1, 256)),
    "a label below none": packed(2, 3, 1, struct.pack("<iih", 0, 1, -2)),
    "bytes after the end": packed(2, 3, 1, struct.pack("<iih", 0, 1, 3)) + b"more",
    "no zlib": b"x" * 50,
    "nothing": b"",
    "a text": "x" * 50,
    "a number": 5,
}


@pytest.mark.parametrize("table", ["overlay", "locked_pixels"])
@pytest.mark.parametrize("what", OVERLAYS)
def test_a_map_that_is_not_the_images_is_refused(made: Path, table: str, what: str) -> None:
    put(made, table, "value", OVERLAYS[what])
    with Store.open(made, who="ana") as store:
        with refused(f"{made}, sample a", "found a damaged record"):
            store.review("a", NOW)
        short = store.short_review("a")
        assert short is not None
        assert short.status is EVERYTHING.status
    recovery = recover(made, who="ana")
    assert recovery.samples == 1


def test_maps_of_another_image_are_left_out_where_the_image_changed(made: Path) -> None:
    with Store.open(made, who="ana") as store:
        with refused("overlay: 2 × 3 pixels where the image has 5 × 5"):
            store.review("a", ImageNow((5, 5)))
        other = store.review("a", ImageNow((5, 5), "another digest"))
        assert other is not None
        assert (other.overlay, other.locked_pixels, other.prompted) == (None, None, {})
        assert other.decisions == EVERYTHING.decisions
        assert same(store.review("a", ImageNow((2, 3), "another digest")), EVERYTHING)


def mask(
    size: object = (2, 3), counts: object = (1, 5), rating: object = 0.5, index: Any = 9
) -> str:
    return json.dumps([[index, json.dumps({"size": size, "counts": counts}), rating]])


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("prompted", mask(size=(3, 2))),
        ("prompted", mask(size=(32768, 32768), counts=[2**30])),
        ("prompted", mask(size=(2**40, 2**40), counts=[])),
        ("prompted", mask(size=(-2, -3))),
        ("prompted", mask(size="23")),
        ("prompted", mask(counts=[-1, 7])),
        ("prompted", mask(counts=[6, 2**63])),
        ("prompted", mask(counts="\u00ff")),
        ("prompted", mask(counts=[[1], [5]])),
        ("prompted", mask(rating=float("nan"))),
        ("prompted", mask(rating="good")),
        ("prompted", mask(index=-1)),
        ("prompted", mask(index=2**40)),
        ("prompted", mask(index=True)),
        ("prompted", "[[9, null, 0.5]]"),
        ("prompted", json.dumps([[9, DEEP, 0.5]])),
        ("prompted", json.dumps([[9, "x", 0.5]] * 70_000)),
        ("prompted", DEEP),
        ("prompted", b"[]"),
        ("decisions", "[[0, 300]]"),
        ("decisions", "[[0, -2]]"),
        ("decisions", "[[-255, 1]]"),
        ("decisions", "[[1.5, 1]]"),
        ("decisions", "[[0, true]]"),
        ("decisions", f"[[{DIGITS}, 1]]"),
        ("decisions", f"[[{2**70}, 1]]"),
        ("decisions", "[[0, NaN]]"),
        ("decisions", "[[0]]"),
        ("decisions", "{}"),
        ("decisions", DEEP),
    ],
)
def test_masks_and_decisions_that_cannot_be_are_refused(
    made: Path, table: str, value: object
) -> None:
    put(made, table, "value", value)
    with (
        Store.open(made, who="ana") as store,
        refused("sample a", "found a damaged record"),
    ):
        store.review("a", NOW)


@pytest.mark.parametrize("value", [DEEP, NESTED, '{"a": NaN}', "1e999", DIGITS, b"1", "{", "'1'"])
def test_a_session_that_no_window_notes_is_refused(made: Path, value: object) -> None:
    put(made, "session", "value", value)
    with refused("found a damaged store (the session: "):
        use(made)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", DEEP), ("payload", NESTED), ("payload", "[]"), ("payload", '{"told": NaN}'),
        ("payload", b"{}"), ("payload", "x"), ("kind", b"stroke"), ("at", b"x"), ("who", b"x"),
        ("blob", "text"), ("blob", 5),
    ],
)  # fmt: skip
def test_entries_that_no_log_has_are_refused(made: Path, column: str, value: object) -> None:
    put(made, "edit_log", column, value, "WHERE kind = 'stroke'")
    with (
        Store.open(made, who="ana") as store,
        refused("sample a", "found a damaged record"),
    ):
        store.log("a")


@pytest.mark.parametrize(
    "blob",
    [
        None,
        packed(0, 0, 1, ZEROS),
        packed(0, 0, 2**28 // 12, ZEROS),
        packed(0, 0, 1, struct.pack("<iihh", 0, 7, -1, 3)),
        packed(0, 0, 1, struct.pack("<iihh", -1, 1, -1, 3)),
        packed(0, 0, 1, struct.pack("<iihh", 0, 1, -1, 300)),
        packed(0, 0, 1, struct.pack("<iihh", 0, 1, -1, 3))[:-3],
    ],
)
def test_a_stroke_beyond_the_image_is_a_gap_in_the_history(made: Path, blob: bytes | None) -> None:
    with Store.open(made, who="ana") as store:
        assert type(steps_of(store.log("a"), NOW.shape)[0][1]) is StrokeEdit
    put(made, "edit_log", "blob", blob, "WHERE kind = 'stroke'")
    tracemalloc.start()
    with Store.open(made, who="ana") as store:
        kinds = [type(edit) for _kind, edit in steps_of(store.log("a"), NOW.shape)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert StrokeEdit not in kinds
    assert peak < MOST


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("decision", {"regions": [[2**70, None, 1]]}),
        ("decision", {"regions": [[0, None, 300]]}),
        ("decision", {"regions": [[True, None, 1]]}),
        ("lock", {"class_id": 300, "lock": True}),
        ("lock", {"class_id": True, "lock": True}),
        ("prompt", {"index": -1, "class_id": 1, "added": True, "rle": "{}"}),
        ("prompt", {"index": 9, "class_id": 300, "added": True, "rle": "{}"}),
        (
            "prompt",
            {"index": 9, "class_id": 1, "added": True, "predicted_iou": 0.5,
             "rle": '{"size": [32768, 32768], "counts": [1073741824]}'},
        ),
        ("params", {"before": {"t1": -1}, "after": {}}),
        ("params", {"before": {}, "after": {}, "gesture": 5}),
        ("status", {"before": "pending", "after": "done"}),
    ],
)  # fmt: skip
def test_a_step_that_nobody_takes_is_a_gap_in_the_history(
    made: Path, kind: str, payload: dict[str, Any]
) -> None:
    with Store.open(made, who="ana") as store:
        store.log_edit("a", LogEntry(kind, payload))
        assert steps_of(store.log("a"), NOW.shape) == []


@pytest.mark.parametrize("size", [pytest.param(999_000_000, marks=pytest.mark.long), 2**27 + 1])
def test_an_enormous_text_is_refused(made: Path, size: int) -> None:
    change(made, "UPDATE sample SET note = CAST(zeroblob(?) AS TEXT)", size)
    with refused("a value is too large"):
        use(made)
