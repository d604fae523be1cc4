"""Whole trainings of a tiny network: the loss falls, and a stop leaves no trace in the weights."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.errors import SaveError
from napari_sepl.files.labels import read_labels
from napari_sepl.training.batches import Crops, load_batches
from napari_sepl.training.evaluation import Views
from napari_sepl.training.labelled import Survey, survey
from napari_sepl.training.learner import Learner
from napari_sepl.training.recipe import DivergedError, Precision, TrainingError
from napari_sepl.training.run import Evaluated, Plan, Trained, TrainingRun
from tests.files.making import refused
from tests.training.tiny import CLASSES, RECIPE, find_samples, need_torch, register, same_weights

need_torch()

EXACT = RECIPE.model_copy(update={"precision": Precision.FLOAT32})


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    register(monkeypatch)
    return Plan(
        EXACT, CLASSES, part(tmp_path / "learnt", first=0), tmp_path / "out", "cpu", "none",
        part(tmp_path / "held out", first=10), log_every=5, checkpoint_every=100,
    )  # fmt: skip


def part(folder: Path, first: int) -> Survey:
    samples = find_samples(folder, count=5, first=first)
    return survey(samples, CLASSES, lambda _done, _total: None)


def stop_after(run: TrainingRun, iteration: int) -> None:
    for event in run:
        if isinstance(event, Trained) and event.iteration == iteration:
            run.stop()
    assert run.iteration == iteration


def log(out: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds", None)
    return lines


def test_the_loss_falls_and_held_out_samples_are_told(plan: Plan) -> None:
    longer = replace(plan, recipe=EXACT.model_copy(update={"iterations": 60}), log_every=10)
    run = TrainingRun(replace(longer, save_predictions=True))
    events = list(run)
    losses = [event.loss for event in events if isinstance(event, Trained)]
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
    told = events[-1]
    assert isinstance(told, Evaluated)
    assert plan.held_out is not None
    total = sum(
        (
            Confusion.of(
                read_labels(plan.out / "predictions" / f"{sample.sample_id}.png"),
                read_labels(sample.labels),
            )
            for sample in plan.held_out.samples
        ),
        Confusion.nothing(),
    )
    assert list(told.iou.values()) == total.iou[:3].tolist()
    assert told.mean_iou == np.mean(total.iou[:3]) > 0.5
    *marks, last = log(plan.out)
    assert [line["iteration"] for line in marks] == [10, 20, 30, 40, 50, 60]
    assert [line["loss"] for line in marks] == np.reshape(losses, (6, 10)).mean(axis=1).tolist()
    assert (last["iteration"], last["mean_iou"], last["iou"]) == (60, told.mean_iou, told.iou)


@pytest.mark.parametrize(("stops", "workers"), [((7,), 0), ((1, 5, 11), 0), ((4,), 1)])
def test_a_resumed_training_comes_to_the_same_weights_bit_for_bit(
    plan: Plan, stops: tuple[int, ...], workers: int
) -> None:
    import torch

    whole = replace(plan, out=plan.out / "whole", evaluate_every=4)
    list(TrainingRun(whole))
    parts = replace(whole, out=plan.out / "parts", workers=workers)
    for iteration in stops:
        stop_after(TrainingRun(parts), iteration)
        assert not (parts.out / "weights.pt").exists()
        torch.rand(5)  # what else the program may do in between
        np.random.default_rng().random()
    assert len([event for event in TrainingRun(parts) if isinstance(event, Trained)]) == (
        12 - stops[-1]
    )
    assert same_weights(whole.out, parts.out)
    assert log(parts.out) == log(whole.out)
    assert [line["iteration"] for line in log(whole.out)] == [4, 5, 8, 10, 12, 12]
    other = replace(whole, out=plan.out / "other", recipe=EXACT.model_copy(update={"seed": 1}))
    list(TrainingRun(other))
    assert not same_weights(whole.out, other.out)


def test_a_killed_training_goes_on_from_its_last_checkpoint(plan: Plan) -> None:
    whole = replace(plan, out=plan.out / "whole")
    list(TrainingRun(whole))
    killed = replace(plan, out=plan.out / "killed", checkpoint_every=6, log_every=1)
    for event in TrainingRun(killed):
        if isinstance(event, Trained) and event.iteration == 9:
            break  # as a pulled plug: nothing is written any more
    with (killed.out / "log.jsonl").open("a") as file:
        file.write('{"iteration": 10, "lo')
    assert len(log_lines(killed.out)) == 10
    run = TrainingRun(killed)
    assert run.iteration == 6
    list(run)
    assert same_weights(whole.out, killed.out)
    assert [line["iteration"] for line in log(killed.out)] == [*range(1, 13), 12]


def log_lines(out: Path) -> list[str]:
    return (out / "log.jsonl").read_text().split("\n")


def test_what_is_done_is_not_done_again(plan: Plan) -> None:
    list(TrainingRun(plan))
    before = (plan.out / "checkpoint.pt").stat().st_mtime_ns, log(plan.out)
    run = TrainingRun(plan)
    assert list(run) == []
    assert run.is_complete
    assert run.evaluation is not None
    assert before == ((plan.out / "checkpoint.pt").stat().st_mtime_ns, log(plan.out))
    sharper = replace(plan, views=Views((0.5, 1.0), flip=True))
    told = list(TrainingRun(sharper))[-1]
    assert isinstance(told, Evaluated)
    assert len(log(plan.out)) == len(before[1]) + 1
    assert list(TrainingRun(plan)) == []


def test_classes_that_only_the_network_says_count_in_no_mean(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = np.zeros((256, 256), np.int64)
    counted[0, 0], counted[0, 2], counted[1, 1] = (
        6,
        2,
        4,
    )  # no pixel of the truth is of class 2
    monkeypatch.setattr(
        "napari_sepl.training.run.evaluate", lambda *_arguments: iter([Confusion(counted)])
    )
    told = list(TrainingRun(plan))[-1]
    assert isinstance(told, Evaluated)
    assert told.iou == dict(zip(CLASSES.names, (0.75, 1.0), strict=False))
    assert told.mean_iou == 0.875


def test_predictions_are_of_the_evaluation_that_is_told(plan: Plan) -> None:
    folder = plan.out / "predictions"
    one = replace(plan, save_predictions=True)
    list(TrainingRun(one))
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    list(TrainingRun(replace(one, views=Views((0.3,)))))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} != first
    list(TrainingRun(one))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert list(TrainingRun(one)) == []
    shutil.rmtree(folder)
    list(TrainingRun(one))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_a_training_begun_anew_replaces_the_weights_of_the_old_one(plan: Plan) -> None:
    list(TrainingRun(plan))
    weights = (plan.out / "weights.pt").read_bytes()
    (plan.out / "checkpoint.pt").unlink()  # as the message on a damaged one says
    (plan.out / "weights.pt").write_bytes(b"of another computer")
    list(TrainingRun(plan))
    assert (plan.out / "weights.pt").read_bytes() == weights


def test_another_training_is_not_mixed_in(plan: Plan, tmp_path: Path) -> None:
    list(TrainingRun(plan))
    kept = (plan.out / "checkpoint.pt").read_bytes()
    slower = replace(plan, recipe=EXACT.model_copy(update={"lr": 0.01}))
    with pytest.raises(SaveError, match=r"lr 0\.05 \(now 0\.01\); name another folder"):
        TrainingRun(slower)
    others = replace(plan, training=plan.held_out)  # type: ignore[arg-type]
    with pytest.raises(SaveError, match="samples_sha256"):
        TrainingRun(others)
    (plan.out / "training.json").write_text("{")
    with refused(plan.out / "training.json", "damaged"):
        TrainingRun(plan)
    (plan.out / "training.json").unlink()
    with pytest.raises(SaveError, match=r"\(checkpoint\.pt, log\.jsonl, weights\.pt without"):
        TrainingRun(plan)
    assert (plan.out / "checkpoint.pt").read_bytes() == kept


def test_a_training_writes_alone_and_never_among_its_samples(plan: Plan) -> None:
    steps = iter(TrainingRun(plan))
    next(steps)
    with pytest.raises(SaveError, match="another run writes here"):
        next(iter(TrainingRun(plan)))
    steps.close()  # type: ignore[attr-defined]
    assert next(iter(TrainingRun(plan)))
    for folder in plan.inputs:
        with refused(folder, "one of the input folders"):
            TrainingRun(replace(plan, out=folder))


def test_damaged_checkpoints_are_named(plan: Plan) -> None:
    import torch

    path = plan.out / "checkpoint.pt"
    stop_after(TrainingRun(plan), 3)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    flipped = bytearray(content)
    flipped[largest.header_offset + 200] ^= 1  # within a tensor: torch alone may not see it
    for damage, told in (
        (content[: len(content) // 2], "damaged or cut-off content"),
        (b"", "a file that torch does not read"),
        (bytes(flipped), "a damaged file (the checksum of"),
    ):
        path.write_bytes(damage)
        with refused(path, told, "remove it to start again"):
            TrainingRun(plan)
        assert path.read_bytes() == damage
    torch.save({"format": 1}, path)
    with refused(path, "a state that does not fit ('network')"):
        TrainingRun(plan)
    torch.save([1], path)
    with refused(path, "another kind of file"):
        TrainingRun(plan)
    path.write_bytes(content)
    assert TrainingRun(plan).iteration == 3


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(TrainingRun(plan), 3)
    kept = (plan.out / "checkpoint.pt").read_bytes()

    def full(self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    run = TrainingRun(plan)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SaveError, match="No space left"):
        stop_after(run, 6)
    assert (plan.out / "checkpoint.pt").read_bytes() == kept
    assert not list(plan.out.glob(".*"))


def test_a_loss_that_is_no_number_stops_it_before_anything_is_saved(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    plain = Learner.step

    def poisoned(self: Learner, images: Any, labels: Any, iteration: int) -> float:
        return plain(self, images * (float("nan") if iteration == 7 else 1), labels, iteration)

    monkeypatch.setattr(Learner, "step", poisoned)
    saving = replace(plan, checkpoint_every=4)
    with pytest.raises(DivergedError, match="Iteration 8: the loss is nan"):
        list(TrainingRun(saving))
    monkeypatch.undo()
    register(monkeypatch)
    state = torch.load(plan.out / "checkpoint.pt", weights_only=True)
    assert state["iteration"] == 4
    assert all(torch.isfinite(value).all() for value in state["network"].values())
    list(TrainingRun(saving))
    whole = replace(plan, out=plan.out / "whole")
    list(TrainingRun(whole))
    assert same_weights(whole.out, plan.out)


def test_weights_that_are_no_numbers_are_not_saved(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    plain = Learner.step

    def exploding(self: Learner, images: Any, labels: Any, iteration: int) -> float:
        loss = plain(self, images, labels, iteration)
        if iteration == 5:
            with torch.no_grad():
                self.module.classifier[1].weight.fill_(float("inf"))
        return loss

    monkeypatch.setattr(Learner, "step", exploding)
    with pytest.raises(DivergedError, match="Iteration 6: weights are no numbers"):
        list(TrainingRun(replace(plan, checkpoint_every=3)))
    assert torch.load(plan.out / "checkpoint.pt", weights_only=True)["iteration"] == 3


def test_a_sample_that_goes_bad_on_the_way_is_named(plan: Plan) -> None:
    run = TrainingRun(plan)
    bad = plan.training.samples[2].labels
    bad.write_bytes(b"")
    with pytest.raises(TrainingError, match=str(bad)):
        list(run)


def test_a_process_that_dies_is_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils.data import DataLoader

    def dead(_self: object) -> Iterator[None]:
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")
        yield

    monkeypatch.setattr(DataLoader, "__iter__", dead)
    with pytest.raises(TrainingError, match=r"\(pid 7\) is killed.*fewer --workers"):
        list(TrainingRun(plan))


def test_a_damaged_log_is_named(plan: Plan) -> None:
    list(TrainingRun(plan))
    path = plan.out / "log.jsonl"
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{first}\n{{no JSON\n{rest}")
    with refused(path, "a line 2 that is no JSON object with an iteration"):
        TrainingRun(plan)
    path.write_text(f"{first}\n[5]\n{rest}")
    with refused(path, "a line 2"):
        TrainingRun(plan)


def test_stopping_while_it_evaluates_leaves_that_to_the_next_run(plan: Plan) -> None:
    run = TrainingRun(plan)
    for event in run:
        if not isinstance(event, Trained):
            run.stop()
    assert run.is_complete
    assert run.evaluation is None
    assert isinstance(list(TrainingRun(plan))[-1], Evaluated)


def test_batches_leave_the_random_numbers_of_dropout_alone(plan: Plan) -> None:
    import torch

    before = torch.get_rng_state()
    crops = Crops(plan.training.samples, CLASSES, EXACT)
    shapes = [
        (images.shape, labels.shape) for images, labels in load_batches(crops, 9, 0, pinned=False)
    ]
    assert shapes == [((3, 3, 32, 32), (3, 32, 32))] * 3
    assert torch.equal(torch.get_rng_state(), before)
