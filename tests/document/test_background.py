"""The background of soft scores: a setting like others, from which pseudo-labels follow."""

from dataclasses import replace

import numpy as np
import pytest

from napari_sepl.core.algorithm.overlap import measure_overlap
from napari_sepl.core.algorithm.paint import enhance
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.scores import Scores, cut_scores
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.edits import ParamsEdit
from napari_sepl.document.regions import area_of
from tests.document.drawing import SHAPE, cat_and_dog
from tests.document.soft import soft_pets


def scores_of(document: Document) -> Scores:
    assert document.inputs.scores is not None
    return document.inputs.scores


def assert_follows(document: Document) -> None:
    """Check that all there is follows from the scores and the settings, as if opened so."""
    inputs, params = document.inputs, document.params
    pseudo = cut_scores(scores_of(document), params.background)
    assert np.array_equal(inputs.pseudo, pseudo)
    overlap = measure_overlap(pseudo, inputs.masks)
    assert np.array_equal(inputs.overlap.intersections, overlap.intersections)
    assert np.array_equal(document.resolved.enhanced, enhance(pseudo, inputs.masks, params))


@pytest.mark.parametrize("strategy", list(Strategy))
def test_labels_follow_the_background_and_undo(strategy: Strategy) -> None:
    document = Document(soft_pets(), Annotations(Params(strategy=strategy)))
    before = document.resolved.labels.copy()
    for value in (0.45, 0.6, 2.0, 0.95):
        document.set_params(
            document.params.model_copy(update={"background": value}), gesture="drag"
        )
        assert_follows(document)
    assert len(document.history.done) == 1
    assert not document.inputs.pseudo.any()
    assert (document.resolved.labels != before).any()
    document.undo()
    assert_follows(document)
    assert np.array_equal(document.resolved.labels, before)
    document.redo()
    assert document.params.background == 0.95
    assert_follows(document)


def test_a_document_opens_at_its_background() -> None:
    document = Document(soft_pets(), Annotations(Params(background=0.6)))
    assert not (document.inputs.pseudo == 12).any()
    assert_follows(document)


def test_what_follows_from_the_masks_alone_is_kept() -> None:
    document = Document(soft_pets())
    tree, superpixels, masks = (
        document.inputs.tree,
        document.inputs.superpixels,
        document.inputs.masks,
    )
    document.set_params(Params(background=0.5))
    assert document.inputs.tree is tree
    assert document.inputs.superpixels is superpixels
    assert document.inputs.masks is masks


def test_decisions_on_pseudo_labels_wait_while_their_class_has_no_pixel() -> None:
    document = Document(soft_pets())
    document.decide([-12], 12)
    kept = document.resolved.labels.copy()
    assert (kept == 12).any()
    document.set_params(Params(background=0.6))
    assert document.annotations.decisions == {-12: 12}
    assert not (document.resolved.labels == 12).any()
    assert area_of(document.inputs, -12) == 0
    document.decide([-12], None)  # also while it waits
    document.undo()
    document.set_params(Params())
    assert np.array_equal(document.resolved.labels, kept)
    with pytest.raises(InputError, match="class 3"):
        document.decide([-3], 3)


def test_decisions_are_restored_with_their_background() -> None:
    document = Document(soft_pets())
    document.decide([-12], 12)
    document.set_params(Params(background=0.6))
    again = Document(soft_pets())
    again.restore(document.annotations)
    assert again.annotations.decisions == {-12: 12}
    assert np.array_equal(again.resolved.labels, document.resolved.labels)


def test_masks_by_prompts_stay() -> None:
    document = Document(soft_pets())
    drawn = np.zeros((1, *SHAPE), bool)
    drawn[0, 30:38, 20:30] = True
    document.add_prompted(MaskSet.from_dense(drawn), 8)
    document.set_params(Params(background=0.6))
    assert len(document.inputs.masks) == 6
    assert (document.resolved.labels[30:38, 20:30] == 8).all()
    pseudo = cut_scores(scores_of(document), 0.6)
    overlap = measure_overlap(pseudo, document.inputs.masks)
    assert np.array_equal(document.inputs.overlap.intersections, overlap.intersections)
    document.undo()
    document.undo()
    assert len(document.inputs.masks) == 5
    assert_follows(document)


def test_hard_labels_have_no_use_for_it() -> None:
    document = Document(cat_and_dog())
    inputs, final = document.inputs, document.resolved.labels
    document.set_params(Params(background=0.9))
    assert document.inputs is inputs
    assert np.array_equal(document.resolved.labels, final)
    assert inputs.vanished == frozenset()


def test_scores_of_another_size_are_refused() -> None:
    other = Scores(np.array([8], np.uint8), np.zeros((1, 3, 4), np.float32), 0.2)
    with pytest.raises(InputError, match="scores"):
        replace(cat_and_dog(), scores=other)


def test_the_history_names_the_value() -> None:
    step = ParamsEdit(Params(), Params(background=0.3))
    assert step.describe(VOC) == "set background = 0.3"
    assert step.inverse().describe(VOC) == "set background = default"
