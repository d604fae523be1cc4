import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_sepl.core.analysis.provenance import Source, find_unsure, soften
from tests.core.cases import Labels, pairs, quick
from tests.core.drawing import labels


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
        told = zip(soft.class_ids.tolist(), soft.probabilities[:, *at].tolist(), strict=True)
        assert {one: p for one, p in told if p} == {one: p for one, p in expected.items() if p}


def test_all_ignore_has_no_classes() -> None:
    nothing = labels("??")
    soft = soften(nothing, labels("12"), nothing > 0, 0.75)
    assert soft.probabilities.shape == (0, 1, 2)
