from typing import Any
from unittest.mock import MagicMock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.algorithm.paint import enhance
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.pixels import NO_OPINION
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.edits import ParamsEdit, StrokeEdit
from napari_sepl.document.history import replay
from napari_sepl.document.inputs import Inputs
from tests.document.drawing import SHAPE, cat_and_dog
from tests.messages import raises_input_error


def painted(document: Document, rows: slice, cols: slice, label: int) -> np.ndarray:
    shown = document.resolved.labels.copy()
    shown[rows, cols] = label
    return shown


def test_labels_are_those_of_enhance() -> None:
    document = Document(cat_and_dog(), Annotations(Params(t1=0.3)))
    expected = enhance(document.inputs.pseudo, document.inputs.masks, Params(t1=0.3))
    np.testing.assert_array_equal(document.resolved.labels, expected)


def test_a_stroke_stays_whatever_the_sliders_do() -> None:
    document = Document(cat_and_dog())
    assert document.absorb(painted(document, slice(0, 8), slice(0, 8), 15)) == 0
    for params in (Params(t1=0.0), Params(t1=1, t2=1), Params(strategy=Strategy.RELEASED)):
        document.set_params(params)
        assert (document.resolved.labels[:8, :8] == 15).all()
        expected = enhance(document.inputs.pseudo, document.inputs.masks, params)
        expected[:8, :8] = 15
        np.testing.assert_array_equal(document.resolved.labels, expected)


def test_painting_background_is_a_stroke_too() -> None:
    document = Document(cat_and_dog())
    document.absorb(painted(document, slice(5, 25), slice(5, 25), 0))
    document.set_params(Params(t1=0.1))
    assert not (document.resolved.labels[5:25, 5:25]).any()


def test_nothing_painted_is_no_step() -> None:
    document = Document(cat_and_dog())
    changed = MagicMock()
    document.changed.connect(changed)
    assert not document.absorb(document.resolved.labels.copy())
    assert not document.history.done
    changed.assert_not_called()


def test_a_stroke_outside_the_class_list_is_refused_and_leaves_no_trace() -> None:
    document = Document(cat_and_dog())
    before = document.resolved.labels.copy()
    with raises_input_error(found="label 99", expected="0 to 20"):
        document.absorb(painted(document, slice(0, 3), slice(0, 3), 99))
    assert not document.edited
    np.testing.assert_array_equal(document.resolved.labels, before)


def test_ignore_can_be_painted() -> None:
    document = Document(cat_and_dog())
    document.absorb(painted(document, slice(0, 3), slice(0, 3), 255))
    assert (document.resolved.labels[:3, :3] == 255).all()


def test_one_drag_is_one_step() -> None:
    document = Document(cat_and_dog())
    for t1 in (0.6, 0.7, 0.8):
        document.set_params(Params(t1=t1), gesture="1")
    document.set_params(Params(t1=0.9), gesture="2")
    assert len(document.history.done) == 2
    document.undo()
    assert document.params.t1 == 0.8
    document.undo()
    assert document.params.t1 == 0.5


def test_a_drag_after_an_undo_is_a_new_step() -> None:
    document = Document(cat_and_dog())
    document.set_params(Params(t1=0.6), gesture="1")
    document.set_params(Params(t1=0.7), gesture="2")
    document.undo()
    document.set_params(Params(t1=0.8), gesture="1")
    document.undo()
    assert document.params.t1 == 0.6


def test_unsaved_follows_the_history() -> None:
    document = Document(cat_and_dog())
    assert not document.unsaved
    assert not document.saved
    document.set_params(Params(t1=0.6))
    assert document.unsaved
    document.mark_saved(document.history.mark)
    assert document.saved
    document.undo()
    assert document.unsaved
    document.redo()
    assert not document.unsaved


def test_saving_an_older_state_leaves_later_edits_unsaved() -> None:
    document = Document(cat_and_dog())
    document.set_params(Params(t1=0.6))
    mark = document.history.mark
    document.set_params(Params(t1=0.7))
    document.mark_saved(mark)
    assert document.unsaved


def test_each_change_is_emitted_once() -> None:
    document = Document(cat_and_dog())
    emitted: list[object] = []
    document.changed.connect(emitted.append)
    document.set_params(Params(t1=0.9))
    document.set_params(Params(t1=0.9))
    document.undo()
    document.undo()
    assert len(emitted) == 2


def test_the_history_forgets_the_oldest_beyond_its_budget() -> None:
    document = Document(cat_and_dog())
    document.history.budget = 30_000
    for step in range(60):
        document.set_params(Params(t1=0.001 * (step + 1)))
    assert len(document.history.done) == 30
    while document.undo():
        pass
    assert document.params.t1 == 0.03


