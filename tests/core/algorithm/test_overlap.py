"""The table of masks against classes."""

import numpy as np
from hypothesis import given

from napari_sepl import MaskSet
from napari_sepl.core.algorithm.overlap import measure_overlap
from tests.core.cases import Case, cases, crowded_cases, measure, quick
from tests.core.drawing import labels, mask
from tests.messages import raises_input_error


def check_table(case: Case) -> None:
    overlap = measure(case)
    classes = [k for k in np.unique(case.pseudo).tolist() if k not in (0, 255)]
    expected = [[(each & (case.pseudo == k)).sum() for k in classes] for each in case.masks]
    assert overlap.class_ids.tolist() == classes
    assert overlap.intersections.shape == (len(case.masks), len(classes))
    assert overlap.intersections.tolist() == expected
    assert overlap.seeds.areas.tolist() == [(case.pseudo == k).sum() for k in classes]
    for column, class_id in enumerate(classes):
        np.testing.assert_array_equal(overlap.seeds.decode(column), case.pseudo == class_id)


@quick
@given(cases())
def test_counts_as_numpy(case: Case) -> None:
    check_table(case)


@quick
@given(crowded_cases())
def test_counts_254_classes_as_numpy(case: Case) -> None:
    check_table(case)


def test_shares_are_exact_quotients() -> None:
    overlap = measure_overlap(labels("1112"), MaskSet.from_dense([mask(".###"), mask("....")]))
    assert overlap.o_s.tolist() == [[2 / 3, 1 / 3], [0, 0]]
    assert overlap.o_p.tolist() == [[2 / 3, 1], [0, 0]]
    assert overlap.best_class.tolist() == [1, 0]


def test_sizes_that_differ_are_told_apart() -> None:
    masks = MaskSet.from_dense(np.ones((1, 3, 2), bool))
    with raises_input_error("masks", found="3 × 2 pixels", expected="2 × 3"):
        measure_overlap(np.zeros((2, 3), np.uint8), masks)
