"""One step of learning, against sums done by hand."""

from typing import Any

import numpy as np
import pytest

from napari_sepl.training.learner import Learner, mean_loss, settle_precision
from napari_sepl.training.recipe import (
    DivergedError,
    Precision,
    TooLittleMemoryError,
    TrainingRecipe,
)
from tests.messages import raises_input_error
from tests.training.tiny import RECIPE, build, need_torch

need_torch()

FLOAT32 = RECIPE.model_copy(update={"precision": Precision.FLOAT32})


def learner(recipe: TrainingRecipe = FLOAT32) -> Learner:
    import torch

    torch.manual_seed(0)
    return Learner(build(3), recipe, "cpu")


def batch() -> tuple[Any, Any]:
    import torch

    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 3, (3, 16, 16), generator=generator)
    labels[0, :8] = 255
    return torch.rand(3, 3, 16, 16, generator=generator), labels


def test_the_loss_is_the_mean_over_pixels_that_count() -> None:
    import torch

    random = np.random.default_rng(0)
    scores = random.normal(size=(2, 3, 4, 5))
    labels = random.integers(0, 3, (2, 4, 5))
    labels[0, :2] = 255
    losses = [
        np.log(np.exp(scores[n, :, row, col]).sum()) - scores[n, labels[n, row, col], row, col]
        for n, row, col in np.argwhere(labels != 255)
    ]
    found = mean_loss(torch.from_numpy(scores), torch.from_numpy(labels))
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-6)


def test_a_batch_without_a_label_teaches_nothing_but_weight_decay() -> None:
    import torch

    images, labels = batch()
    recipe = FLOAT32.model_copy(update={"weight_decay": 0.0})
    student = learner(recipe)
    before = {name: value.clone() for name, value in student.module.named_parameters()}
    assert student.step(images, torch.full_like(labels, 255), 0) == 0
    for name, value in student.module.named_parameters():
        assert torch.equal(value, before[name])


def test_one_step_is_sgd_with_a_faster_head() -> None:
    import torch

    images, labels = batch()
    student = learner()
    twin = learner()
    twin.module.train()
    torch.manual_seed(5)  # of dropout
    mean_loss(twin.module(images)["out"], labels).backward()
    torch.manual_seed(5)
    student.step(images, labels, iteration=3)
    rate = RECIPE.lr * (1 - 3 / 12) ** 0.9
    for name, value in student.module.named_parameters():
        old = dict(twin.module.named_parameters())[name]
        factor = RECIPE.head_factor if name.startswith("classifier") else 1
        step = rate * factor * (old.grad + RECIPE.weight_decay * old)
        torch.testing.assert_close(value, old - step, rtol=1e-5, atol=1e-7)


def test_frozen_normalisation_stays() -> None:
    import torch

    images, labels = batch()
    for frozen in (True, False):
        student = learner(FLOAT32.model_copy(update={"freeze_bn": frozen}))
        before = {name: value.clone() for name, value in student.module.state_dict().items()}
        student.step(images, labels, 0)
        after = student.module.state_dict()
        same = {name: torch.equal(after[name], value) for name, value in before.items()}
        assert not same["backbone.0.weight"]
        assert not same["classifier.1.weight"]
        for name in ("running_mean", "running_var", "weight", "bias"):
            assert same[f"backbone.1.{name}"] is frozen


def test_a_loss_that_is_no_number_ends_it_with_the_weights_as_they_were() -> None:
    import torch

    images, labels = batch()
    student = learner()
    before = {name: value.clone() for name, value in student.module.named_parameters()}
    with pytest.raises(DivergedError, match=r"Iteration 5: the loss is nan.*--lr"):
        student.step(images * float("nan"), labels, 4)
    for name, value in student.module.named_parameters():
        assert torch.equal(value, before[name])


def test_too_little_memory_names_what_to_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    student = learner()

    def full(_images: Any) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(student.module, "forward", full)
    told = "batches of 3 crops of 32 × 32 does not fit into the memory of cpu: lower --batch"
    with pytest.raises(TooLittleMemoryError, match=told):
        student.step(*batch(), 0)

    def wrong(_images: Any) -> Any:
        raise RuntimeError("sizes do not match")

    monkeypatch.setattr(student.module, "forward", wrong)
    with pytest.raises(RuntimeError, match="sizes do not match"):
        student.step(*batch(), 0)


def test_sixteen_bits_are_for_cards() -> None:
    assert settle_precision(Precision.AUTO, "cpu") == Precision.FLOAT32
    assert settle_precision(Precision.FLOAT32, "cuda:1") == Precision.FLOAT32
    for asked in (Precision.BFLOAT16, Precision.FLOAT16):
        with raises_input_error(found=f"{asked} on cpu"):
            settle_precision(asked, "cpu")
        assert settle_precision(asked, "cuda") == asked
