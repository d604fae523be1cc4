"""The command `train`: labels in, a network that was trained on them out, and its mIoU."""

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from napari_sepl.cli._command import command, refuse_setting, require_there, usage
from napari_sepl.cli._console import (
    FAILED,
    TIME,
    Failures,
    complain,
    note,
    progress,
    say,
)
from napari_sepl.cli._dataset import DatasetOptions, Labels, NamedDataset, note_index, takes_dataset
from napari_sepl.cli._options import (
    Device,
    Outdated,
    OutdatedUse,
    Statuses,
    Unreviewed,
    choose_labels,
    takes_settings,
)
from napari_sepl.core.errors import counted, name_first
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.core.stopping import STOPPED
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset.index import Role, SampleIndex, SampleProblem
from napari_sepl.files.dataset.layouts import voc_folders
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
)
from napari_sepl.proposals.device import AUTO, choose_device, describe_device
from napari_sepl.training.evaluation import Views
from napari_sepl.training.labelled import LabelledImage, Survey, find_labelled, survey
from napari_sepl.training.learner import settle_precision
from napari_sepl.training.networks import IMAGENET, NETWORKS, NONE, find_network, require_torch
from napari_sepl.training.recipe import TrainingRecipe
from napari_sepl.training.run import Evaluated, Plan, Tested, Trained, TrainingRun
from napari_sepl.workflow.enhance import label_file
from napari_sepl.workflow.results import failed_results
from napari_sepl.workflow.review.selection import Selection, select_labels

_RECIPE = "Recipe; the defaults depend on the network"
NETWORK = "deeplabv2_resnet101"
WORKERS = min(4, (os.cpu_count() or 1) - 1)
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())


def _recipe(name: str) -> Any:
    """Return the option for a field of the recipe, with its help."""
    option = name.replace("_", "-")
    words = (
        f"--{option}/--no-{option}"
        if TrainingRecipe.model_fields[name].annotation is bool
        else (f"--{option}")
    )
    about = TrainingRecipe.model_fields[name].description
    return typer.Option(words, help=about, rich_help_panel=_RECIPE)


def _held_out(about: str, *names: str, minimum: int | None = None) -> Any:
    """Return an option of the held-out evaluation."""
    return typer.Option(*names, help=about, min=minimum, rich_help_panel="Held-out samples")


@command(
    "napari-sepl train voc.toml --list train.txt --val-ground-truth SegmentationClass "
    "--val-list val.txt --to runs/sepl"
)
@takes_dataset("images", "out", "ground_truth", "list_file", "classes", needs=("images",))
@takes_settings(TrainingRecipe, _recipe, without="network")
def train_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    given: dict[str, Any],
    *,
    to: Annotated[Path, typer.Option(help="Folder for checkpoint, weights, log, predictions.")],
    labels: Labels = None,
    status: Statuses = None,
    everything: Unreviewed = False,
    outdated: Outdated = OutdatedUse.LEAVE_OUT,
    val_images: Annotated[Path | None, _held_out("Folder of images; --images by default.")] = None,
    val_ground_truth: Annotated[
        Path | None, _held_out("Folder of ground truth; --ground-truth by default.")
    ] = None,
    val_list: Annotated[
        Path | None, _held_out("Text file with the samples to evaluate on.")
    ] = None,
    val_split: Annotated[
        str | None, _held_out("Part of the layout to evaluate on, such as val.")
    ] = None,
    network: Annotated[str, typer.Option(help=f"{', '.join(NETWORKS)}.")] = NETWORK,
    backbone_weights: Annotated[
        str, typer.Option(help="imagenet (downloaded at first use), none, or a file of weights.")
    ] = IMAGENET,
    scales: Annotated[str, _held_out("Test-time scales, such as 0.5,1,1.5.")] = "1",
    mirror: Annotated[bool, _held_out("Test-time horizontal flip.", "--mirror")] = False,
    save_predictions: Annotated[
        bool, _held_out("Save the predictions as palette PNGs.", "--save-predictions")
    ] = False,
    evaluate_every: Annotated[
        int, _held_out("Iterations between evaluations; 0: only at the end.", minimum=0)
    ] = 0,
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Iterations between checkpoints.")
    ] = 1000,
    log_every: Annotated[
        int, typer.Option(min=1, help="Iterations between lines of the log.")
    ] = 20,
    device: Device = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Data-loading workers.")] = WORKERS,
) -> int:
    """Train a DeepLab on labels and measure its mIoU on held-out samples.

    The labels are those in --out or in --labels, the accepted ones where they were reviewed. The
    same command resumes a stopped run and gives the same weights.
    """
    require_torch()
    named = dataset.find_with_labels(labels)
    require_there(val_images=val_images, val_ground_truth=val_ground_truth, val_list=val_list)
    held_out = _held_out_spec(named, val_images, val_ground_truth, val_list, val_split)
    views = Views(_scales(scales), mirror)
    title, recipe, chosen = _settle(network, given | {"network": network}, device or AUTO)
    failures = Failures()
    choice = choose_labels(status, everything, outdated)
    with select_labels(named.spec, labels, choice, "train") as selection:
        learnt = _survey_training(named.spec, labels, selection, failures)
    tested = None
    if held_out is not None:
        index = _open(held_out, held_out.ground_truth, failures)
        tested = _survey("held-out samples", find_labelled(index, given=True), index.classes)
    plan = Plan(
        recipe, read_class_list(named.spec.classes), learnt, to, chosen, backbone_weights, tested,
        views, save_predictions, workers, checkpoint_every, log_every, evaluate_every,
    )  # fmt: skip
    note(f"{title} on {describe_device(chosen)}, {recipe.precision}")
    return _follow(TrainingRun(plan)) or (FAILED if failures else 0)


