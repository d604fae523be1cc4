"""What may be wrong with an image, without a window, in the review panel and in the queue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from napari.components import ViewerModel
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.diagnosis.types import Cause, Diagnosis
from napari_sepl.document.document import Document
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.gui.controller import Controller
from napari_sepl.gui.panels.queue import QueuePanel
from napari_sepl.gui.queue import background_scan
from napari_sepl.gui.view import View
from napari_sepl.workflow.review.queue import Column, Filter
from tests.document.drawing import SHAPE, cat_and_dog, save_pets
from tests.gui.conftest import Window, agree_in_bulk, choose_in_bulk, wait_until
from tests.gui.immediate import Immediate
from tests.gui.test_background_scan_window import Prepared

CAT, DOG = 8, 12
SHIFT = Qt.KeyboardModifier.ShiftModifier


# --- without a window


class Bench:
    """A controller around a viewer without a window."""

    def __init__(self) -> None:
        self.view: Any = MagicMock(spec=View)
        self.controller = Controller(ViewerModel(), self.view, Immediate())
        self.found: list[tuple[Document, Diagnosis]] = []
        self.controller.diagnosing.found.connect(self.note)

    def note(self, document: Document, diagnosis: Diagnosis) -> None:
        self.found.append((document, diagnosis))

    def open(self) -> None:
        self.controller.open(cat_and_dog)

    @property
    def shown(self) -> list[tuple[Cause, int]]:
        diagnosis: Diagnosis = self.view.diagnosis.show_diagnosis.call_args.args[0]
        return [(finding.cause, finding.class_id) for finding in diagnosis.findings]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.controller.recording.close()


def test_the_image_is_diagnosed_and_follows_the_sliders(bench: Bench) -> None:
    bench.open()
    assert bench.shown == [(Cause.GROWN, DOG), (Cause.OUTSIDE, DOG)]
    bench.controller.set_params(Params(t2=1.0))
    assert bench.shown == []  # the dog keeps its pseudo-labels
    assert [document for document, _ in bench.found] == 2 * [bench.controller.context.document]


def test_it_is_told_once_for_each_state_and_shown_in_a_new_view(bench: Bench) -> None:
    bench.open()
    other: Any = MagicMock(spec=View)
    bench.controller.attach(other)
    assert len(bench.found) == 1
    assert other.diagnosis.show_diagnosis.call_args == bench.view.diagnosis.show_diagnosis.call_args


def test_image_labels_of_the_sample_are_asked_for(bench: Bench) -> None:
    bench.controller.diagnosing.image_labels = {"pets": (CAT, 15)}
    bench.open()
    assert bench.shown[0] == (Cause.MISSING, 15)
    finding = bench.found[0][1].findings[0]
    bench.controller.diagnosing.point_at(finding)
    assert bench.controller.context.class_id == 15
    assert bench.controller.pointing.region is None


def test_a_finding_points_at_its_mask_or_its_class(bench: Bench) -> None:
    bench.open()
    grown, outside = bench.found[0][1].findings
    bench.controller.diagnosing.point_at(outside)
    assert bench.controller.pointing.region == 2
    bench.controller.diagnosing.point_at(grown)
    assert bench.controller.pointing.region == -DOG
    assert "pseudo-labels of dog" in bench.view.show_mask.call_args.args[0]
    assert bench.controller.context.layers.highlight.layer.data[10:20, 40:48].any()


# --- in the real window


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Five samples: in s3 the dog grows much, in s4 the cat shrinks, the others are fine."""
    pseudo = dict[str, NDArray[np.uint8] | None]()
    for number in range(1, 6):
        labels = pseudo[f"s{number}"] = np.zeros(SHAPE, np.uint8)
        labels[5:25, 5:25] = CAT
        if number == 3:
            labels[10:29, 40:43] = DOG
        if number == 4:
            labels[5:40, 5:35] = CAT
    return save_pets(tmp_path, pseudo)


@pytest.fixture
def opened(
    window: Window, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Prepared]:
    monkeypatch.setattr(background_scan, "FIRST", 1)
    one = Prepared(window, spec)
    yield one
    one.dock.close_dataset()


def click_header(panel: QueuePanel, column: Column) -> None:
    header = panel.table.horizontalHeader()
    section = list(Column).index(column)
    panel.table.scrollTo(panel.model.index(0, section))
    at = header.rect().center()
    at.setX(header.sectionViewportPosition(section) + 5)
    QTest.mouseClick(
        header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at
    )


def test_the_queue_is_ordered_worst_first_and_one_key_opens_the_worst(opened: Prepared) -> None:
    opened.let_scan()
    panel = opened.dock.panel
    click_header(panel, Column.SUSPICION)
    assert opened.listed()[:2] == ["s4", "s3"]
    section = list(Column).index(Column.CAUSE)
    causes = [panel.model.data(panel.model.index(n, section)) for n in (0, 1)]
    assert causes == ["shrank", "grew"]
    opened.window.press(Qt.Key.Key_N, SHIFT)
    wait_until(lambda: opened.dock.navigator.row == 3)
    opened.window.press(Qt.Key.Key_N, SHIFT)
    wait_until(lambda: opened.dock.navigator.row == 2)
    panel.cause.setCurrentIndex(panel.cause.findData(Cause.SHRUNK))
    assert opened.listed() == ["s4"]
    assert opened.dock.reviewing is not None
    assert opened.dock.reviewing.session.filtering == Filter(cause=Cause.SHRUNK)


def test_the_open_image_tells_what_is_wrong_and_its_row_follows(opened: Prepared) -> None:
    opened.let_scan()
    opened.dock.navigator.go(2)
    listed = opened.window.widget.diagnosis.list
    wait_until(lambda: listed.count() > 0 and "dog: grew" in listed.item(0).text())
    before = opened.queue.suspicion[2]
    texts = [listed.item(n).text() for n in range(listed.count())]
    at = next(n for n, text in enumerate(texts) if "mask 2" in text)
    listed.scrollToItem(listed.item(at))
    place = listed.visualItemRect(listed.item(at)).center()
    QTest.mouseClick(
        listed.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
    )
    assert opened.window.widget.controller.pointing.region == 2
    assert opened.window.layers.highlight.layer.data[10:30, 40:50].any()
    opened.window.press(Qt.Key.Key_D)  # rejected: the dog keeps its pseudo-labels
    assert opened.window.document.annotations.decisions == {2: -1}
    wait_until(lambda: bool(opened.queue.suspicion[2] < before))
    assert not any("grew" in listed.item(n).text() for n in range(listed.count()))


@pytest.mark.long
def test_other_settings_for_all_are_diagnosed_anew(opened: Prepared) -> None:
    opened.let_scan()
    assert opened.queue.cause_of(2) is Cause.GROWN
    opened.window.widget.controller.set_params(Params(t2=1.0))
    choose_in_bulk(opened.dock, "apply_params")
    agree_in_bulk(opened.dock)
    opened.window.settle()
    opened.let_scan()
    assert opened.queue.cause_of(2) is not Cause.GROWN
