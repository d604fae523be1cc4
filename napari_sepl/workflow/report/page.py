"""The page of a report: self-contained HTML."""

import base64
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from numpy.typing import NDArray
from PIL import Image

from napari_sepl import __version__
from napari_sepl.core.analysis.differences import ERROR_COLOURS, ERROR_NAMES, Error, find_errors
from napari_sepl.core.analysis.provenance import NAMES, Source
from napari_sepl.core.errors import attempt
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.core.labels.pixels import IGNORE
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.guard import Guard, check_files, holds_mark
from napari_sepl.files.images import as_rgb, read_image
from napari_sepl.files.samples import read_truth
from napari_sepl.workflow.measure.metrics import Figures
from napari_sepl.workflow.measure.sweep import Sweep
from napari_sepl.workflow.measure.tables import is_a_table
from napari_sepl.workflow.report.report import Report, ReportedImage, ReportRun
from napari_sepl.workflow.review.current_labels import SelectedLabels


def percent(share: float) -> str:
    """Return a share in percent; nothing for NaN."""
    return "" if math.isnan(share) else f"{100 * share:.2f}"


def points(change: float) -> str:
    """Return a change of a share in points, with its sign; nothing for NaN."""
    return "" if math.isnan(change) else f"{100 * change:+.2f}"


def hex_of(colour: Iterable[float]) -> str:
    """Return red, green and blue, 0..255, as ``#rrggbb``."""
    return "#" + "".join(f"{round(float(part)):02x}" for part in colour)


WIDTH = 320
"""Pixels across, at most."""

_OPACITY = 0.55
_GREY = (200, 200, 200)
_QUALITY = 80


@dataclass(frozen=True)
class Tile:
    """A picture of a page.

    Parameters
    ----------
    title : str
        What it shows.
    source : str
        A data URI.
    """

    title: str
    source: str


