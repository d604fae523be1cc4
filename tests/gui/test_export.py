"""The export dialog over a dataset in the real window, and its engine without one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.core.errors import InputError, SeplError
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.labels import read_labels
from napari_sepl.gui.commands import export_dataset
from napari_sepl.gui.panels.export_choice import ALL
from napari_sepl.gui.queue.export import ExportDialog, Exporting
from napari_sepl.gui.worker import Background
from napari_sepl.workflow.export.export import Export
from napari_sepl.workflow.results import Outcome, SampleResult
from tests.gui.conftest import Walk, Window, has_message
from tests.gui.immediate import Immediate

LEFT = Qt.MouseButton.LeftButton


class FakeExport:
    def __init__(self, count: int) -> None:
        self.count = count
        self.closed = False

    def __len__(self) -> int:
        return self.count

    def outcome(self) -> list[str]:
        return ["Nothing lost."]

    def run(self) -> Iterator[SampleResult[object]]:
        try:
            for number in range(self.count):
                failed = number % 2 == 1
                outcome = Outcome.FAILED if failed else Outcome.SAVED
                yield SampleResult(f"s{number}", outcome, f"s{number}: broken." if failed else "")
        finally:
            self.closed = True


class Shown:
    def __init__(self) -> None:
        self.progress: list[tuple[int, int]] = []
        self.end: tuple[str, bool] | None = None
        self.on_progress: Callable[[], None] = lambda: None

    def show_progress(self, done: int, total: int) -> None:
        self.progress.append((done, total))
        self.on_progress()

    def show_end(self, text: str, *, fine: bool) -> None:
        self.end = text, fine


def engine(make: Callable[[], object], shown: Shown) -> Exporting:
    background: Background = Immediate()
    return Exporting(make, background, shown)  # type: ignore[arg-type]


def test_the_outcome_is_shown_with_the_first_failures() -> None:
    shown = Shown()
    run = engine(lambda: FakeExport(15), shown)
    run.start()
    assert not run.running
    assert shown.progress[-1] == (15, 15)
    assert shown.end is not None
    text, fine = shown.end
    assert not fine
    assert text.startswith("8 saved, 7 failed. s1: broken. s3: broken.")
    assert text.endswith("s9: broken. And 2 more failed. Nothing lost.")


def test_stopping_closes_the_run() -> None:
    shown, export = Shown(), FakeExport(10**9)
    run = engine(lambda: export, shown)
    shown.on_progress = lambda: run.stop() if shown.progress[-1][0] else None
    run.start()
    assert export.closed
    assert 0 < shown.progress[-1][0] < 10**9
    assert shown.end is not None
    assert shown.end[0].endswith("Stopped. Export again to resume.")


def test_an_error_that_stops_an_export_is_shown() -> None:
    def fail() -> Export:
        raise InputError("x", found="y", expected="z")

    shown = Shown()
    engine(fail, shown).start()
    assert shown.end == (str(SeplError("x: found y; expected z.")), False)


# --- in the window


@pytest.fixture
def dialog(window: Window, pets: DatasetSpec) -> Iterator[ExportDialog]:
    walk = Walk(window, pets)
    walk.press(Qt.Key.Key_A)  # accepts s1
    export_dataset(window.viewer)
    dialog = walk.dock.exports
    assert dialog.isVisible()
    yield dialog
    walk.dock.close_dataset()
    assert not dialog.isVisible()


def press_and_wait(window: Window, dialog: ExportDialog) -> None:
    QTest.mouseClick(dialog.start, LEFT)
    for _ in range(600):
        window.settle()
        if dialog._exporting is None or not dialog._exporting.running:
            return
    raise AssertionError("the export did not end")


def test_accepted_samples_are_exported(
    window: Window, dialog: ExportDialog, pets: DatasetSpec
) -> None:
    to = pets.output.parent / "to"
    dialog.choice.fields["to"].value = to
    press_and_wait(window, dialog)
    assert dialog.outcome.text().startswith("1 saved. Files are in ")
    labels = read_labels(to / "SegmentationClass" / "s1.png")
    assert np.array_equal(labels, read_labels(pets.output / "s1.png"))
    press_and_wait(window, dialog)
    assert dialog.outcome.text().startswith("1 present. Files are in ")


def test_all_samples_with_every_choice(
    window: Window, dialog: ExportDialog, pets: DatasetSpec, tmp_path: Path
) -> None:
    (pets.folder("pseudo") / "s4.png").write_bytes(b"broken")
    (tmp_path / "map.toml").write_text('[merge]\npet = ["cat", "dog"]')
    fields = dialog.choice.fields
    fields["format"].value = "coco-polygons"
    fields["to"].value = tmp_path / "coco"
    fields["samples"].value = ALL
    fields["class_id"].value = "cat"
    fields["class_map"].value = tmp_path / "map.toml"
    fields["instances"].value = "class"
    assert fields["holes"].visible
    assert not fields["trust"].visible
    press_and_wait(window, dialog)
    assert dialog.outcome.text().startswith("⚠ 5 saved, 1 failed.")
    assert "IoU of the polygons" in dialog.outcome.text()
    content = json.loads((tmp_path / "coco" / "annotations" / "instances_train.json").read_text())
    assert len(content["images"]) == 5
    assert "pet" in [one["name"] for one in content["categories"]]


def test_a_missing_folder_is_reported(window: Window, dialog: ExportDialog) -> None:
    press_and_wait(window, dialog)
    assert dialog.outcome.text() == "export folder: found nothing; expected a folder to be chosen."


def test_without_a_dataset_the_menu_says_so(window: Window) -> None:
    export_dataset(window.viewer)
    assert has_message("Open a dataset to export it")
