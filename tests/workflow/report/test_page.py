"""The page: what it shows, and that it holds all it shows."""

import base64
import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_sepl.core.analysis.sweep import threshold_grid
from napari_sepl.core.errors import SaveError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.guard import NO_INPUTS, Guard
from napari_sepl.files.images import as_rgb
from napari_sepl.workflow.report.page import (
    _spans,
    check_page,
    draw_tiles,
    heat_map,
    lay_over,
    make_page,
    write_page,
)
from napari_sepl.workflow.report.report import ReportRun
from napari_sepl.workflow.review.selection import AS_ENHANCED, Selection
from tests.messages import says
from tests.workflow.sweeping import IDS

PALETTE = VOC.palette()


def page_of(spec: DatasetSpec, shown: int = 2) -> str:
    run = ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED))
    list(run)
    return make_page(run, shown, title="cats & <dogs>")


def test_it_shows_each_image_once_and_needs_no_other_file(spec: DatasetSpec) -> None:
    page = page_of(spec, shown=12)
    assert "cats &amp; &lt;dogs&gt;" in page
    for sample_id in IDS:
        assert page.count(f"<h3>{sample_id} ") == 1
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 4 * len(IDS)  # pseudo-labels, labels, truth, errors
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "http" not in re.sub(r'src="[^"]*"', "", page)
    assert "<script" not in page


def test_figures_are_those_of_the_report(spec: DatasetSpec) -> None:
    run = ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED))
    list(run)
    after, before = run.report.agreement_after, run.report.agreement_before
    assert after is not None
    assert before is not None
    page = make_page(run, 1, title="t")
    assert f"<b>{100 * after.mean.iou:.2f}</b>" in page
    assert f"from {100 * before.mean.iou:.2f}" in page
    row = re.search(r"</span>table</td>(.*?)</tr>|</span>dining table</td>", page)
    assert (row is None) == (run.report.before[11] + run.report.after[11] == 0)
    for k in (8, 12):
        cells = re.search(rf"</span>{VOC.name(k)}</td>(.*?)</tr>", page, re.DOTALL)
        assert cells is not None
        assert f"<td>{run.report.after[k]:,}</td>" in cells[1]


def test_without_truth_it_says_so_and_tells_no_iou(spec: DatasetSpec) -> None:
    page = page_of(spec.model_copy(update={"ground_truth": None}))
    assert "No ground truth is given" in page
    assert "mIoU" not in page
    assert "Most suspicious" in page


def test_an_image_that_is_gone_is_told_in_its_place(spec: DatasetSpec) -> None:
    run = ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED))
    list(run)
    gone = spec.folder("images") / f"{run.report.worst(1)[0].sample_id}.png"
    gone.unlink()
    page = html.unescape(make_page(run, 1, title="t"))
    assert says(page, gone, "found no such file")


def test_a_name_cannot_become_part_of_the_page(spec: DatasetSpec) -> None:
    odd = "<img src=x onerror=alert(1)>"
    for folder, suffix in (
        (spec.images, "png"), (spec.pseudo, "png"), (spec.masks, "json"),
        (spec.ground_truth, "png"),
    ):  # fmt: skip
        assert folder is not None
        (folder / f"b.{suffix}").rename(folder / f"{odd}.{suffix}")
    page = page_of(spec, shown=12)
    assert odd not in page
    assert html.escape(odd) in page


@pytest.mark.parametrize("width", [1, 40, 320, 321, 2000])
def test_tiles_are_small_pictures(width: int) -> None:
    image = np.full((20, width, 3), 90, np.uint8)
    labels = np.zeros((20, width), np.uint8)
    labels[:10] = 3
    tiles = draw_tiles(image, labels, labels, labels, PALETTE)
    assert [tile.title for tile in tiles] == ["pseudo-labels", "labels", "truth", "errors"]
    for tile in tiles:
        drawn = Image.open(io.BytesIO(base64.b64decode(tile.source.split(",")[1])))
        assert min(width, 160) <= drawn.width <= 320
    assert len(draw_tiles(image, labels, labels, None, PALETTE)) == 2


def test_labels_are_laid_over_and_background_stays() -> None:
    colours = np.full((1, 3, 3), 100, np.uint8)
    drawn = lay_over(colours, np.array([[0, 5, 255]], np.uint8), PALETTE)
    assert drawn[0, 0].tolist() == [100, 100, 100]
    np.testing.assert_allclose(drawn[0, 1], 45 + 0.55 * PALETTE[5], atol=1)
    assert drawn[0, 2].tolist() == [155, 155, 155]  # grey, not VOC's colour of 255


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 3), (2, 2, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_all_pictures_become_colours(shape: tuple[int, ...], dtype: type) -> None:
    colours = as_rgb(np.full(shape, 200 if dtype is np.uint8 else 200 << 8, dtype))
    assert colours.shape == (2, 2, 3)
    assert (colours == 200).all()


@given(steps=st.integers(2, 30), default=st.floats(0.01, 0.99))
def test_cells_cover_the_square_once(steps: int, default: float) -> None:
    spans = _spans(threshold_grid(steps, default))
    ends = [start + length for start, length in spans]
    assert spans[0][0] == 0
    assert ends[-1] == pytest.approx(1)
    np.testing.assert_allclose([start for start, _ in spans[1:]], ends[:-1])
    assert all(length > 0 for _, length in spans)


def test_the_brightest_cell_is_the_best_pair(spec: DatasetSpec) -> None:
    run = ReportRun(Selection(SampleIndex.open(spec), None, AS_ENHANCED))
    list(run)
    sweep = run.report.sweep
    assert sweep is not None
    assert sweep.best is not None
    cells = {cell.told: cell for cell in heat_map(sweep)}
    told = f"t1 {sweep.best.t1:.4g}, t2 {sweep.best.t2:.4g}: mIoU {100 * sweep.best.iou:.2f} %"
    assert cells[told].colour == "#fde725"
    assert min(cell.y for cell in cells.values()) == pytest.approx(0)  # t2 = 1 on top


def test_another_programs_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    check_page(path, NO_INPUTS)
    write_page(path, '<meta name="generator" content="napari-sepl">', NO_INPUTS)
    check_page(path, Guard(overwrite=True))
    path.write_text("<h1>mine</h1>")
    with pytest.raises(SaveError, match="choose another --to"):
        check_page(path, Guard(overwrite=True))