@st.composite
def actions(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    box = st.tuples(*[st.integers(0, size) for size in (*SHAPE, *SHAPE)])
    step = st.one_of(
        st.tuples(st.just("stroke"), box, st.sampled_from([0, 8, 12, 255])),
        st.tuples(st.just("params"), st.floats(0, 1), st.sampled_from(list(Strategy))),
        st.tuples(
            st.just("decide"),
            st.lists(st.sampled_from([0, 1, 2, 3, 4, -8, -12]), max_size=3),
            st.sampled_from([None, 0, 8, 12, 15]),
        ),
        st.tuples(st.just("lock"), st.sampled_from([0, 8, 12]), st.booleans()),
        st.tuples(st.just("undo")),
        st.tuples(st.just("redo")),
    )
    return draw(st.lists(step, max_size=12))


def act(document: Document, steps: list[tuple[Any, ...]]) -> None:
    for name, *args in steps:
        if name == "stroke":
            (a, b, c, d), label = args
            rows, cols = slice(min(a, c), max(a, c)), slice(min(b, d), max(b, d))
            document.absorb(painted(document, rows, cols, label))
        elif name == "params":
            t1, strategy = args
            document.set_params(Params(t1=t1, strategy=strategy, conflict=Conflict.PSEUDO))
        elif name == "decide":
            document.decide(*args)
        elif name == "lock":
            document.lock(args[0], lock=args[1])
        elif name == "undo":
            document.undo()
        else:
            document.redo()


@settings(max_examples=60, deadline=None)
@given(actions())
def test_undoing_all_and_redoing_all_returns(steps: list[tuple[Any, ...]]) -> None:
    """Whatever was done: undo leads back to the start, redo to the end, pixel for pixel."""
    document = Document(cat_and_dog())
    start = document.resolved.labels.copy()
    act(document, steps)
    while document.redo():
        pass
    end, annotations = document.resolved.labels.copy(), document.annotations.copy()
    count = len(document.history.done)
    document.go_to(0)
    np.testing.assert_array_equal(document.resolved.labels, start)
    assert not document.edited
    assert not document.unsaved
    for _ in range(count):
        document.redo()
    np.testing.assert_array_equal(document.resolved.labels, end)
    assert_same(document.annotations, annotations)


def assert_same(one: Annotations, other: Annotations) -> None:
    assert (one.params, dict(one.decisions), one.locked) == (
        other.params,
        dict(other.decisions),
        other.locked,
    )
    for a, b in ((one.locked_pixels, other.locked_pixels), (one.overlay, other.overlay)):
        if a is None or b is None:
            assert all(m is None or (m == NO_OPINION).all() for m in (a, b))
        else:
            np.testing.assert_array_equal(a, b)


@settings(max_examples=60, deadline=None)
@given(actions())
def test_the_history_is_replayed_from_the_log(steps: list[tuple[Any, ...]]) -> None:
    document = Document(cat_and_dog())
    log: list[tuple[str, Any]] = []
    document.stepped.connect(lambda kind, edit: log.append((kind, edit)))
    act(document, steps)
    again = Document(
        document.inputs,
        document.annotations,
        replay(log, document.annotations, document.inputs.shape),
    )
    assert len(again.history.done) == len(document.history.done)
    assert len(again.history.undone) == len(document.history.undone)
    assert not again.unsaved
    for one in (document, again):
        while one.redo():
            pass
    np.testing.assert_array_equal(again.resolved.labels, document.resolved.labels)
    for one in (document, again):
        one.go_to(0)
    np.testing.assert_array_equal(again.resolved.labels, document.resolved.labels)
    assert not again.edited


def test_a_drag_that_was_logged_in_stops_is_one_step() -> None:
    a, b, c, d = (Params(t1=t1) for t1 in (0.5, 0.6, 0.7, 0.8))
    log: list[tuple[str, Any]] = [
        ("do", ParamsEdit(a, b, "drag")),
        ("do", ParamsEdit(b, c, "drag")),
        ("do", ParamsEdit(c, d, "next drag")),
    ]
    history = replay(log, Annotations(d), SHAPE)
    assert history.done == [ParamsEdit(a, c, "drag"), ParamsEdit(c, d, "next drag")]
    log += [("undo", ParamsEdit(c, d, "next drag")), ("undo", ParamsEdit(a, c, "drag"))]
    history = replay(log, Annotations(a), SHAPE)
    assert not history.done
    assert history.undone == [ParamsEdit(c, d, "next drag"), ParamsEdit(a, c, "drag")]
    log.append(("redo", ParamsEdit(a, c, "drag")))
    assert replay(log, Annotations(c), SHAPE).done == [ParamsEdit(a, c, "drag")]


def test_a_log_that_does_not_lead_here_is_cut() -> None:
    document = Document(cat_and_dog())
    a, b, c = Params(t1=0.6), Params(t1=0.7), Params(t1=0.5)
    log: list[tuple[str, Any]] = [("do", ParamsEdit(a, b)), ("do", ParamsEdit(a, c))]
    history = replay(log, document.annotations, SHAPE)
    assert history.done == [ParamsEdit(a, c)]


def test_locked_pixels_never_change() -> None:
    document = Document(cat_and_dog())
    cat = document.resolved.labels == 8
    document.lock(8)
    blocked = document.absorb(painted(document, slice(0, 40), slice(0, 60), 12))
    assert blocked == cat.sum()
    document.decide([0], 15)
    document.decide([1], REJECT)
    document.set_params(Params(t1=1, t2=1))
    np.testing.assert_array_equal(document.resolved.labels == 8, cat)
    assert (document.resolved.labels[~cat] != 8).all()
    document.lock(8, lock=False)
    assert (document.resolved.labels[document.inputs.masks.decode(0)] == 15).all()


def test_strokes_of_a_locked_class_are_locked_too() -> None:
    document = Document(cat_and_dog())
    document.lock(8)
    document.absorb(painted(document, slice(30, 33), slice(0, 5), 8))
    assert document.absorb(painted(document, slice(30, 35), slice(0, 5), 0)) == 15
    assert (document.resolved.labels[30:33, :5] == 8).all()


def test_a_stroke_that_is_blocked_altogether_is_no_step() -> None:
    document = Document(cat_and_dog())
    document.lock(8)
    document.absorb(painted(document, slice(6, 8), slice(6, 8), 12))
    assert [step.describe(VOC) for step in document.history.done] == ["lock cat"]


def test_decisions_outlive_sliders_and_are_described() -> None:
    document = Document(cat_and_dog())
    document.decide([2], REJECT)
    document.decide([0, 1], 15)
    document.decide([-12], 15)
    document.decide([2], None)
    for params in (Params(t1=0.0), Params(strategy=Strategy.RELEASED)):
        document.set_params(params)
        assert (document.resolved.labels[document.inputs.masks.decode(0)] == 15).all()
    emitted = [step.describe(VOC) for step in document.history.done[:4]]
    assert emitted == [
        "reject mask 2 (dog)",
        "select 2 masks for person",
        "select pseudo-labels of dog for person",
        "reset mask 2 to automatic",
    ]
    assert document.annotations.decisions == {-12: 15, 0: 15, 1: 15}


def test_a_mask_selected_for_background_wins_over_all_claims() -> None:
    document = Document(cat_and_dog())
    part = document.inputs.masks.decode(1)
    assert (document.resolved.labels[part] == 8).all()
    document.decide([1], REJECT)
    assert (document.resolved.labels[part] == 8).all()  # the whole claims it too
    document.decide([1], 0)
    assert not document.resolved.labels[part].any()
    document.set_params(Params(t1=0))
    assert not document.resolved.labels[part].any()
    assert document.history.done[1].describe(VOC) == "select mask 1 for background"


def test_a_class_without_pseudo_labels_is_made_of_masks() -> None:
    inputs = cat_and_dog()
    blank = Inputs("pets", inputs.image, np.zeros(SHAPE, np.uint8), inputs.masks, VOC)
    document = Document(blank)
    assert not document.resolved.labels.any()
    document.decide([3], 5)
    np.testing.assert_array_equal(document.resolved.labels == 5, inputs.masks.decode(3))


def test_earlier_annotations_are_restored() -> None:
    first = Document(cat_and_dog())
    first.set_params(Params(t1=0.3))
    first.decide([2], REJECT)
    first.absorb(painted(first, slice(0, 3), slice(0, 3), 15))
    first.lock(8)
    second = Document(cat_and_dog())
    second.restore(first.annotations)
    np.testing.assert_array_equal(second.resolved.labels, first.resolved.labels)
    assert second.annotations.locked == {8}
    second.go_to(0)
    assert not second.edited


def test_jumping_in_the_history_resolves_once() -> None:
    document = Document(cat_and_dog())
    for t1 in (0.6, 0.7, 0.8):
        document.set_params(Params(t1=t1))
    changed, stepped = MagicMock(), MagicMock()
    document.changed.connect(changed)
    document.stepped.connect(stepped)
    document.go_to(1)
    assert document.params.t1 == 0.6
    changed.assert_called_once()
    assert [call.args[0] for call in stepped.call_args_list] == ["undo", "undo"]


def test_strokes_are_described_by_class() -> None:
    document = Document(cat_and_dog())
    document.absorb(painted(document, slice(0, 2), slice(0, 2), 12))
    step = document.history.done[-1]
    assert isinstance(step, StrokeEdit)
    assert step.describe(document.inputs.classes) == "paint 4 pixels as dog"
    document.set_params(Params(t1=0.25))
    assert document.history.done[-1].describe(document.inputs.classes) == "set t1 = 0.25"


def test_inputs_of_different_sizes_are_refused() -> None:
    given_inputs = cat_and_dog()
    with raises_input_error("pets, ground truth", found="4 × 5 pixels", expected="40 × 60"):
        type(given_inputs)(
            "pets",
            given_inputs.image,
            given_inputs.pseudo,
            given_inputs.masks,
            given_inputs.classes,
            np.zeros((4, 5), np.uint8),
        )