def _settle(network: str, given: dict[str, Any], device: str) -> tuple[str, TrainingRecipe, str]:
    """Return the title of a network, its recipe, and the device."""
    with usage("--network"):
        chosen = find_network(network)
    try:
        recipe = TrainingRecipe.model_validate(chosen.usual.model_dump() | given)
    except ValidationError as error:
        refuse_setting(error, TrainingRecipe.model_fields)
    with usage("--device"):
        device = choose_device(device)
    exact = {"precision": settle_precision(recipe.precision, device)}
    return chosen.title, recipe.model_copy(update=exact), device


def _held_out_spec(
    named: NamedDataset,
    images: Path | None,
    ground_truth: Path | None,
    list_file: Path | None,
    split: str | None,
) -> DatasetSpec | None:
    """Return the dataset to evaluate on; None if none is named."""
    if not (images or ground_truth or list_file or split):
        return None
    if split and list_file:
        _refuse("--val-split and --val-list: use one of them")
    if split:
        if named.root is None:
            _refuse("--val-split needs a layout; use --val-list")
        with usage("--val-split"):
            list_file = voc_folders(named.root, split)["list_file"]
    truth = ground_truth or named.spec.ground_truth
    if truth is None:
        _refuse("--val-ground-truth is missing: the ground truth of the held-out images")
    places = {"ground_truth": truth, "list_file": list_file, "images": images or named.spec.images}
    return named.spec.model_copy(update=places)


def _open(spec: DatasetSpec, labels: Path | None, failures: Failures) -> SampleIndex:
    """List the images with labels, and print the samples that lack a file."""
    index = SampleIndex.open(spec, (Role.IMAGE, Role.LABELS), (), lead=Role.LABELS, labels=labels)
    _complain(index.problems, failures)
    note_index(index, "labels")
    return index


def _survey_training(
    spec: DatasetSpec, labels: Path | None, selection: Selection | None, failures: Failures
) -> Survey:
    """Read the training samples: all with labels, or where there is a record the selected ones."""
    if selection is None:
        index = _open(spec, labels, failures)
        return _survey("training samples", find_labelled(index), index.classes)
    note(selection.line())
    index = SampleIndex.open(spec, (Role.IMAGE,), (), lead=Role.IMAGE)
    found, missing = [], list(selection.problems)
    for sample_id in selection.ids:
        image, chosen = index.path(Role.IMAGE, sample_id), selection.labels(sample_id)
        if image is None:
            missing.append(SampleProblem(sample_id, "no image"))
        else:
            file = label_file(labels or spec.output, sample_id)
            found.append(LabelledImage(sample_id, image, chosen.path or file, chosen.read))
    _complain(missing, failures)
    return _survey("training samples", found, index.classes)


