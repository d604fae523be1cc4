"""The command `train`: labels in, a network that was trained on them out, and its mIoU."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from napari_sepl.cli._console import STOPPED, complain, listing
from napari_sepl.core.classes import ClassList
from napari_sepl.core.overlap import IGNORE
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.dataset_spec import voc_folders
from napari_sepl.proposals.device import AUTO, choose_device, describe_device
from napari_sepl.training.backbones import IMAGENET, NONE
from napari_sepl.training.evaluation import Views
from napari_sepl.training.learner import settle_precision
from napari_sepl.training.networks import NETWORKS, find_network, require_torch
from napari_sepl.training.plan import Part, Plan
from napari_sepl.training.recipe import Precision, Recipe
from napari_sepl.training.run import Evaluated, Tested, Trained, TrainingRun
from napari_sepl.training.samples import LabelledImage, Survey, find_labelled, survey

NETWORK = "deeplabv2_resnet101"
WORKERS = min(4, (os.cpu_count() or 1) - 1)
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())


def _recipe(name: str, panel: str = "Recipe; what is left out is usual for the network") -> Any:
    """Return the option for a field of the recipe, with its help."""
    option = name.replace("_", "-")
    words = (
        f"--{option}/--no-{option}"
        if Recipe.model_fields[name].annotation is bool
        else (f"--{option}")
    )
    about = Recipe.model_fields[name].description
    return typer.Option(words, help=about, rich_help_panel=panel)


def train_command(  # noqa: PLR0913  each option is an argument
    *,
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, weights, log, predictions.")],
    images: Annotated[Path | None, typer.Option(help="Folder of pictures.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of labels to learn from.")] = None,
    list_file: Annotated[
        Path | None, typer.Option("--list", help="Text file with the samples to learn from.")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="VOC's folder, in the place of --images, --list and perhaps --labels."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="List in --root to learn from; train if left out.")
    ] = None,
    val_images: Annotated[
        Path | None, typer.Option(help="Folder of held-out pictures, if not --images.")
    ] = None,
    val_labels: Annotated[Path | None, typer.Option(help="Folder of their true labels.")] = None,
    val_list: Annotated[
        Path | None, typer.Option(help="Text file with the samples to evaluate on.")
    ] = None,
    val_split: Annotated[
        str | None, typer.Option(help="List in --root to evaluate on, val say.")
    ] = None,
    classes: Annotated[str, typer.Option(help="voc, coco or a TOML file.")] = "voc",
    network: Annotated[str, typer.Option(help=f"{', '.join(NETWORKS)}.")] = NETWORK,
    backbone_weights: Annotated[
        str, typer.Option(help="imagenet (fetched at first use), none, or a file of weights.")
    ] = IMAGENET,
    iterations: Annotated[int | None, _recipe("iterations")] = None,
    batch: Annotated[int | None, _recipe("batch")] = None,
    crop: Annotated[int | None, _recipe("crop")] = None,
    scale_min: Annotated[float | None, _recipe("scale_min")] = None,
    scale_max: Annotated[float | None, _recipe("scale_max")] = None,
    flip: Annotated[bool | None, _recipe("flip")] = None,
    lr: Annotated[float | None, _recipe("lr")] = None,
    head_factor: Annotated[float | None, _recipe("head_factor")] = None,
    momentum: Annotated[float | None, _recipe("momentum")] = None,
    weight_decay: Annotated[float | None, _recipe("weight_decay")] = None,
    power: Annotated[float | None, _recipe("power")] = None,
    freeze_bn: Annotated[bool | None, _recipe("freeze_bn")] = None,
    precision: Annotated[Precision | None, _recipe("precision")] = None,
    seed: Annotated[int | None, _recipe("seed")] = None,
    scales: Annotated[
        str, typer.Option(help="Sizes at which held-out pictures are shown, as 0.5,1,1.5.")
    ] = "1",
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Show held-out pictures mirrored too.")
    ] = False,
    save_predictions: Annotated[
        bool, typer.Option("--save-predictions", help="Save what the network says of them.")
    ] = False,
    evaluate_every: Annotated[
        int, typer.Option(min=0, help="Iterations between evaluations; 0: at the end alone.")
    ] = 0,
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Iterations between checkpoints.")
    ] = 1000,
    log_every: Annotated[
        int, typer.Option(min=1, help="Iterations between lines of the log.")
    ] = 20,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:N, mps or cpu.")] = AUTO,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes that read.")] = WORKERS,
) -> None:
    """Train a DeepLab on labels and tell its mIoU on held-out samples.

    The same command goes on where a run was stopped, and comes to the same weights.
    """
    given = {
        name: value
        for name, value in locals().items()
        if name in Recipe.model_fields and value is not None
    }
    require_torch()
    _check_named(root, split, list_file)
    _check_named(root, val_split, val_list, "val-")
    if val_images and not (val_labels or val_list or val_split):
        _refuse("--val-images: name --val-labels, the true labels of these pictures")
    views = Views(_scales(scales), mirror)
    recipe = _validated(find_network(network).usual, given)
    named = read_class_list(classes)
    samples = _to_learn_from(images, labels, list_file, root, split)
    held_out = _to_evaluate_on(val_images or images, val_labels, val_list, root, val_split)
    device = choose_device(device)
    exact = {"precision": settle_precision(recipe.precision, device)}
    plan = Plan(
        recipe.model_copy(update=exact), named, _part("look at samples", samples, named), out,
        device, backbone_weights, _part("look at held-out samples", held_out, named) if held_out
        else None, views, save_predictions, workers, checkpoint_every, log_every, evaluate_every,
    )  # fmt: skip
    complain(f"{find_network(network).title} on {describe_device(device)}, {exact['precision']}")
    raise typer.Exit(_follow(TrainingRun(plan)))


def _check_named(
    root: Path | None, split: str | None, list_file: Path | None, val: str = ""
) -> None:
    """Refuse a split that would be passed over."""
    if split and root is None:
        _refuse(f"--{val}split is a list in --root; name that, or --{val}list")
    if split and list_file:
        _refuse(f"--{val}split and --{val}list: name one of them")


def _to_learn_from(
    images: Path | None,
    labels: Path | None,
    list_file: Path | None,
    root: Path | None,
    split: str | None,
) -> list[LabelledImage]:
    if root is None:
        if images is None or labels is None:
            _refuse("name --images and --labels, or --root")
        return find_labelled(images, labels, list_file)
    found = voc_folders(root, None if list_file else split or "train")
    augmented = root / "SegmentationClassAug"
    known = augmented if augmented.is_dir() else found.get("truth", root / "SegmentationClass")
    return find_labelled(
        images or found["images"], labels or known, list_file or found["list_file"]
    )


def _to_evaluate_on(
    images: Path | None,
    labels: Path | None,
    list_file: Path | None,
    root: Path | None,
    split: str | None,
) -> list[LabelledImage]:
    if labels is None and list_file is None and split is None:
        return []
    if root is not None:
        found = voc_folders(root, split)
        images, labels = images or found["images"], labels or found.get("truth")
        list_file = list_file or found.get("list_file")
    if images is None or labels is None:
        _refuse("name --val-labels, the true labels of what is held out")
    return find_labelled(images, labels, list_file)


def _part(told: str, samples: Sequence[LabelledImage], classes: ClassList) -> Part:
    """Look at all samples under a bar."""
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(told, total=len(samples))
        seen = survey(samples, classes, lambda done, _total: bar.update(task, completed=done))
    typer.echo(f"{told}: {len(samples)}, {_labels(seen, classes)}")
    return Part(tuple(samples), seen.digest)


def _labels(seen: Survey, classes: ClassList) -> str:
    there = [name for label, name in enumerate(classes.names) if seen.counts[label]]
    ignored = 100 * seen.counts[IGNORE] / max(seen.counts.sum(), 1)
    return f"{len(there)} of {len(classes)} classes, {ignored:.1f} % of pixels ignored"


def _follow(run: TrainingRun) -> int:
    """Show a bar while the training goes on; return the exit code."""
    plan = run.plan
    _warn(plan)
    if run.iteration:
        typer.echo(f"goes on at iteration {run.iteration} of {plan.recipe.iterations}")
    columns = (*COLUMNS, TimeRemainingColumn(elapsed_when_finished=True))
    with (
        Progress(*columns, console=Console(stderr=True), speed_estimate_period=300) as bar,
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
                bar.console.print(_told(event), highlight=False)
    return _conclude(run)


def _conclude(run: TrainingRun) -> int:
    plan = run.plan
    if not run.is_complete or (plan.held_out and run.evaluation is None):
        complain(
            f"Stopped at iteration {run.iteration}; the checkpoint is written, and the same "
            "command goes on from there."
        )
        return STOPPED
    if run.evaluation is not None:
        for name, share in run.evaluation.iou.items():
            typer.echo(f"{name:<15} IoU {100 * share:.2f} %")
        typer.echo(_told(run.evaluation))
    typer.echo(f"{plan.recipe.iterations} iterations done; weights and log are in {plan.out}")
    return 0


def _told(event: Evaluated) -> str:
    share = 100 * event.mean_iou
    return f"iteration {event.iteration}: mIoU {share:.2f} % of {len(event.iou)} classes"


def _warn(plan: Plan) -> None:
    """Tell of what people may not mean."""
    if plan.recipe.freeze_bn and plan.backbone_weights == NONE:
        complain("random weights with frozen batch normalisation hardly learn: --no-freeze-bn")
    if plan.held_out is None:
        complain("no held-out samples: nothing will be evaluated")
        return
    learnt = {sample.sample_id for sample in plan.training.samples}
    both = [one.sample_id for one in plan.held_out.samples if one.sample_id in learnt]
    if both:
        complain(f"{listing(both)}: learnt from and evaluated on, so the mIoU flatters")


@contextmanager
def _ctrl_c_stops(run: TrainingRun) -> Iterator[None]:
    """Let the first Ctrl+C end the training in good order, and the second one at once."""

    def stop(_number: int, _frame: object) -> None:
        run.stop()
        signal.signal(signal.SIGINT, before)
        complain("Stopping after this batch; Ctrl+C again stops at once, without a checkpoint.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _validated(usual: BaseModel, given: dict[str, Any]) -> Recipe:
    try:
        return Recipe.model_validate(usual.model_dump() | given)
    except ValidationError as error:
        first = error.errors()[0]
        option = "".join(f"--{word}: ".replace("_", "-") for word in first["loc"])
        raise typer.BadParameter(f"{option}{first['msg']}") from error


def _scales(text: str) -> tuple[float, ...]:
    try:
        scales = tuple(float(word) for word in text.split(","))
    except ValueError:
        scales = ()
    if not scales or not all(0 < scale <= 10 for scale in scales):
        _refuse(f"--scales: {text!r} is no list of sizes as 0.5,1,1.5")
    return scales


def _refuse(told: str) -> NoReturn:
    raise typer.BadParameter(told)
