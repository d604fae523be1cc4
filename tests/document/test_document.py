from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sepl.core.errors import InputError
from napari_sepl.core.params import Conflict, Params, Strategy
from napari_sepl.core.sepl import enhance
from napari_sepl.document.document import Document
from napari_sepl.document.edits import StrokeEdit
from tests.document.drawing import SHAPE, cat_and_dog


def painted(document: Document, rows: slice, cols: slice, label: int) -> np.ndarray:
    shown = document.resolved.final.copy()
    shown[rows, cols] = label
    return shown


def test_labels_are_those_of_enhance() -> None:
    document = Document(cat_and_dog(), Params(t1=0.3))
    expected = enhance(document.inputs.pseudo, document.inputs.masks, Params(t1=0.3))
    np.testing.assert_array_equal(document.resolved.final, expected)


def test_a_stroke_stays_whatever_the_sliders_do() -> None:
    document = Document(cat_and_dog())
    assert document.absorb(painted(document, slice(0, 8), slice(0, 8), 15))
    for params in (Params(t1=0.0), Params(t1=1, t2=1), Params(strategy=Strategy.RELEASED)):
        document.set_params(params)
        assert (document.resolved.final[:8, :8] == 15).all()
        expected = enhance(document.inputs.pseudo, document.inputs.masks, params)
        expected[:8, :8] = 15
        np.testing.assert_array_equal(document.resolved.final, expected)


def test_painting_background_is_a_stroke_too() -> None:
    document = Document(cat_and_dog())
    document.absorb(painted(document, slice(5, 25), slice(5, 25), 0))
    document.set_params(Params(t1=0.1))
    assert not (document.resolved.final[5:25, 5:25]).any()


def test_nothing_painted_is_no_step() -> None:
    document = Document(cat_and_dog())
    changed = MagicMock()
    document.changed.connect(changed)
    assert not document.absorb(document.resolved.final.copy())
    assert not document.history.done
    changed.assert_not_called()


def test_a_stroke_outside_the_class_list_is_refused_and_leaves_no_trace() -> None:
    document = Document(cat_and_dog())
    before = document.resolved.final.copy()
    with pytest.raises(InputError, match="found label 99; expected 0 to 20"):
        document.absorb(painted(document, slice(0, 3), slice(0, 3), 99))
    assert not document.edited
    np.testing.assert_array_equal(document.resolved.final, before)


def test_ignore_can_be_painted() -> None:
    document = Document(cat_and_dog())
    document.absorb(painted(document, slice(0, 3), slice(0, 3), 255))
    assert (document.resolved.final[:3, :3] == 255).all()


def test_one_drag_is_one_step() -> None:
    document = Document(cat_and_dog())
    for t1 in (0.6, 0.7, 0.8):
        document.set_params(Params(t1=t1), gesture=1)
    document.set_params(Params(t1=0.9), gesture=2)
    assert len(document.history.done) == 2
    document.undo()
    assert document.params.t1 == 0.8
    document.undo()
    assert document.params.t1 == 0.5


def test_a_drag_after_an_undo_is_a_new_step() -> None:
    document = Document(cat_and_dog())
    document.set_params(Params(t1=0.6), gesture=1)
    document.set_params(Params(t1=0.7), gesture=2)
    document.undo()
    document.set_params(Params(t1=0.8), gesture=1)
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


def test_each_change_is_told_once() -> None:
    document = Document(cat_and_dog())
    told: list[object] = []
    document.changed.connect(told.append)
    document.set_params(Params(t1=0.9))
    document.set_params(Params(t1=0.9))
    document.undo()
    document.undo()
    assert len(told) == 2


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
        st.tuples(st.just("undo")),
        st.tuples(st.just("redo")),
    )
    return draw(st.lists(step, max_size=12))


@settings(max_examples=60, deadline=None)
@given(actions())
def test_undoing_all_and_redoing_all_returns(steps: list[tuple[Any, ...]]) -> None:
    """Whatever was done: undo leads back to the start, redo to the end, pixel for pixel."""
    document = Document(cat_and_dog())
    start = document.resolved.final.copy()
    for name, *args in steps:
        if name == "stroke":
            (a, b, c, d), label = args
            rows, cols = slice(min(a, c), max(a, c)), slice(min(b, d), max(b, d))
            document.absorb(painted(document, rows, cols, label))
        elif name == "params":
            t1, strategy = args
            document.set_params(Params(t1=t1, strategy=strategy, conflict=Conflict.SEED))
        elif name == "undo":
            document.undo()
        else:
            document.redo()
    while document.redo():
        pass
    end, overlay, count = document.resolved.final.copy(), document.overlay.copy(), 0
    while document.undo():
        count += 1
    np.testing.assert_array_equal(document.resolved.final, start)
    assert not document.edited
    assert not document.unsaved
    for _ in range(count):
        document.redo()
    np.testing.assert_array_equal(document.resolved.final, end)
    np.testing.assert_array_equal(document.overlay, overlay)


def test_strokes_are_described_by_class() -> None:
    document = Document(cat_and_dog())
    document.absorb(painted(document, slice(0, 2), slice(0, 2), 12))
    step = document.history.done[-1]
    assert isinstance(step, StrokeEdit)
    assert step.describe(document.inputs.classes) == "paint 4 pixels dog"
    document.set_params(Params(t1=0.25))
    assert document.history.done[-1].describe(document.inputs.classes) == "set t1 = 0.25"


def test_inputs_of_different_sizes_are_refused() -> None:
    given_inputs = cat_and_dog()
    with pytest.raises(InputError, match=r"pets: truth: found 4 × 5 pixels; expected 40 × 60"):
        type(given_inputs)(
            "pets",
            given_inputs.image,
            given_inputs.pseudo,
            given_inputs.masks,
            given_inputs.classes,
            np.zeros((4, 5), np.uint8),
        )
