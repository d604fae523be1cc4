"""The command `enhance`: a folder in, labels out."""

from pathlib import Path
from typing import Annotated

import typer

from napari_sepl.cli._console import complain, follow, listing
from napari_sepl.cli._dataset import PseudoFormat, tell_scores
from napari_sepl.cli._settings import params_of, setting
from napari_sepl.cli._spread import Scheduler, Workers, choose_spread, seen
from napari_sepl.core.params import Conflict, Params, Strategy
from napari_sepl.files.class_lists import read_class_list
from napari_sepl.files.pairing import pair_by_stem
from napari_sepl.files.score_formats import AUTO, check_format
from napari_sepl.workflow.enhance import enhance_folder

DEFAULTS = Params()


def enhance_command(  # noqa: PLR0913  each option is an argument
    *,
    images: Annotated[Path, typer.Option(help="Folder of pictures.")],
    pseudo: Annotated[Path, typer.Option(help="Folder of pseudo-labels.")],
    masks: Annotated[Path, typer.Option(help="Folder of masks, a file or folder per picture.")],
    out: Annotated[Path, typer.Option(help="Folder for the enhanced labels.")],
    t1: Annotated[float, setting("t1")] = DEFAULTS.t1,
    t2: Annotated[float, setting("t2")] = DEFAULTS.t2,
    strategy: Annotated[Strategy, setting("strategy")] = DEFAULTS.strategy,
    conflict: Annotated[Conflict, setting("conflict")] = DEFAULTS.conflict,
    background: Annotated[float | None, setting("background")] = None,
    pseudo_format: PseudoFormat = None,
    list_file: Annotated[
        Path | None, typer.Option("--list", help="Text file with the samples to do, one a line.")
    ] = None,
    classes: Annotated[str, typer.Option(help="voc, coco or a TOML file.")] = "voc",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace labels that no person has edited.")
    ] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Enhance the pseudo-labels of a folder and save them as label PNGs."""
    settings = {"t1": t1, "t2": t2, "strategy": strategy, "conflict": conflict}
    params = params_of(**settings, background=background)
    class_list = read_class_list(classes)
    layout = check_format(pseudo_format or AUTO)
    spread = choose_spread(workers, scheduler)
    images, pseudo, masks, out = (seen(scheduler, place) for place in (images, pseudo, masks, out))
    pairing = pair_by_stem(images, pseudo, masks, list_file=list_file, pseudo_format=layout)
    tell_scores(pairing.samples)
    total = len(pairing.samples) + len(pairing.unmatched)
    events = enhance_folder(pairing, out, class_list, params, overwrite=overwrite, spread=spread)
    code = follow(events, total, "enhance")
    if pairing.without_pseudo:
        complain(f"{listing(pairing.without_pseudo)}: no pseudo-labels, left out")
    raise typer.Exit(code)
