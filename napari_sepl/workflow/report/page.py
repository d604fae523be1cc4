"""The page itself: HTML that holds all it shows."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from napari_sepl import __version__
from napari_sepl.core.classes import ClassList
from napari_sepl.core.differences import ERROR_COLOURS, ERROR_NAMES, Error
from napari_sepl.core.errors import attempt
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.guard import Guard, check_files, holds_mark
from napari_sepl.files.images import read_image
from napari_sepl.files.samples import read_truth
from napari_sepl.workflow.measure.tables import is_a_table
from napari_sepl.workflow.report.counting import ReportRun
from napari_sepl.workflow.report.heat import heat_map
from napari_sepl.workflow.report.pictures import Tile, draw_tiles
from napari_sepl.workflow.report.report import Report, ReportedImage
from napari_sepl.workflow.report.rows import class_rows, mean_rows, source_shares
from napari_sepl.workflow.report.wording import hex_of, percent, points
from napari_sepl.workflow.review.reviewed import Reviewable, resolve_sample

SHOWN = 12
"""Images of each kind on a page."""

_MARK = b'<meta name="generator" content="napari-sepl">'  # by which a page is known


@dataclass(frozen=True)
class Pictured:
    """An image of the page with its pictures.

    Parameters
    ----------
    image : ReportedImage
        What is told of it.
    tiles : list of Tile
        Its pictures; none if they could not be drawn.
    problem : str
        Why not; empty otherwise.
    """

    image: ReportedImage
    tiles: list[Tile]
    problem: str = ""


def picture(image: ReportedImage, item: Reviewable, classes: ClassList) -> Pictured:
    """Draw an image of a report; what cannot be drawn is told in its place."""

    def draw() -> Pictured:
        given, resolved = resolve_sample(item, classes)
        truth = read_truth(item.sample, classes, given.pseudo.shape)
        pixels = read_image(item.sample.image)
        tiles = draw_tiles(pixels, given.pseudo, resolved.final, truth, classes.palette())
        return Pictured(image, tiles)

    return attempt(draw, partial(Pictured, image, []), item.sample.image)


def render(report: Report, groups: dict[str, list[Pictured]], *, title: str, when: str) -> str:
    """Return the page.

    Parameters
    ----------
    report : Report
        What was counted.
    groups : dict of str to list of Pictured
        Images with pictures, by heading.
    title : str
        The page's.
    when : str
        The day it is made.
    """
    environment = Environment(
        loader=PackageLoader("napari_sepl.workflow.report", "."),
        autoescape=select_autoescape(["html", "jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "points": points, "count": "{:,}".format}
    sweep = report.sweep
    page = environment.get_template("page.html.jinja").render(
        report=report,
        groups=groups,
        title=title,
        when=when,
        version=__version__,
        settings=report.params.model_dump(mode="json"),
        places=report.index.spec.model_dump(mode="json"),
        rows=class_rows(report),
        sources=list(source_shares(report)),
        means=mean_rows(report),
        cells=list(heat_map(sweep)) if sweep is not None else [],
        sweep=sweep,
        errors=[
            (ERROR_NAMES[Error(e)], hex_of(255 * np.array(c))) for e, c in ERROR_COLOURS.items()
        ],
    )
    return str(page)


def make_page(run: ReportRun, shown: int, *, title: str) -> str:
    """Return the page of a run that is over, with so many worst and so many best images.

    None is shown twice: of few images, the better half counts among the best.
    """
    report = run.report
    worst = report.worst(min(shown, -(-len(report.images) // 2)))
    best = report.best(min(shown, len(report.images) - len(worst)))
    names = ("Lost most", "Gained most") if report.against_truth else ("Most suspicious", "Least")
    classes = run.index.classes
    groups = {
        name: [picture(image, run.samples.item(image.sample_id), classes) for image in images]
        for name, images in zip(names, (worst, best), strict=True)
    }
    when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return render(report, groups, title=title, when=when)


def check_page(path: Path, guard: Guard) -> None:
    """Raise InputError or SaveError if the page may not be written there; make its folder."""
    check_files({path: holds_mark(_MARK)}, guard, "--to", is_a_table)


def write_page(path: Path, page: str, guard: Guard) -> None:
    """Write the page, whole or not at all, as `check_page` lets; SaveError if it cannot be."""
    check_page(path, guard)
    write_whole(path, page.encode("utf-8"))