def _complain(problems: Iterable[SampleProblem], failures: Failures) -> None:
    """Print the samples that cannot be used, and add them to the failures."""
    found = Failures()
    for failed in failed_results(problems):
        found.add(failed)
    found.complain()
    failures.messages += found.messages


def _survey(title: str, found: Sequence[LabelledImage], classes: ClassList) -> Survey:
    """Read all samples under a bar, and print their number and classes."""
    with progress(*COLUMNS, transient=True) as bar:
        task = bar.add_task(title, total=len(found))
        seen = survey(found, classes, lambda done, _total: bar.update(task, completed=done))
    say(f"{title}: {len(found)}, {_labels(seen, classes)}")
    return seen


def _labels(seen: Survey, classes: ClassList) -> str:
    there = [label for label in classes.ids if seen.counts[label]]
    ignored = 100 * seen.counts[IGNORE] / max(seen.counts.sum(), 1)
    return f"{len(there)} of {len(classes)} classes, {ignored:.1f} % of pixels ignored"


def _follow(run: TrainingRun) -> int:
    """Show a bar while the training runs; return the exit code."""
    plan = run.plan
    _warn(plan)
    if run.iteration:
        say(f"resumes at iteration {run.iteration} of {plan.recipe.iterations}")
    columns = (*COLUMNS, TIME)
    with (
        progress(*columns, speed_estimate_period=300) as bar,
        _ctrl_c_stops(run),
    ):
        train = bar.add_task("train", total=plan.recipe.iterations, completed=run.iteration)
        test = bar.add_task("evaluate", visible=False)
        for event in run:
            if isinstance(event, Trained):
                bar.update(train, completed=event.iteration, description=f"loss {event.loss:.3f}")
            elif isinstance(event, Tested):
                bar.update(test, completed=event.done, total=event.total, visible=True)
            else:
                bar.update(test, visible=False)
                bar.console.print(_mean(event), highlight=False)
    return _conclude(run)


def _conclude(run: TrainingRun) -> int:
    plan = run.plan
    if not run.is_complete or (plan.held_out and run.evaluation is None):
        complain(
            f"Stopped at iteration {run.iteration}; the checkpoint is saved. The same command "
            "resumes."
        )
        return STOPPED
    if run.evaluation is not None:
        for name, share in run.evaluation.iou.items():
            say(f"{name:<15} IoU {100 * share:.2f} %")
        say(_mean(run.evaluation))
    say(f"{plan.recipe.iterations} iterations done; weights and log are in {plan.out}")
    return 0


def _mean(event: Evaluated) -> str:
    share = 100 * event.mean_iou
    return f"iteration {event.iteration}: mIoU {share:.2f} % of {len(event.iou)} classes"


def _warn(plan: Plan) -> None:
    """Print settings that are probably not intended."""
    if plan.recipe.freeze_bn and plan.backbone_weights == NONE:
        note("random weights with frozen batch normalisation hardly learn; use --no-freeze-bn")
    if plan.held_out is None:
        note("no held-out samples: nothing will be evaluated")
        return
    learnt = {sample.sample_id for sample in plan.training.samples}
    both = [one.sample_id for one in plan.held_out.samples if one.sample_id in learnt]
    if both:
        why = "in training and evaluation, so the mIoU is too high"
        note(f"{counted(len(both), 'sample')} {why}: {name_first(both)}")


@contextmanager
def _ctrl_c_stops(run: TrainingRun) -> Iterator[None]:
    """Save a checkpoint on the first Ctrl+C, and stop at once on the second."""

    def stop(_number: int, _frame: object) -> None:
        run.stop()
        signal.signal(signal.SIGINT, before)
        complain("Stopping after this batch; Ctrl+C again stops at once without a checkpoint.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _scales(text: str) -> tuple[float, ...]:
    try:
        scales = tuple(float(word) for word in text.split(","))
    except ValueError:
        scales = ()
    if not scales or not all(0 < scale <= 10 for scale in scales):
        _refuse(f"--scales: {text!r} is not a list of scales such as 0.5,1,1.5")
    return scales


def _refuse(message: str) -> NoReturn:
    raise typer.BadParameter(message)
