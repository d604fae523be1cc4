"""The annotator of `studies.effort`: its best decision is the best, its strokes do as told."""

from itertools import product

import numpy as np
import pytest

from napari_sepl.core.algorithm.assignment import REJECT
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.regions import regions_within
from studies.annotator import Annotator, Kind, paint_line
from studies.effort import TARGETS, KeepsPseudo, correct
from tests.document.drawing import cat_and_dog

SETTINGS = [Params(strategy=s, conflict=c) for s, c in product(Strategy, Conflict)]


def random_document(seed: int) -> Document:
    """Return rectangles upon rectangles, some painted, with void in the truth."""
    rng = np.random.default_rng(seed)
    pets = cat_and_dog(truth=True)
    maps = np.zeros((2, *pets.shape), np.uint8)
    masks = np.zeros((12, *pets.shape), bool)
    for target, value in [*((m, k) for m in maps for k in (8, 12, 15)), *((m, 1) for m in masks)]:
        row, col, height, width = rng.integers([0, 0, 2, 2], [30, 45, 25, 30])
        target[row : row + height, col : col + width] = value
    maps[1, :3] = 255
    inputs = Inputs("boxes", pets.image, maps[0], MaskSet.from_dense(masks), pets.classes, maps[1])
    regions = [*range(12), *(-int(k) for k in np.unique(maps[0]) if k)]
    decided = {
        int(r): int(rng.choice([REJECT, 0, 8, 12, 15])) for r in rng.choice(regions, 4, False)
    }
    document = Document(inputs, Annotations(SETTINGS[seed % len(SETTINGS)], decided))
    shown = document.resolved.labels.copy()
    paint_line(shown, rng.integers(0, 40, 4), 3, 8)
    document.absorb(shown)
    return document


@pytest.mark.parametrize("seed", range(36))
def test_best_decision_is_the_best(seed: int) -> None:
    annotator = Annotator(document := random_document(seed))
    inputs = document.inputs
    right = annotator.count_right(document.resolved)
    regions = [*range(12), *(-int(k) for k in document.inputs.overlap.class_ids)]
    gains = [
        annotator.count_right(annotator.foresee((region,), verdict)) - right
        for region, verdict in product(regions, (*annotator.class_ids, REJECT, None))
    ]
    gains.extend(
        annotator.count_right(annotator.foresee(regions_within(inputs, mask), REJECT)) - right
        for mask in map(inputs.masks.decode, range(12))
    )
    best = annotator.best_decision()
    assert (best.gain if best else 0) == max(0, *gains)


@pytest.mark.parametrize("seed", range(6))
def test_every_action_gains_what_it_promised(seed: int) -> None:
    effort = correct(Annotator(random_document(seed)), TARGETS[1])
    assert list(effort.shares) == sorted(effort.shares)  # and `do` asserts each gain
    assert effort.needed(1) == np.inf
    assert len(effort.spent(0)) == 0


@pytest.mark.parametrize("line", [(20, 10, 20, 50), (30, 20, 5, 20), (12, 8, 31, 44), (9, 9, 9, 9)])
def test_stroke_covers_all_within_the_radius(line: tuple[int, int, int, int]) -> None:
    labels = np.zeros((40, 60), np.uint8)
    paint_line(labels, np.array(line), 6, 1)
    ends = np.array(line, float).reshape(2, 2)
    places = np.linspace(ends[0], ends[1], 2001)
    pixels = np.argwhere(np.ones_like(labels))
    nearest = np.hypot(*(pixels[:, np.newaxis] - places).transpose(2, 0, 1)).min(axis=1)
    clear = np.abs(nearest - 6) > 1e-3
    assert np.array_equal(labels.ravel()[clear] == 1, nearest[clear] < 6)


def test_first_takes_the_mask_that_sepl_refused() -> None:
    first = Annotator(Document(cat_and_dog(truth=True), Annotations(Params(t1=0.6, t2=1)))).best()
    assert first is not None
    assert (first.kind, first.regions, first.class_id) == (Kind.SELECT, (0,), 8)


def test_pseudo_labels_come_along_only_where_they_would_give_way() -> None:
    document = Document(cat_and_dog(truth=True), Annotations(Params(t1=0.6, t2=1)))
    annotator = KeepsPseudo(document)
    assert annotator.bundle(document.resolved, 0, 8) == (0,)  # mask 1 is a cat already
    assert annotator.bundle(document.resolved, 2, 12) == (2, -12)
    assert annotator.bundle(document.resolved, 2, REJECT) == (2,)


def test_a_mask_is_refused_with_its_parts() -> None:
    inputs = cat_and_dog(truth=True)
    assert inputs.truth is not None
    inputs.truth[inputs.truth == 8] = 0
    best = Annotator(Document(inputs, Annotations(decisions={-8: REJECT}))).best_group(None)
    assert best is not None
    assert (best.kind, best.regions) == (Kind.PARTS, (0, 1))
