"""A sweep over a dataset in the real window: run, stop, look, click, save."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.gui import sweep_dock
from napari_sepl.gui.sweep_dock import SweepDock, Sweeping
from napari_sepl.workflow.measure.sweep import Sweep, SweepRun
from napari_sepl.workflow.results import SampleResult
from tests.gui.conftest import CTRL, Walk, Window, has_message, press_button
from tests.workflow.sweeping import IDS

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def walk(window: Window, spec: DatasetSpec) -> Iterator[Walk]:
    walk = Walk(window, spec)
    yield walk
    walk.dock.close_dataset()


@pytest.fixture
def dock(walk: Walk) -> Iterator[SweepDock]:
    press_button(walk.dock, "sweep")
    dock = walk.window.widget.docks.sweep_dock
    assert dock is not None
    QTest.qWait(100)
    assert dock.isVisible()
    yield dock
    walk.window.viewer.window.remove_dock_widget(dock)


def swept(spec: DatasetSpec, params: Params) -> Sweep:
    """Sweep without a window."""
    run = SweepRun(SampleIndex.open(spec), params)
    assert not [step for step in run if step.message]
    return run.sweep


def press_and_wait(walk: Walk, dock: SweepDock) -> None:
    QTest.mouseClick(dock.start, LEFT)
    for _ in range(600):
        walk.settle()
        if dock._sweeping is None or not dock._sweeping.running:
            return
    raise AssertionError("the sweep did not end")


def on_surface(dock: SweepDock, t1: float, t2: float) -> QPointF:
    """Return where a pair is in the plot's scene."""
    at: QPointF = dock.surface.plot.getViewBox().mapViewToScene(QPointF(t1, t2))
    return at


def click(dock: SweepDock, t1: float, t2: float) -> None:
    viewport = dock.surface.plot.viewport()
    at = dock.surface.plot.mapFromScene(on_surface(dock, t1, t2))
    QTest.mouseMove(viewport, at)
    QTest.qWait(50)
    QTest.mouseClick(viewport, LEFT, Qt.KeyboardModifier.NoModifier, at)
    QTest.qWait(50)


@pytest.mark.long
def test_the_surface_is_that_of_the_command_line(
    walk: Walk, dock: SweepDock, spec: DatasetSpec
) -> None:
    press_and_wait(walk, dock)
    expected = swept(spec, Params())
    np.testing.assert_allclose(
        dock.surface.image.image, expected.matches.mean_iou, rtol=0, atol=1e-6
    )
    assert expected.best is not None
    assert dock.surface.best.data["x"].tolist() == [expected.best.t1]
    assert f"{100 * expected.best.iou:.2f}" in dock.summary.text()
    assert dock.best.rowCount() == len(expected.best_of_classes)
    assert dock.start.text() == "Sweep"

    QTest.mouseClick(
        dock.best.viewport(), LEFT, Qt.KeyboardModifier.NoModifier,
        dock.best.visualItemRect(dock.best.item(1, 0)).center(),
    )  # fmt: skip
    class_id = expected.best_of_classes[1].class_id
    np.testing.assert_allclose(
        dock.surface.image.image, expected.matches.iou[class_id], rtol=0, atol=1e-6
    )
    dock.shown.setCurrentText("pixels changed")
    np.testing.assert_allclose(dock.surface.image.image, expected.change, rtol=0, atol=1e-6)


@pytest.mark.long
def test_a_click_sets_the_sliders_in_one_step(walk: Walk, dock: SweepDock) -> None:
    press_and_wait(walk, dock)
    click(dock, 0.25, 0.6)
    params = walk.window.document.params
    assert (params.t1, params.t2) == pytest.approx((0.25, 0.6))
    assert walk.window.widget.params.controls["t1"].value() == pytest.approx(0.25)
    assert dock.surface.present.data["y"].tolist() == pytest.approx([0.6])
    assert dock.surface.text.text().startswith("t1 0.25, t2 0.6")
    assert len(walk.window.document.history.done) == 1
    walk.window.press(Qt.Key.Key_Z, CTRL)
    assert walk.window.document.params == Params()
    assert dock.surface.present.data["x"].tolist() == [0.5]


