"""Each cause on a image whose right answer can be seen, then all against a plain version."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.assignment import REJECT, assign
from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.masks import LEAST, diagnose
from napari_sepl.core.analysis.diagnosis.types import HINT, Cause, Diagnosis, Finding, Kind
from tests.core.analysis.naive_diagnosis import strengths_of
from tests.core.cases import Case, cases, quick
from tests.core.drawing import labels, mask

TREE = Params(strategy=Strategy.TREE)


def examine(
    pseudo: list[str],
    masks: list[list[str]],
    params: Params | None = None,
    image_labels: tuple[int, ...] = (),
    decisions: dict[int, int] | None = None,
) -> Diagnosis:
    """Diagnose images drawn as text."""
    drawn, params = labels(*pseudo), params or Params()
    shape: Any = drawn.shape
    dense = [mask(*rows) for rows in masks]
    overlap = measure_overlap(drawn, MaskSet.from_dense(dense, shape=shape))
    assignment = assign(overlap, params, decisions or {})
    return diagnose(overlap, assignment, paint(overlap, assignment, params), image_labels)


def row(pseudo: str, *masks: str, **options: Any) -> Diagnosis:
    return examine([pseudo], [[one] for one in masks], **options)


def about(share: float) -> Any:
    return pytest.approx(share)


def of(diagnosis: Diagnosis, cause: Cause) -> list[Finding]:
    return [finding for finding in diagnosis.findings if finding.cause is cause]


def test_labels_that_masks_fit_are_free_of_suspicion() -> None:
    diagnosis = row("..1111..22..", "..####......", "........##..", image_labels=(1, 2))
    assert diagnosis == Diagnosis(())
    assert (diagnosis.main, diagnosis.suspicion) == (None, 0.0)


# --- pseudo-labels


def test_a_class_that_no_mask_meets() -> None:
    diagnosis = row("..11..22", "##......", "......##")
    assert diagnosis.findings == (Finding(Cause.UNMET, 1.0, 1),)
    assert diagnosis.suspicion == HINT


def test_a_class_whose_masks_lie_on_another_one_more_is_unmet() -> None:
    assert of(row("11222", "#####"), Cause.UNMET) == [Finding(Cause.UNMET, 1.0, 1)]


def test_a_class_in_pieces() -> None:
    found = of(
        examine(["11.1", "11..", "..11"], [["####", "####", "####"]]), Cause.SCATTERED
    )  # corners do not connect
    assert found == [Finding(Cause.SCATTERED, about(3 / 7), 1)]


def test_a_run_that_goes_on_at_the_top_of_the_next_column_is_no_connection() -> None:
    found = of(examine([".1", "1."], [["##", "##"]]), Cause.SCATTERED)
    assert found == [Finding(Cause.SCATTERED, 0.5, 1)]


def test_a_named_class_that_is_nowhere() -> None:
    diagnosis = row("11..", "##..", image_labels=(1, 3))
    assert diagnosis.findings == (Finding(Cause.MISSING, 1.0, 3),)
    assert diagnosis.suspicion == 1.0


def test_a_named_class_that_a_person_made_is_not_missing() -> None:
    assert row("11..", "##..", "...#", image_labels=(1, 3), decisions={1: 3}).findings == ()


# --- masks


def test_a_class_that_masks_leave_bare() -> None:
    diagnosis = row("1111....", "##......", "......##")
    assert of(diagnosis, Cause.UNCOVERED) == [Finding(Cause.UNCOVERED, 0.5, 1)]


def test_a_mask_over_two_classes() -> None:
    diagnosis = row("111122", "#####.", "....##")
    assert of(diagnosis, Cause.STRADDLING) == [Finding(Cause.STRADDLING, 0.5, 2, 0)]
    refused = row("111122", "#####.", "....##", "####..", decisions={0: REJECT})
    assert of(refused, Cause.STRADDLING) == []


# --- algorithm


def test_a_mask_that_swallows_refused_ones() -> None:
    # The whole is selected by o_p; of its parts one lies on the class, one beside it, one in that.
    masks = ("##########", "##........", "..######..", "..##......")
    diagnosis = row("11........", *masks)
    assert of(diagnosis, Cause.SWALLOWING) == [Finding(Cause.SWALLOWING, 0.6, 1, 0)]
    decided = row("11........", *masks, decisions={2: REJECT, 3: REJECT})
    assert of(decided, Cause.SWALLOWING) == []


def test_refused_parts_that_overlap_count_no_more_than_lies_off_the_class() -> None:
    diagnosis = row("1111....", "########", "....###.", ".....###")
    assert of(diagnosis, Cause.SWALLOWING) == [Finding(Cause.SWALLOWING, 0.5, 1, 0)]


@pytest.mark.parametrize("params", [Params(), TREE])
def test_a_mask_taken_though_most_of_it_lies_outside(params: Params) -> None:
    found = of(row("1111......", "##########", params=params), Cause.OUTSIDE)
    assert found == [Finding(Cause.OUTSIDE, 0.6, 1, 0)]


def test_a_mask_taken_by_o_s_is_not_outside() -> None:
    assert of(row("111...", "######", params=Params(t1=0.4)), Cause.OUTSIDE) == []


def test_a_class_that_grew() -> None:
    diagnosis = row("11........", "########..")
    assert of(diagnosis, Cause.GROWN) == [Finding(Cause.GROWN, 0.5, 1)]
    assert of(row("11........", "####......"), Cause.GROWN) == []  # twice is not much


def test_a_class_that_shrank() -> None:
    found = of(row("11111.", "##...."), Cause.SHRUNK)
    assert found == [Finding(Cause.SHRUNK, about(0.6), 1)]


def test_classes_that_fight() -> None:
    diagnosis = row("1111222.", "#####...", "...#####")
    assert of(diagnosis, Cause.CONTESTED) == [
        Finding(Cause.CONTESTED, 0.4, 1),
        Finding(Cause.CONTESTED, 0.4, 2),
    ]
    settled = row("1111222.", "#####...", "...#####", decisions={0: 1})
    assert of(settled, Cause.CONTESTED) == []


def test_three_classes_count_a_pixel_once_each() -> None:
    # All three claim the pixel in the middle: 1 and 3 by masks, 2 keeps its pseudo-labels.
    diagnosis = row("11233", "###..", "..###")
    assert {f.class_id: f.strength for f in of(diagnosis, Cause.CONTESTED)} == {
        1: pytest.approx(1 / 3), 2: 1.0, 3: pytest.approx(1 / 3),
    }  # fmt: skip


# --- the sum of it


def test_what_is_seen_comes_before_what_is_hinted_at() -> None:
    diagnosis = row("1111.1..", "##......", "......##")
    causes = [finding.cause for finding in diagnosis.findings]
    assert causes == [Cause.SHRUNK, Cause.UNCOVERED, Cause.SCATTERED]
    assert diagnosis.main == Finding(Cause.SHRUNK, about(0.6), 1)
    assert diagnosis.suspicion == pytest.approx(0.6)
    assert diagnosis.findings[-1].weighed == pytest.approx(HINT * 0.2)


def test_every_cause_has_a_kind() -> None:
    assert {cause.kind for cause in Cause} == set(Kind)


def check(case: Case, decisions: dict[int, int]) -> None:
    shape: Any = case.pseudo.shape
    masks = MaskSet.from_dense(case.masks, shape=shape)
    overlap = measure_overlap(case.pseudo, masks)
    assignment = assign(overlap, case.params, decisions)
    enhanced = paint(overlap, assignment, case.params)
    diagnosis = diagnose(overlap, assignment, enhanced)
    told = strengths_of(case.pseudo, list(case.masks), assignment, enhanced)
    found = {(f.cause, f.class_id): f.strength for f in diagnosis.findings}
    expected = {at: strength for at, strength in told.items() if strength >= LEAST}
    assert found == pytest.approx(expected)
    assert len(found) == len(diagnosis.findings)
    weighed = [finding.weighed for finding in diagnosis.findings]
    assert weighed == sorted(weighed, reverse=True)
    assert all(0 < one <= 1 for one in weighed)
    for finding in diagnosis.findings:
        if finding.mask_index is not None:
            assert assignment.selected[finding.mask_index]


@quick
@given(cases())
def test_all_causes_as_a_plain_version_measures_them(case: Case) -> None:
    check(case, {})


@quick
@given(cases(), st.data())
def test_a_person_s_decisions_are_no_causes(case: Case, choices: st.DataObject) -> None:
    classes = [k for k in np.unique(case.pseudo).tolist() if k not in (0, 255)]
    regions = st.sampled_from([*range(len(case.masks)), *(-k for k in classes), None])
    wanted = st.sampled_from([REJECT, 0, 1, 2, 7])
    chosen = choices.draw(st.dictionaries(regions, wanted, max_size=4))
    check(case, {region: k for region, k in chosen.items() if region is not None})


@quick
@given(cases())
def test_order_and_number_of_masks_of_nothing_do_not_matter(case: Case) -> None:
    shape: Any = case.pseudo.shape
    blank = np.zeros((1, *shape), bool)
    told = []
    for stack in (case.masks, np.concatenate([blank, case.masks])):
        overlap = measure_overlap(case.pseudo, MaskSet.from_dense(stack, shape=shape))
        assignment = assign(overlap, case.params)
        found = diagnose(overlap, assignment, paint(overlap, assignment, case.params)).findings
        told.append([finding[:3] for finding in found])
    assert told[0] == told[1]
