"""What a network says of images, and the mIoU of that, against sums done by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.files.labels import read_labels
from napari_sepl.training.evaluation import Predictor, Views, evaluate
from napari_sepl.training.recipe import MEAN, STD, TooLittleMemoryError
from tests.files.making import save_image
from tests.training.tiny import CLASSES, COLOURS, find_samples, need_torch, picture

need_torch()


class ByColour:
    """A network that knows the colour of each class; `seen` keeps the sizes it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def eval(self) -> None: ...

    def __call__(self, view: Any) -> dict[str, Any]:
        import torch

        self.seen.append(tuple(view.shape))
        centres = (torch.tensor(COLOURS / 255) - torch.tensor(MEAN)) / torch.tensor(STD)
        far = view[:, None] - centres[None, :, :, None, None].float()
        return {"out": -(far**2).sum(dim=2)}


class LeftIsOne:
    """A network that takes the left half for class 1, surely, and the right for class 2."""

    def eval(self) -> None: ...

    def __call__(self, view: Any) -> dict[str, Any]:
        import torch

        scores = torch.zeros(1, 3, *view.shape[2:])
        half = view.shape[3] // 2
        scores[:, 1, :, :half] = 9.0
        scores[:, 2, :, half:] = 3.0
        return {"out": scores}


class Full:
    """A network that finds no room."""

    def eval(self) -> None: ...

    def __call__(self, _view: Any) -> Any:
        raise RuntimeError("CUDA out of memory")


def test_pictures_are_labelled_at_their_size_and_compared_without_void(tmp_path: Path) -> None:
    samples = find_samples(tmp_path, count=3)
    truth = picture(2)[1]
    truth[20:, :7] = 2  # what the network will get wrong
    save_image(samples[2].labels, truth)
    predictor = Predictor(ByColour(), "cpu")
    counts = list(evaluate(predictor, samples, CLASSES, tmp_path / "predicted"))
    for seed, sample in enumerate(samples):
        predicted = read_labels(tmp_path / "predicted" / f"{sample.sample_id}.png")
        image, labels = picture(seed)
        right = labels.copy()
        right[0] = predictor.predict(image)[0]
        np.testing.assert_array_equal(predicted, right)
        compared = read_labels(sample.labels)
        np.testing.assert_array_equal(counts[seed].counts, Confusion.of(predicted, compared).counts)
    assert np.diag(counts[0].counts).sum() == counts[0].counts.sum() == 39 * 56
    assert np.diag(counts[2].counts).sum() < counts[2].counts.sum()
    with Image.open(tmp_path / "predicted" / "s0.png") as png:
        assert png.mode == "P"
        assert tuple(png.getpalette()[3:6]) == CLASSES.colours[1]  # type: ignore[index]


def test_views_are_all_sizes_and_sides() -> None:
    module = ByColour()
    image, labels = picture(3)
    predicted = Predictor(module, "cpu", views=Views((0.5, 1.0, 1.5), flip=True)).predict(image)
    assert module.seen == [
        (1, 3, 20, 28), (1, 3, 20, 28), (1, 3, 40, 56), (1, 3, 40, 56), (1, 3, 60, 84),
        (1, 3, 60, 84),
    ]  # fmt: skip
    assert predicted.shape == labels.shape
    assert (predicted != labels)[1:].mean() < 0.05  # borders are smoothed


def test_what_is_said_of_the_mirrored_picture_is_mirrored_back() -> None:
    image = np.zeros((4, 10, 3), np.uint8)
    plain = Predictor(LeftIsOne(), "cpu").predict(image)
    assert (plain[:, :5] == 1).all()
    assert (plain[:, 5:] == 2).all()
    both = Predictor(LeftIsOne(), "cpu", views=Views(flip=True)).predict(image)
    assert (both == 1).all()  # surer than 2 wherever the two disagree


def test_pictures_that_do_not_fit_are_named(tmp_path: Path) -> None:
    samples = find_samples(tmp_path, count=1)
    with pytest.raises(TooLittleMemoryError) as caught:
        list(evaluate(Predictor(Full(), "cpu"), samples, CLASSES))
    told = str(caught.value)
    assert told.startswith("An image of 40 × 56 at the scales 1.0 does not")
    assert str(samples[0].image) in told
    assert "--scales" in told
