"""A small image with soft scores."""

from dataclasses import replace

import numpy as np

from napari_sepl.core.labels.scores import Scores, cut_scores
from napari_sepl.document.inputs import Inputs
from tests.document.drawing import SHAPE, cat_and_dog


def soft_pets() -> Inputs:
    """A cat (8) that scores 0.3 to 0.9 over its box, and a dog (12) of 0.5 everywhere in its own.

    So the dog is gone from a plane of 0.5 on, and the cat shrinks column by column.
    """
    maps = np.zeros((2, *SHAPE), np.float32)
    maps[0, 5:20, 5:20] = np.linspace(0.3, 0.9, 15, dtype=np.float32)
    maps[1, 10:20, 40:48] = 0.5
    scores = Scores(np.array([8, 12], np.uint8), maps, 0.25)
    return replace(cat_and_dog(), scores=scores, pseudo=cut_scores(scores))
