"""Which crops a training meets: told by seed and iteration alone. No torch is needed."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.training.batches import Crops, Draw, draws, normalise, random_crop
from napari_sepl.training.labelled import LabelledImage
from napari_sepl.training.networks import NETWORKS
from napari_sepl.training.recipe import MEAN, STD, TrainingRecipe
from tests.messages import says
from tests.training.tiny import CLASSES, RECIPE, picture

PLAIN = RECIPE.model_copy(update={"scale_min": 1.0, "scale_max": 1.0, "flip": False})


def test_every_sample_is_drawn_once_an_epoch_and_in_another_order_in_the_next() -> None:
    recipe = RECIPE.model_copy(update={"iterations": 21})  # 63 crops: 9 epochs of 7 samples
    drawn = [draw.index for draw in chain.from_iterable(draws(recipe, 7, 0))]
    epochs = np.reshape(drawn, (9, 7))
    assert (np.sort(epochs, axis=1) == np.arange(7)).all()
    assert len(np.unique(epochs, axis=0)) > 5
    other = recipe.model_copy(update={"seed": 1})
    assert drawn != [draw.index for draw in chain.from_iterable(draws(other, 7, 0))]


@given(samples=st.integers(1, 9), start=st.integers(0, 12))
def test_draws_from_the_middle_are_those_of_the_whole(samples: int, start: int) -> None:
    whole = list(draws(RECIPE, samples, 0))
    assert len(whole) == RECIPE.iterations
    assert list(draws(RECIPE, samples, start)) == whole[start:]
    for iteration, batch in enumerate(whole):
        assert [(draw.iteration, draw.slot) for draw in batch] == [
            (iteration, slot) for slot in range(RECIPE.batch)
        ]


def test_a_crop_at_its_size_is_a_part_of_the_picture() -> None:
    image, labels = picture(0)
    crop, target = random_crop(image, labels, PLAIN, np.random.default_rng(3))
    whole = normalise(image)
    size = PLAIN.crop
    found = [
        (row, col)
        for row in range(labels.shape[0] - size + 1)
        for col in range(labels.shape[1] - size + 1)
        if np.array_equal(whole[:, row : row + size, col : col + size], crop)
    ]
    assert len(found) == 1
    row, col = found[0]
    np.testing.assert_array_equal(target, labels[row : row + size, col : col + size])


def test_all_places_of_a_crop_can_be_drawn() -> None:
    image = np.zeros((34, 32, 3), np.uint8)
    labels = np.repeat(np.arange(34, dtype=np.uint8)[:, None], 32, axis=1)
    random = np.random.default_rng(0)
    tops = {int(random_crop(image, labels, PLAIN, random)[1][0, 0]) for _ in range(60)}
    assert tops == {0, 1, 2}


@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 99))
def test_crops_are_filled_up_and_picture_and_labels_stay_together(
    height: int, width: int, seed: int
) -> None:
    labels = np.zeros((height, width), np.uint8)
    labels[:, : width // 2] = 1
    image = np.where(labels[..., None] == 1, 255, 0).repeat(3, axis=2).astype(np.uint8)
    crop, target = random_crop(image, labels, RECIPE, np.random.default_rng(seed))
    assert crop.shape == (3, 32, 32)
    assert crop.dtype == np.float32
    assert target.dtype == np.uint8
    assert (crop[:, target == IGNORE] == 0).all()
    bright = (crop[0] * STD[0] + MEAN[0]) > 0.5
    inside = target != IGNORE
    wrong = (bright != (target == 1)) & inside
    # where two colours meet, the image is smoothed and the labels are not: at most two columns
    assert wrong.any(axis=0).sum() <= 2


def test_half_of_the_crops_are_mirrored() -> None:
    labels = np.repeat(np.arange(32, dtype=np.uint8)[None], 32, axis=0)
    image = labels[..., None].repeat(3, axis=2)
    recipe = PLAIN.model_copy(update={"flip": True})
    random = np.random.default_rng(0)
    firsts = [int(random_crop(image, labels, recipe, random)[1][0, 0]) for _ in range(100)]
    assert set(firsts) == {0, 31}
    assert 30 < firsts.count(31) < 70


def test_the_same_draw_gives_the_same_crop_and_another_one_another() -> None:
    image, labels = picture(1)

    def crop(iteration: int, slot: int) -> bytes:
        random = np.random.default_rng((RECIPE.seed, 1, iteration, slot))
        return random_crop(image, labels, RECIPE, random)[0].tobytes()

    assert crop(4, 1) == crop(4, 1)
    assert len({crop(iteration, slot) for iteration in range(4) for slot in range(3)}) == 12


def test_the_recipes_are_the_usual_ones() -> None:
    v2, v3 = NETWORKS["deeplabv2_resnet101"].usual, NETWORKS["deeplabv3_resnet101"].usual
    assert (v2.crop, v2.batch, v2.iterations, v2.scale_max, v2.weight_decay) == (
        321, 10, 20_000, 1.5, 5e-4,
    )  # fmt: skip
    assert (v3.crop, v3.batch, v3.iterations, v3.scale_max, v3.weight_decay) == (
        513, 16, 30_000, 2.0, 1e-4,
    )  # fmt: skip
    assert v2.rate(0) == v2.lr
    assert v2.rate(10_000) == pytest.approx(v2.lr * 0.5**0.9)
    assert v2.rate(19_999) < v2.lr / 5000
    for name, network in NETWORKS.items():
        assert network.usual.network == name


@pytest.mark.parametrize(
    "wrong", [{"batch": 1}, {"lr": float("nan")}, {"scale_min": 3.0}, {"momentum": 1.0}, {"x": 1}]
)
def test_recipes_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingRecipe.model_validate(RECIPE.model_dump() | wrong)


def test_a_sample_that_cannot_be_read_is_told_in_words() -> None:
    sample = LabelledImage("a", Path("nowhere/a.png"), Path("nowhere/l.png"))
    told = Crops([sample], CLASSES, RECIPE)[Draw(0, 0, 0)]
    assert isinstance(told, str)
    assert says(told, Path("nowhere/a.png"), "found no such file")
