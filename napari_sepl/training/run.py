"""A training: what is to be done, and the run from its first batch or last checkpoint on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.analysis.metrics import Confusion
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.atomic import make_folder
from napari_sepl.files.guard import Guard
from napari_sepl.files.lock import sole_run
from napari_sepl.training.batches import Crops, load_batches
from napari_sepl.training.evaluation import ONE_VIEW, Predictor, Views, evaluate
from napari_sepl.training.labelled import Survey
from napari_sepl.training.learner import Learner
from napari_sepl.training.networks import find_network, load_backbone, name_weights
from napari_sepl.training.recipe import TrainingRecipe
from napari_sepl.training.run_folder import (
    CHECKPOINT,
    ITERATION,
    LOG,
    MEAN_IOU,
    PREDICTIONS,
    WEIGHTS,
    TrainingLog,
    TrainingState,
    check_folder,
    read_checkpoint,
    seed_all,
    write_checkpoint,
    write_record,
    write_weights,
)


@dataclass(frozen=True)
class Plan:
    """What is to be trained, on what, and what becomes of it.

    Parameters
    ----------
    recipe : TrainingRecipe
        How; its precision is one that the device has.
    classes : ClassList
        What the labels mean.
    training : Survey
        What to learn from.
    out : Path
        The folder for checkpoint, weights, log and predictions.
    device : str
        Where to compute.
    backbone_weights : str
        What the backbone starts from, as `load_backbone` takes it.
    held_out : Survey, optional
        What to test with; without it, nothing is evaluated.
    views : Views
        How held-out images are shown to the network.
    save_predictions : bool
        Whether to save what the network says of held-out images.
    workers : int
        Processes that read samples ahead.
    checkpoint_every, log_every, evaluate_every : int
        Iterations between two of them; 0 for an evaluation at the end alone.
    """

    recipe: TrainingRecipe
    classes: ClassList
    training: Survey
    out: Path
    device: str
    backbone_weights: str
    held_out: Survey | None = None
    views: Views = ONE_VIEW
    save_predictions: bool = False
    workers: int = 0
    checkpoint_every: int = 1000
    log_every: int = 20
    evaluate_every: int = 0

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The folders that samples are read from."""
        parts = [part for part in (self.training, self.held_out) if part is not None]
        samples = [sample for part in parts for sample in part.samples]
        return tuple({file.parent for one in samples for file in (one.image, one.labels)})

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides on the weights, in words and numbers of JSON."""
        return {
            **self.recipe.model_dump(mode="json"),
            "backbone_weights": name_weights(self.backbone_weights),
            "classes": list(self.classes.names),
            **({"class_ids": list(self.classes.ids)} if self.classes.has_gaps else {}),
            "samples": len(self.training.samples),
            "samples_sha256": self.training.digest,
        }


@dataclass(frozen=True)
class Trained:
    """One more batch is learnt from: the loss is its own, `rate` the backbone's."""

    iteration: int
    loss: float
    rate: float


@dataclass(frozen=True)
class Tested:
    """One more held-out sample is compared."""

    done: int
    total: int


@dataclass(frozen=True)
class Evaluated:
    """All held-out samples are compared.

    Parameters
    ----------
    iteration : int
        Batches learnt from.
    mean_iou : float
        Share in 0..1, mean over the classes of the truth; NaN if there are none.
    iou : dict of str to float
        Of each class of the truth; others that the network says count in none.
    """

    iteration: int
    mean_iou: float
    iou: dict[str, float]


Event = Trained | Tested | Evaluated


