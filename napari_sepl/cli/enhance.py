"""The command `enhance`: enhanced labels for a dataset."""

from typing import Annotated

from napari_sepl.cli._command import command
from napari_sepl.cli._console import follow
from napari_sepl.cli._dataset import DatasetOptions, note_index, note_scores, takes_dataset
from napari_sepl.cli._options import (
    EDITED,
    Scheduler,
    Workers,
    choose_executor,
    overwriting,
    params_of,
    seen_dataset,
    setting,
)
from napari_sepl.core.algorithm.params import Conflict, Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.workflow.enhance import enhance_folder

DEFAULTS = Params()


@command("napari-sepl enhance --images JPEGImages --pseudo cam_png --masks sam_json --out labels")
@takes_dataset(
    "images", "pseudo", "masks", "out", "list_file", "classes", "pseudo_format", "mask_classes",
    needs=("images", "pseudo", "masks", "out"),
)  # fmt: skip
def enhance_command(  # noqa: PLR0913  each option is an argument
    dataset: DatasetOptions,
    *,
    t1: Annotated[float, setting("t1")] = DEFAULTS.t1,
    t2: Annotated[float, setting("t2")] = DEFAULTS.t2,
    strategy: Annotated[Strategy, setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, setting("conflict")] = DEFAULTS.conflict,
    background: Annotated[float | None, setting("background")] = None,
    overwrite: Annotated[bool, overwriting("Replace labels of other settings", EDITED)] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> int:
    """Enhance the pseudo-labels of a dataset and save them as label PNGs in --out.

    The same command resumes a stopped run; finished samples are skipped.
    """
    settings = {"t1": t1, "t2": t2, "strategy": strategy, "conflict": conflict}
    params = params_of(**settings, background=background)
    spec = dataset.find().spec
    executor = choose_executor(workers, scheduler)
    index = SampleIndex.open(
        seen_dataset(scheduler, spec), (Role.IMAGE, Role.PSEUDO, Role.MASKS), ()
    )
    note_scores(index, background)
    events = enhance_folder(index, params, overwrite=overwrite, executor=executor)
    code = follow(events, len(index) + len(index.problems), "enhance")
    note_index(index, "pseudo-labels")
    return code
