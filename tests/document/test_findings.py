"""Causes of failure in words."""

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.core.analysis.diagnosis.types import Cause, Finding
from napari_sepl.core.labels.classes import VOC
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from tests.document.drawing import cat_and_dog


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding(Cause.UNMET, 1.0, 8), "cat: no mask overlaps this class most"),
        (Finding(Cause.SCATTERED, 0.344, 8), "cat: 34 % of its pseudo-labels are outside"),
        (Finding(Cause.MISSING, 1.0, 12), "dog: in the image-level labels"),
        (Finding(Cause.UNCOVERED, 0.25, 8), "cat: 25 % of its pseudo-labels are not"),
        (
            Finding(Cause.STRADDLING, 0.8, 8, 3),
            "cat: mask 3, selected for another class, covers 80 %",
        ),
        (Finding(Cause.SWALLOWING, 0.5, 8, 0), "cat: mask 0 contains"),
        (Finding(Cause.OUTSIDE, 0.6, 12, 2), "dog: mask 2 was selected, but 60 % of it"),
        (Finding(Cause.GROWN, 0.5, 8), "cat: grew to 4.0 times its pseudo-labels"),
        (Finding(Cause.SHRUNK, 0.25, 8), "cat: shrank to 75 % of its pseudo-labels"),
        (Finding(Cause.SHRUNK, 1.0, 8), "cat: no pixel of it is left"),
        (Finding(Cause.CONTESTED, 0.1, 8), "cat: another class also claims 10 % of its pixels"),
    ],
)
def test_each_cause_has_a_sentence(finding: Finding, text: str) -> None:
    assert finding.describe(VOC).startswith(text)


def test_each_cause_has_words_of_its_own() -> None:
    assert len({cause.label for cause in Cause} - {""}) == len(Cause)
    assert len({cause.sentence for cause in Cause} - {""}) == len(Cause)


def test_an_image_is_diagnosed_as_it_is_now() -> None:
    document = Document(cat_and_dog(), Annotations(Params()))
    found = document.resolved.diagnose(image_labels=(8, 12, 15))
    assert [(f.cause, f.class_id, f.mask_index) for f in found.findings] == [
        (Cause.MISSING, 15, None),
        (Cause.GROWN, 12, None),
        (Cause.OUTSIDE, 12, 2),
    ]
    painted = document.resolved.labels.copy()
    painted[painted == 12] = 0
    painted[0, 0] = 15
    document.absorb(painted)
    found = document.resolved.diagnose(image_labels=(8, 12, 15))
    assert found.main == Finding(Cause.SHRUNK, 1.0, 12)
    assert np.isclose(found.suspicion, 1)
    assert Cause.MISSING not in {f.cause for f in found.findings}