class TrainingRun:
    """A training on its way: go through its events.

    Parameters
    ----------
    plan : Plan
        What is to be done. A checkpoint of the same training in its folder is resumed.

    Raises
    ------
    InputError
        If the checkpoint is damaged, or the file of first weights is.
    SaveError
        If the folder holds another training or cannot be written to.
    TrainingError
        If first weights cannot be fetched, or the memory is too small.
    """

    def __init__(self, plan: Plan) -> None:
        settings = plan.settings
        Guard(plan.inputs).check_place(plan.out)
        check_folder(plan.out, settings)
        self.plan = plan
        self._checkpoint = plan.out / CHECKPOINT
        self._learner = _begin(plan)
        progress = TrainingState(0, [])
        if self._checkpoint.exists():
            progress = read_checkpoint(self._checkpoint, self._learner)
        make_folder(plan.out)
        write_record(plan.out, settings)
        self.iteration = self._saved = progress.iteration
        self._losses = progress.losses
        self._log = TrainingLog(plan.out / LOG, self.iteration)
        self._stopped = False

    @property
    def is_complete(self) -> bool:
        """Whether all batches are learnt from."""
        return self.iteration == self.plan.recipe.iterations

    def stop(self) -> None:
        """End after the batch, or the held-out sample, that is under way; from any thread."""
        self._stopped = True

    def __iter__(self) -> Iterator[Event]:
        """Learn from batch after batch; evaluate, write checkpoints and the log.

        Raises
        ------
        TrainingError
            If a sample cannot be read, the loss is no number, or the memory is too small. The
            last checkpoint is whole.
        SaveError
            If something cannot be written, or another run writes in the folder.
        """
        with sole_run(self.plan.out, "train"):
            yield from self._learn()

    def _learn(self) -> Iterator[Event]:
        plan, recipe = self.plan, self.plan.recipe
        crops = Crops(plan.training.samples, plan.classes, recipe)
        pinned = plan.device.startswith("cuda")
        batches = load_batches(crops, self.iteration, plan.workers, pinned=pinned)
        began = time.monotonic()
        while True:
            if self._evaluation_is_due():
                yield from self._evaluate()
            if self._stopped or self.is_complete:
                break
            images, labels = next(batches)
            loss = self._learner.step(images, labels, self.iteration)
            event = Trained(self.iteration + 1, loss, recipe.rate(self.iteration))
            self._count(event, time.monotonic() - began)
            yield event
        batches.close()
        self._save()

    def _count(self, event: Trained, seconds: float) -> None:
        self.iteration = event.iteration
        self._losses.append(event.loss)
        if self.iteration % self.plan.log_every == 0 or self.is_complete:
            mean = float(np.mean(self._losses))
            line = {"loss": mean, "lr": event.rate, "seconds": round(seconds, 3)}
            self._log.add({ITERATION: self.iteration, **line})
            self._losses = []
        if self.iteration % self.plan.checkpoint_every == 0 or self.is_complete:
            self._save()

    def _save(self) -> None:
        weights = self.plan.out / WEIGHTS
        learnt = self.iteration != self._saved or not self._checkpoint.exists()
        if learnt:
            self._learner.check_finite(self.iteration)
        if self.is_complete and (learnt or not weights.exists()):  # else of an earlier checkpoint
            write_weights(weights, self._learner.module)
        if learnt:
            write_checkpoint(
                self._checkpoint, self._learner, TrainingState(self.iteration, self._losses)
            )
            self._saved = self.iteration

    def _evaluation_is_due(self) -> bool:
        every = self.plan.evaluate_every
        mark = self.is_complete or (every and self.iteration % every == 0 and self.iteration)
        return bool(mark) and self.plan.held_out is not None and self.evaluation is None

    @property
    def evaluation(self) -> Evaluated | None:
        """What the log says of an evaluation, as planned, at the present iteration.

        None if predictions are wanted and those that are there are not of this one.
        """
        line = self._log.evaluation({ITERATION: self.iteration, **self._asked()})
        if line is None or (self.plan.save_predictions and not self._are_predictions_of(line)):
            return None
        mean = float("nan") if line[MEAN_IOU] is None else line[MEAN_IOU]
        return Evaluated(self.iteration, mean, line["iou"])

    def _are_predictions_of(self, line: dict[str, Any]) -> bool:
        last = self._log.evaluation({"predictions": True})
        return line is last and (self.plan.out / PREDICTIONS).is_dir()

    def _asked(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "held_out_sha256": plan.held_out.digest if plan.held_out else None,
            "scales": list(plan.views.scales),
            "mirrored": plan.views.flip,
            "predictions": plan.save_predictions,
        }

    def _evaluate(self) -> Iterator[Event]:
        plan = self.plan
        samples = plan.held_out.samples if plan.held_out else ()
        predictor = Predictor(self._learner.module, plan.device, plan.recipe.precision, plan.views)
        total = Confusion.nothing()
        save_to = plan.out / PREDICTIONS if plan.save_predictions else None
        for done, confusion in enumerate(
            evaluate(predictor, samples, plan.classes, save_to), start=1
        ):
            total += confusion
            yield Tested(done, len(samples))
            if self._stopped:
                return
        iou = _by_name(np.where(total.wanted > 0, total.iou, np.nan), plan.classes)
        mean = float(np.mean(list(iou.values()))) if iou else None
        self._log.add({ITERATION: self.iteration, MEAN_IOU: mean, "iou": iou, **self._asked()})
        yield Evaluated(self.iteration, float("nan") if mean is None else mean, iou)


def _begin(plan: Plan) -> Learner:
    """Return the network as it is before the first batch."""
    import torch

    torch.backends.cudnn.benchmark = False  # it would choose by speed, now this and now that
    torch.backends.cudnn.deterministic = True
    seed_all(plan.recipe.seed)
    network = find_network(plan.recipe.network)
    module = network.build(plan.classes.size)
    if not (plan.out / CHECKPOINT).exists():
        load_backbone(module, network, plan.backbone_weights)
    return Learner(module, plan.recipe, plan.device)


def _by_name(iou: NDArray[np.float64], classes: ClassList) -> dict[str, float]:
    shares = {classes.name(class_id): float(iou[class_id]) for class_id in classes.ids}
    return {name: share for name, share in shares.items() if not np.isnan(share)}
