import numpy as np
import pytest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.masks.mask_set import MaskScores, MaskSet
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.explain import explain_region
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.regions import regions_at, regions_within
from napari_sepl.document.resolve import resolve
from tests.document.drawing import SHAPE, cat_and_dog


def explain(index: int, **settings: object) -> str:
    inputs = cat_and_dog()
    return explain_region(
        inputs, resolve(inputs.overlap, Annotations(Params.model_validate(settings))), index
    )


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (0, "mask 0 (400 px) · cat · o_s 0.562 > 0.5, o_p 1.000 > 0.85 · selected by o_s and o_p"),
        (1, "mask 1 (75 px) · cat · o_s 1.000 > 0.5, o_p 0.333 ≤ 0.85 · selected by o_s"),
        (2, "mask 2 (200 px) · dog · o_s 0.400 ≤ 0.5, o_p 1.000 > 0.85 · selected by o_p"),
        (3, "mask 3 (50 px) · rejected: overlaps no class"),
        (4, "mask 4 (0 px) · rejected: empty mask"),
    ],
)
def test_each_rule_has_a_text(index: int, text: str) -> None:
    assert explain(index) == text


def test_rejected_below_both() -> None:
    assert explain(2, t2=1).endswith(
        "dog · o_s 0.400 ≤ 0.5, o_p 1.000 ≤ 1 · rejected: below both thresholds"
    )


def test_the_released_code_selects_equal_shares() -> None:
    assert "o_p 1.000 ≥ 1 · selected by o_p" in explain(2, t2=1, strategy=Strategy.RELEASED)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (0, "mask 0 (400 px) · cat · o_s 0.562, o_p 1.000 · selected: the level fits best"),
        (1, "o_s 1.000, o_p 0.333 · rejected: another level fits better"),
        (2, "mask 2 (200 px) · dog · o_s 0.400, o_p 1.000 · selected: the level fits best"),
        (3, "mask 3 (50 px) · rejected: overlaps no class"),
        (-8, "pseudo-labels of cat (225 px) · kept where all covering masks fit the class"),
        (-12, "pseudo-labels of dog (80 px) · replaced by masks"),
    ],
)
def test_the_tree_weighs_levels(index: int, text: str) -> None:
    assert explain(index, strategy=Strategy.TREE).endswith(text)


def test_the_tree_rejects_what_fits_poorly() -> None:
    """At t1 = 0.9 a pixel outside costs 1.62."""
    assert explain(2, t1=0.9, strategy=Strategy.TREE).endswith("fits the class too poorly")
    assert explain(-12, t1=0.9, strategy=Strategy.TREE).endswith("no mask was selected for it")


def test_sams_scores_are_shown_if_given() -> None:
    inputs = cat_and_dog()
    scores = MaskScores.from_records([{"predicted_iou": 0.91}, *[{}] * 4])
    scored = Inputs(
        "pets", inputs.image, inputs.pseudo, MaskSet(inputs.masks.runs, scores), inputs.classes
    )
    resolved = resolve(scored.overlap, Annotations())
    assert explain_region(scored, resolved, 0).endswith(
        "selected by o_s and o_p · predicted IoU 0.91"
    )
    assert np.isnan(scores.stability_score).all()


@pytest.mark.parametrize(
    ("region", "decisions", "settings", "text"),
    [
        (0, {0: -1}, {}, "o_s 0.562 > 0.5, o_p 1.000 > 0.85 · rejected by the annotator"),
        (3, {3: 12}, {}, "mask 3 (50 px) · dog · selected by the annotator"),
        (-8, {}, {}, "pseudo-labels of cat (225 px) · replaced by masks"),
        (-12, {}, {"t2": 1}, "kept: no mask was selected for it"),
        (-12, {-12: -1}, {}, "rejected by the annotator"),
        (-12, {-12: 0}, {}, "selected for background by the annotator"),
        (0, {0: 0}, {}, " px) · background · selected by the annotator"),
        (-12, {-12: 8}, {}, "selected for cat by the annotator"),
        (-12, {}, {"t2": 1, "strategy": "released"}, "replaced by masks"),
    ],
)
def test_decisions_and_pseudo_labels(
    region: int, decisions: dict[int, int], settings: dict[str, object], text: str
) -> None:
    inputs = cat_and_dog()
    annotations = Annotations(Params.model_validate(settings), decisions)
    assert explain_region(inputs, resolve(inputs.overlap, annotations), region).endswith(text)


def test_regions_are_listed_from_part_to_whole() -> None:
    inputs = cat_and_dog()
    assert regions_at(inputs, 6, 6) == [1, 0, -8]
    assert regions_at(inputs, 22, 22) == [0]
    assert regions_at(inputs, 37, 2) == [3]
    assert regions_at(inputs, 0, 0) == []
    assert regions_at(inputs, -1, 5) == regions_at(inputs, 40, 5) == []


def test_a_lasso_picks_masks_that_lie_nine_tenths_inside() -> None:
    inputs = cat_and_dog()
    inside = np.zeros(SHAPE, bool)
    inside[:, :23] = True  # 360 of the 400 pixels of mask 0
    assert regions_within(inputs, inside) == [0, 1, 3]
    inside[24, 22] = False
    assert regions_within(inputs, inside) == [1, 3]
    assert regions_within(inputs, np.zeros(SHAPE, bool)) == []
