"""Where each pixel came from, against a plain version."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.core.algorithm.assignment import assign
from napari_sepl.core.algorithm.paint import paint
from napari_sepl.core.algorithm.rules import Rule
from napari_sepl.core.analysis.provenance import (
    NAMES,
    Source,
    count_sources,
    find_sources,
    find_unsure,
    soften,
)
from tests.core.algorithm.test_decisions import decided_cases
from tests.core.cases import Case, Labels, cases, measure, pairs, quick
from tests.core.drawing import labels

OF_RULE = {
    Rule.BY_O_P: Source.BY_O_P,
    Rule.BY_O_S: Source.BY_O_S,
    Rule.BY_BOTH: Source.BY_O_S,
    Rule.BY_LEVEL: Source.BY_O_S,
    Rule.BY_PERSON: Source.PERSON,
}


@quick
@given(decided_cases())
def test_each_pixel_tells_its_highest_claimant(chosen: tuple[Case, dict[int, int]]) -> None:
    case, decisions = chosen
    overlap = measure(case)
    decided = assign(overlap, case.params, decisions)
    labels = paint(overlap, decided, case.params)
    expected = np.where(labels == 255, Source.IGNORED, Source.NOTHING)
    claims = [
        (case.masks[index], int(decided.class_ids[index]), OF_RULE[Rule(rule)])
        for index, rule in enumerate(decided.rules)
        if rule in OF_RULE
    ]
    for index, class_id in enumerate(decided.kept.class_ids.tolist()):
        source = Source.PERSON if decided.kept.by_person[index] else Source.KEPT
        claims.append((decided.kept.regions.decode(index), class_id, source))
    for region, class_id, source in claims:
        won = region & (labels == class_id)
        expected[won] = np.maximum(expected[won], source)
    found = find_sources(overlap, decided, labels)
    np.testing.assert_array_equal(found, expected)
    claimed = np.isin(labels, [0, 255], invert=True)
    assert (found[claimed] >= Source.KEPT).all()


@quick
@given(cases(), st.integers(0, 254))
def test_strokes_are_above_pins_and_pins_above_all(case: Case, label: int) -> None:
    overlap = measure(case)
    decided = assign(overlap, case.params)
    labels = paint(overlap, decided, case.params)
    locked_pixels, overlay = (np.full(labels.shape, -1, np.int16) for _ in range(2))
    locked_pixels[:1], overlay[:, :1] = label, 0
    found = find_sources(overlap, decided, labels, locked_pixels, overlay)
    assert (found[:, 0] == Source.PAINTED).all()
    locked = found[0, 1:] == Source.PINNED
    np.testing.assert_array_equal(locked, labels[0, 1:] != label)  # an equal one changes nothing


def test_counts_leave_out_what_is_not_there() -> None:
    found = np.array([[0, 2, 2], [9, 9, 9]], np.uint8)
    assert count_sources(found) == {Source.NOTHING: 1, Source.KEPT: 2, Source.PAINTED: 3}


def test_each_source_has_plain_words_of_its_own() -> None:
    assert set(NAMES) == set(Source)
    assert len(set(NAMES.values())) == len(Source)
    assert NAMES[Source.NOTHING] == "background: no class"


def test_what_a_person_decided_is_sure() -> None:
    final, pseudo = labels("1111111111"), labels("2222222222")[:, : len(Source)]
    final = final[:, : len(Source)]
    sources = np.arange(len(Source), dtype=np.uint8)[None]
    unsure = find_unsure(final, pseudo, sources)
    assert [Source(one) for one in np.flatnonzero(~unsure).tolist()] == [
        Source.PERSON, Source.PROMPTED, Source.PINNED, Source.PAINTED,
    ]  # fmt: skip
    assert find_unsure(final, pseudo).all()


@quick
@given(pairs, st.sampled_from((0.5, 0.75, 1.0)))
def test_probabilities_are_the_definition(pair: tuple[Labels, Labels], trust: float) -> None:
    final, pseudo = pair
    unsure = find_unsure(final, pseudo)
    soft = soften(final, pseudo, unsure, trust)
    for at in np.ndindex(*final.shape):
        expected: dict[int, float] = {}
        if final[at] != 255:
            shared = unsure[at] and pseudo[at] != 255
            expected[int(final[at])] = trust if shared else 1
            if shared:
                expected[int(pseudo[at])] = 1 - trust
        found = zip(soft.class_ids.tolist(), soft.probabilities[:, *at].tolist(), strict=True)
        assert {one: p for one, p in found if p} == {one: p for one, p in expected.items() if p}


def test_all_ignore_has_no_classes() -> None:
    nothing = labels("??")
    soft = soften(nothing, labels("12"), nothing > 0, 0.75)
    assert soft.probabilities.shape == (0, 1, 2)
