"""Masks are selected for the classes they bring, by every strategy and conflict rule."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import REJECT, assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.masks.brought import BroughtClasses
from tests.core.cases import Case, cases, thorough
from tests.core.naive import naive_brought


def with_labels(masks: MaskSet, labels: list[int]) -> MaskSet:
    """Return masks that bring classes of these labels, 0 for none."""
    names = tuple("some" if label else "" for label in labels)
    scores = np.full(len(labels), np.nan, np.float32)
    return replace(masks, brought=BroughtClasses(names, scores, np.array(labels, np.uint8)))


@thorough
@given(case=cases(), data=st.data())
def test_it_selects_as_a_naive_version_does(case: Case, data: st.DataObject) -> None:
    labels = data.draw(st.lists(
        st.sampled_from([0, 0, 1, 2, 3, 254]), min_size=len(case.masks), max_size=len(case.masks)
    ))  # fmt: skip
    shape = (case.pseudo.shape[0], case.pseudo.shape[1])
    masks = with_labels(MaskSet.from_dense(case.masks, shape=shape), labels)
    overlap = measure_overlap(case.pseudo, masks)
    found = paint(overlap, assign(overlap, case.params), case.params)
    brought = {index: label for index, label in enumerate(labels) if label}
    np.testing.assert_array_equal(
        found, naive_brought(case.pseudo, case.masks, case.params, brought)
    )


def test_a_person_s_decision_counts_more_and_empty_masks_stay_so() -> None:
    dense = np.zeros((4, 3, 3), np.bool_)
    dense[0, 0] = dense[1, 1] = dense[2, 2] = True
    masks = with_labels(MaskSet.from_dense(dense), [5, 5, 5, 5])
    overlap = measure_overlap(np.zeros((3, 3), np.uint8), masks)
    made = assign(overlap, Params(), {1: 7, 2: REJECT})
    assert made.rules.tolist() == [Rule.BROUGHT, Rule.BY_PERSON, Rule.REJECTED, Rule.EMPTY]
    assert paint(overlap, made, Params()).tolist() == [[5] * 3, [7] * 3, [0] * 3]
