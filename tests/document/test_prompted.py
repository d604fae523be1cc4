"""Masks that a person made by prompts: taken, undone, refused, explained, said again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.algorithm.overlap import extend_overlap, measure_overlap
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.provenance import Source
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.document.annotations import Annotations, join_prompted
from napari_sepl.document.document import Document
from napari_sepl.document.edits import PromptEdit
from napari_sepl.document.explain import explain_region
from napari_sepl.document.history import replay
from tests.core.cases import Case, cases
from tests.document.drawing import SHAPE, cat_and_dog
from tests.messages import raises_input_error


def rectangle(rows: slice, cols: slice, rating: float = 0.9) -> MaskSet:
    mask = np.zeros((1, *SHAPE), np.bool_)
    mask[0, rows, cols] = True
    return MaskSet.from_dense(mask, scores=MaskScores.from_records([{"predicted_iou": rating}]))


HAND = rectangle(slice(30, 36), slice(20, 30))
TAIL = rectangle(slice(8, 12), slice(25, 38))


def test_a_prompted_mask_is_the_last_mask_and_selected() -> None:
    document = Document(cat_and_dog())
    document.add_prompted(HAND, 15)
    assert len(document.inputs.masks) == 6
    assert document.annotations.decisions == {5: 15}
    assert (document.resolved.labels[30:36, 20:30] == 15).all()
    assert (document.resolved.find_sources()[30:36, 20:30] == Source.PROMPTED).all()
    assert document.history.done[0].describe(VOC) == "add prompted mask 5 for person"
    text = explain_region(document.inputs, document.resolved, 5)
    assert text == "mask 5 (60 px) · person · selected by the annotator · predicted IoU 0.90"
    document.set_params(Params(t1=0, strategy=Strategy.RELEASED))
    assert (document.resolved.labels[30:36, 20:30] == 15).all()


def test_undo_removes_it_and_redo_restores_it() -> None:
    document = Document(cat_and_dog())
    before = document.resolved.labels.copy()
    document.add_prompted(HAND, 15)
    document.add_prompted(TAIL, 8)
    document.decide([5], 12)
    after = document.resolved.labels.copy()
    document.go_to(0)
    np.testing.assert_array_equal(document.resolved.labels, before)
    assert len(document.inputs.masks) == 5
    assert document.inputs.given is None
    document.go_to(3)
    np.testing.assert_array_equal(document.resolved.labels, after)
    assert document.annotations.decisions == {5: 12, 6: 8}
    document.undo()
    document.undo()
    document.add_prompted(rectangle(slice(0, 2), slice(0, 2)), 7)
    assert (document.resolved.labels[:2, :2] == 7).all()
    assert not (document.resolved.labels[8:12, 25:38] == 8).all()


def test_it_is_rejected_and_reset_like_any_mask() -> None:
    document = Document(cat_and_dog())
    document.add_prompted(TAIL, 8)
    document.decide([5], REJECT)
    assert not (document.resolved.labels[8:12, 25:38] == 8).any()
    document.decide([5], None)
    assert not document.resolved.assignment.selected[5]  # it meets no pseudo-label
    assert document.annotations.edited


@pytest.mark.parametrize(
    ("mask", "class_id"),
    [
        (rectangle(slice(0), slice(0)), 8),
        (HAND.followed_by(TAIL), 8),
        (MaskSet.from_dense(np.ones((1, 3, 3), np.bool_)), 8),
        (HAND, 77),
    ],
)
def test_what_is_no_mask_of_the_image_is_refused(mask: MaskSet, class_id: int) -> None:
    document = Document(cat_and_dog())
    with pytest.raises(InputError):
        document.add_prompted(mask, class_id)
    assert not document.history.done


def test_masks_whose_numbers_do_not_follow_are_refused() -> None:
    with raises_input_error("pets, masks made by prompts", found="masks [7]"):
        Document(cat_and_dog(), Annotations(prompted={7: HAND}))


def test_on_other_masks_the_prompted_ones_stay() -> None:
    document = Document(cat_and_dog())
    document.decide([1, -8], 15)
    document.add_prompted(HAND, 15)
    document.add_prompted(TAIL, 8)
    document.decide([5], REJECT)
    annotations = document.annotations.on_other_masks(2)
    assert annotations.decisions == {2: REJECT, 3: 8}
    assert list(annotations.prompted.values()) == [HAND, TAIL]


def test_prompted_masks_are_renumbered() -> None:
    annotations = Annotations(decisions={1: 15, 3: 8, 7: 12, -8: 0}, prompted={5: HAND, 7: TAIL})
    moved = annotations.renumbered(3)
    assert (moved.decisions, list(moved.prompted)) == ({-8: 0, 1: 15, 4: 12}, [3, 4])


def test_they_are_restored_beside_other_masks() -> None:
    first = Document(cat_and_dog())
    first.add_prompted(HAND, 15)
    first.add_prompted(TAIL, 8)
    first.decide([5], REJECT)
    inputs = cat_and_dog()
    bare = MaskSet.from_rle([], shape=SHAPE)
    second = Document(type(inputs)("pets", inputs.image, inputs.pseudo, bare, VOC))
    second.restore(first.annotations.on_other_masks(0))
    assert second.annotations.decisions == {0: REJECT, 1: 8}
    assert (second.resolved.labels[8:12, 25:38] == 8).all()


def test_a_history_with_prompts_is_replayed() -> None:
    document = Document(cat_and_dog())
    steps: list[tuple[str, object]] = []
    document.stepped.connect(lambda kind, edit: steps.append((kind, edit)))
    document.add_prompted(HAND, 15)
    document.add_prompted(TAIL, 8)
    document.undo()
    document.decide([5], 12)
    history = replay(steps, document.annotations, SHAPE)  # type: ignore[arg-type]
    assert len(history.done) == 2
    again = Document(cat_and_dog(), document.annotations, history)
    again.go_to(0)
    assert not again.annotations.edited
    other = PromptEdit(5, TAIL, 8)
    assert not other.inverse().follows(document.annotations, SHAPE)


@settings(deadline=None)
@given(cases(), st.integers(0, 5))
def test_a_table_that_was_extended_is_the_table_of_all(case: Case, count: int) -> None:
    masks = MaskSet.from_dense(case.masks, shape=case.pseudo.shape)
    first = MaskSet.from_dense(case.masks[:count], shape=case.pseudo.shape)
    rest = {
        index: MaskSet.from_dense(case.masks[index : index + 1])
        for index in range(len(first), len(masks))
    }
    joined = join_prompted(first, rest, "case")
    assert joined.digest == masks.digest
    whole = measure_overlap(case.pseudo, masks)
    extended = extend_overlap(measure_overlap(case.pseudo, first), joined)
    np.testing.assert_array_equal(extended.intersections, whole.intersections)
    np.testing.assert_array_equal(extended.best_class, whole.best_class)