@pytest.mark.long
def test_it_resumes_and_counts_each_sample_once(
    walk: Walk, dock: SweepDock, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_dock, "_BATCH", 0.0)  # a sample at a time
    take = Sweeping._take

    def stop_after_one(self: Sweeping, steps: list[SampleResult[None]]) -> None:
        take(self, steps)
        if self.done == 1 and self.running:
            dock.start.click()

    monkeypatch.setattr(Sweeping, "_take", stop_after_one)
    press_and_wait(walk, dock)
    assert dock.start.text() == "Resume"
    assert not dock.save.isEnabled()
    assert dock.bar.value() == 1
    press_and_wait(walk, dock)
    assert dock._sweep is not None
    assert dock._sweep.samples == len(IDS)
    np.testing.assert_array_equal(
        dock._sweep.matches.mean_iou, swept(spec, Params()).matches.mean_iou
    )


@pytest.mark.long
def test_another_strategy_begins_anew(walk: Walk, dock: SweepDock, spec: DatasetSpec) -> None:
    press_and_wait(walk, dock)
    walk.window.widget.params.controls["strategy"].setCurrentText("released")
    press_and_wait(walk, dock)
    assert dock._sweep is not None
    expected = swept(spec, Params(strategy=Strategy.RELEASED))
    np.testing.assert_array_equal(dock._sweep.matches.mean_iou, expected.matches.mean_iou)
    assert "released" in dock.summary.text()


@pytest.mark.long
def test_it_is_saved_as_the_command_line_does(
    walk: Walk, dock: SweepDock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not dock.save.isEnabled()
    press_and_wait(walk, dock)
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *_: (str(tmp_path / "s.csv"), "")
    )
    QTest.mouseClick(dock.save, LEFT)
    walk.settle()
    rows = list(csv.reader((tmp_path / "s.csv").read_text().splitlines()))
    assert len(rows) == 1 + 21 * 21
    assert (tmp_path / "s-classes.csv").exists()


@pytest.mark.long
def test_a_broken_sample_is_reported_and_the_others_counted(
    walk: Walk, dock: SweepDock, spec: DatasetSpec
) -> None:
    (spec.folder("masks") / f"{IDS[2]}.json").write_text("{")
    press_and_wait(walk, dock)
    assert dock._sweep is not None
    assert dock._sweep.samples == len(IDS) - 1
    assert has_message(f"{IDS[2]}.json")


@pytest.mark.long
def test_closing_the_dataset_ends_the_sweep(
    walk: Walk, dock: SweepDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_dock, "_BATCH", 0.0)
    QTest.mouseClick(dock.start, LEFT)
    walk.dock.close_dataset()
    walk.settle()
    assert dock._sweep is None
    assert not dock.start.isEnabled()
    assert dock.summary.text() == "No dataset is open."


@pytest.mark.long
def test_a_surface_is_not_left_for_another_dataset(walk: Walk, dock: SweepDock) -> None:
    press_and_wait(walk, dock)
    walk.window.widget.open_dataset(walk.spec)
    walk.settle()
    assert dock.surface.image.image is None
    assert not len(dock.surface.best.data)
    click(dock, 0.25, 0.6)
    assert walk.window.document.params == Params()


@pytest.mark.long
def test_samples_without_masks_are_left_out(window: Window, spec: DatasetSpec) -> None:
    (spec.folder("masks") / f"{IDS[0]}.json").unlink()
    walk = Walk(window, spec)
    press_button(walk.dock, "sweep")
    dock = window.widget.docks.sweep_dock
    assert dock is not None
    press_and_wait(walk, dock)
    assert dock._sweep is not None
    assert dock._sweep.samples == len(IDS) - 1
    assert "1 without masks" in dock.summary.text()
    walk.dock.close_dataset()
    window.viewer.window.remove_dock_widget(dock)