def draw_tiles(
    image: NDArray[Any],
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None,
    palette: NDArray[np.uint8],
) -> list[Tile]:
    """Draw an image with its pseudo-labels, its labels and, given the ground truth, its errors.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16
        The picture.
    before, after : (H, W) uint8
        Pseudo-labels and labels.
    truth : (H, W) uint8, optional
        True labels.
    palette : (256, 3) uint8
        The colour of each label.
    """
    step = max(1, -(-image.shape[1] // WIDTH))
    small = [array[::step, ::step] for array in (as_rgb(image), before, after)]
    tiles = [("pseudo-labels", small[1], palette), ("labels", small[2], palette)]
    if truth is not None:
        true = truth[::step, ::step]
        tiles += [("truth", true, palette), ("errors", find_errors(true, small[2]), _ERRORS)]
    return [Tile(title, as_uri(lay_over(small[0], drawn, p))) for title, drawn, p in tiles]


_ERRORS = np.zeros((256, 3), np.uint8)
_ERRORS[list(ERROR_COLOURS)] = 255 * np.array(list(ERROR_COLOURS.values()))


def lay_over(
    colours: NDArray[np.uint8], labels: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: a picture with labels over it; background is clear, ignore grey."""
    palette = palette.copy()
    palette[IGNORE] = _GREY
    mixed = (1 - _OPACITY) * colours + _OPACITY * palette[labels]
    return np.where((labels > 0)[..., np.newaxis], mixed, colours).astype(np.uint8)


def as_uri(colours: NDArray[np.uint8]) -> str:
    """Return an (H, W, 3) uint8 picture as a data URI of a JPEG."""
    stream = io.BytesIO()
    Image.fromarray(colours).save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


# viridis at nine places, from its published table
_VIRIDIS = np.array([
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129),
    (92, 200, 99), (170, 220, 50), (253, 231, 37),
])  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A pair of thresholds on the heat map."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    told: str


def heat_map(sweep: Sweep, side: float = 320.0) -> Iterable[Cell]:
    """Yield the cells of a sweep's surface, for a square of `side` with t2 upwards."""
    surface = sweep.matches.mean_iou
    known = surface[~np.isnan(surface)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    columns, rows = _spans(sweep.t1), _spans(sweep.t2)
    name = "mIoU" if sweep.against_truth else "agreement"
    for i, j in np.ndindex(surface.shape):
        value = float(surface[i, j])
        share = 0.0 if math.isnan(value) or high == low else (value - low) / (high - low)
        (left, width), (bottom, height) = columns[i], rows[j]
        yield Cell(
            side * left,
            side * (1 - bottom - height),
            side * width,
            side * height,
            hex_of(_colour(share)) if not math.isnan(value) else "none",
            f"t1 {sweep.t1[i]:.4g}, t2 {sweep.t2[j]:.4g}: {name} {percent(value)} %",
        )


def _spans(grid: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return where the cell of each threshold begins and how long it is, as shares of the whole."""
    middles = (grid[1:] + grid[:-1]) / 2
    edges = np.concatenate([grid[:1], middles, grid[-1:]])
    edges = (edges - edges[0]) / max(float(edges[-1] - edges[0]), 1e-9)
    return list(zip(edges[:-1].tolist(), np.diff(edges).tolist(), strict=True))


def _colour(share: float) -> NDArray[np.float64]:
    places = np.linspace(0, 1, len(_VIRIDIS))
    return np.array([np.interp(share, places, channel) for channel in _VIRIDIS.T])


_SOURCE_COLOURS = {
    Source.NOTHING: "#d8dce2", Source.IGNORED: "#9aa0a8", Source.KEPT: "#e0b020",
    Source.BY_O_P: "#7350d8", Source.BY_O_S: "#2a8cf0", Source.PERSON: "#1fae55",
    Source.BROUGHT: "#8cc832", Source.PROMPTED: "#00a8a8", Source.PINNED: "#e86fb0",
    Source.PAINTED: "#e2472c",
}  # fmt: skip


class ClassRow(NamedTuple):
    """A line of the table of classes; the figures are NaN without ground truth."""

    name: str
    colour: str
    images: int
    before: int
    after: int
    figures_before: Figures
    figures: Figures


def class_rows(report: Report) -> Iterable[ClassRow]:
    """Yield a line for each class that pseudo-labels, labels or truth hold."""
    classes, after = report.index.classes, report.agreement_after
    present = report.before + report.after
    if after is not None:
        present[:IGNORE] += after.regions.wanted
    for class_id in np.flatnonzero(present[:IGNORE]).tolist():
        old, new = (
            Figures(*[math.nan] * 4) if one is None else one.figures(class_id)
            for one in (report.agreement_before, after)
        )
        counts = (report.holding, report.before, report.after)
        images, pixels_before, pixels = (int(count[class_id]) for count in counts)
        colour = hex_of(classes.palette()[class_id])
        yield ClassRow(classes.name(class_id), colour, images, pixels_before, pixels, old, new)


def mean_rows(report: Report) -> dict[str, tuple[float, float]]:
    """Return the means over classes, before and after, by name; none without ground truth."""
    before, after = report.agreement_before, report.agreement_after
    if before is None or after is None:
        return {}
    old, new = before.mean, after.mean
    return {
        "mIoU": (old.iou, new.iou),
        "precision": (old.precision, new.precision),
        "recall": (old.recall, new.recall),
        "boundary IoU": (old.boundary_iou, new.boundary_iou),
    }


def source_shares(report: Report) -> Iterable[tuple[str, str, float]]:
    """Yield name, colour and share of pixels of each source."""
    total = sum(report.sources.values()) or 1
    for source, pixels in sorted(report.sources.items()):
        yield NAMES[source], _SOURCE_COLOURS[source], pixels / total


SHOWN = 12
"""Images of each kind on a page."""

_MARK = b'<meta name="generator" content="napari-sepl">'  # by which a page is known


@dataclass(frozen=True)
class Pictured:
    """An image of the page with its pictures.

    Parameters
    ----------
    image : ReportedImage
        Its caption.
    tiles : list of Tile
        Its pictures; none if they could not be drawn.
    problem : str
        Why not; empty otherwise.
    """

    image: ReportedImage
    tiles: list[Tile]
    problem: str = ""


def picture(image: ReportedImage, labels: SelectedLabels, classes: ClassList) -> Pictured:
    """Draw an image of a report; if that fails, show the reason in its place."""
    sample = labels.reviewable.sample

    def draw() -> Pictured:
        given, resolved = labels.resolve()
        truth = read_truth(sample, classes, given.pseudo.shape)
        pixels = read_image(sample.image)
        tiles = draw_tiles(pixels, given.pseudo, resolved.labels, truth, classes.palette())
        return Pictured(image, tiles)

    return attempt(draw, partial(Pictured, image, []), sample.image)


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
        rows=list(class_rows(report)),
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
        name: [picture(image, run.selection.labels(image.sample_id), classes) for image in images]
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
