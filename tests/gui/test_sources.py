"""The dataset's page of the sources: fields, refusals, and a dataset that opens in the window."""

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit

from napari_sepl.files.dataset.layouts import layout
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
    read_dataset,
    write_dataset,
)
from napari_sepl.gui.panels import dataset_choice
from napari_sepl.gui.panels.dataset_choice import COCO, FOLDERS, OWN_FILE, TOML, VOC, DatasetChoice
from napari_sepl.gui.panels.sources import SourcesPanel
from tests.document.drawing import save_pets
from tests.gui.conftest import Window, messages


class Page:
    """The page, how to fill it in, and what it emits."""

    def __init__(self, sources: SourcesPanel) -> None:
        self.sources = sources
        self.choice: DatasetChoice = sources.dataset
        self.chosen: list[DatasetSpec] = []
        self.refused: list[str] = []
        sources.dataset_chosen.connect(self.chosen.append)
        sources.refused.connect(self.refused.append)

    def fill(self, given: str, **fields: Any) -> None:
        self.choice.given.value = given
        for name, value in fields.items():
            widget = self.choice.fields[name]
            if hasattr(widget, "line_edit"):
                widget.line_edit.value = str(value)
            else:
                widget.value = value

    def open(self) -> None:
        QTest.mouseClick(self.choice.open_button, Qt.MouseButton.LeftButton)

    def save(self) -> None:
        QTest.mouseClick(self.choice.save_button, Qt.MouseButton.LeftButton)

    def shown(self) -> list[str]:
        return [name for name, widget in self.choice.fields.items() if widget.visible]


@pytest.fixture
def page(qtbot: Any) -> Page:
    sources = SourcesPanel()
    qtbot.addWidget(sources)
    sources.show()
    sources.setCurrentWidget(sources.dataset)
    return Page(sources)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Two samples on disk, and where their labels go."""
    save_pets(tmp_path, dict.fromkeys(("s1", "s2")))
    return {role: tmp_path / role for role in ("images", "pseudo", "masks", "out")}


def test_each_way_has_its_fields(page: Page) -> None:
    assert page.shown() == ["toml"]
    page.fill(FOLDERS)
    assert page.shown() == [
        "images", "pseudo", "pseudo_format", "masks", "out", "ground_truth", "list_file",
        "image_labels", "classes",
    ]  # fmt: skip
    page.fill(FOLDERS, classes=OWN_FILE)
    assert page.shown()[-1] == "class_file"
    page.fill(COCO)
    assert page.choice.fields["classes"].value == "coco"
    assert page.shown() == [
        "root", "pseudo", "pseudo_format", "masks", "out", "split", "ground_truth", "list_file",
        "image_labels", "classes",
    ]  # fmt: skip
    page.fill(VOC)
    assert page.choice.fields["classes"].value == "voc"


def test_folders_are_chosen(page: Page, folders: dict[str, Path], tmp_path: Path) -> None:
    page.fill(FOLDERS, **folders)
    page.open()
    others = {name: tmp_path / name for name in ("ground_truth", "list_file", "image_labels")}
    page.fill(FOLDERS, **others, classes=OWN_FILE, class_file=tmp_path / "c.toml")
    page.open()
    assert page.chosen == [
        DatasetSpec(**folders),
        DatasetSpec(**folders, **others, classes=str(tmp_path / "c.toml")),
    ]
    assert page.refused == []


def test_a_toml_file_is_chosen(page: Page, folders: dict[str, Path], tmp_path: Path) -> None:
    spec = DatasetSpec(**folders, classes="coco")
    write_dataset(tmp_path / "pets.toml", spec)
    page.fill(FOLDERS, **folders)  # hidden fields do not count
    page.fill(TOML, toml=tmp_path / "pets.toml")
    page.open()
    assert page.chosen == [spec]


def test_folders_without_masks_are_a_dataset_without_masks_yet(page: Page, tmp_path: Path) -> None:
    given = {name: tmp_path / name for name in ("images", "pseudo", "out")}
    page.fill(FOLDERS, **given)
    page.open()
    assert page.chosen == [DatasetSpec(**given, masks=tmp_path / "out" / "masks")]
    assert page.chosen[0].masks_to_come


@pytest.mark.parametrize("given", [VOC, COCO])
def test_a_layout_is_chosen(page: Page, tmp_path: Path, given: str) -> None:
    for name in (
        "JPEGImages",
        "train2017",
        "pseudo_a",
        "pseudo_b",
        "masks",
        "ImageSets/Segmentation",
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ImageSets" / "Segmentation" / "train.txt").write_text("s1")
    out, pseudo = tmp_path / "out", tmp_path / "pseudo_b"
    page.fill(given, root=tmp_path, out=out, pseudo=pseudo, split=" train ", images="/not/asked")
    page.open()
    name = "voc" if given == VOC else "coco"
    assert page.chosen == [layout(name, tmp_path, out, split="train", pseudo=pseudo)]
    assert page.chosen[0].classes == name
    assert (page.chosen[0].list_file is not None) == (given == VOC)


@pytest.mark.parametrize(
    ("given", "fields", "message"),
    [
        (TOML, {}, "dataset (TOML file): found nothing for TOML file; expected TOML file to be "),
        (TOML, {"toml": "/gone.toml"}, "found no such file or folder: /gone.toml; expected a TOML"),
        (FOLDERS, {"images": "/i", "masks": "/m"},
         ("dataset (folders): found nothing for pseudo-labels, output folder; expected images, "
          "pseudo-labels, output folder to be chosen.")),
        (FOLDERS, {"images": "/i", "masks": "/m", "pseudo": "/p", "out": "/o", "classes": OWN_FILE},
         "dataset (folders): found nothing for class list; expected images, "),
        (VOC, {"out": "/o"}, "dataset (VOC layout): found nothing for root folder; expected "),
        (COCO, {"root": "/r"}, "dataset (COCO layout): found nothing for output folder; "),
        (COCO, {"root": "/gone", "out": "/o"}, "found none of the folders train, train2017"),
        (VOC, {"root": "/r", "out": "/o", "split": "val", "list_file": "/l.txt"},
         "dataset (VOC layout): found the split val and the list /l.txt; expected one of them"),
    ],
)  # fmt: skip
def test_what_is_missing_is_reported_once(
    page: Page, monkeypatch: pytest.MonkeyPatch, given: str, fields: dict[str, str], message: str
) -> None:
    monkeypatch.setattr(dataset_choice, "ask_toml", None)  # calling it would raise TypeError
    page.fill(given, **fields)
    page.open()
    page.save()
    assert len(page.refused) == 2
    assert page.refused[0] == page.refused[1]
    assert page.refused[0].startswith(message)
    assert page.chosen == []


def test_a_dataset_is_saved_as_toml(
    page: Page, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    answers = [tmp_path / "größer.toml", None, tmp_path / "gone" / "d.toml"]

    def answer(_: object, folder: Path) -> Path | None:
        asked.append(folder)
        return answers[len(asked) - 1]

    monkeypatch.setattr(dataset_choice, "ask_toml", answer)
    page.fill(FOLDERS, **folders)
    for _ in answers:
        page.save()
    assert asked == [tmp_path] * 3
    assert read_dataset(tmp_path / "größer.toml") == DatasetSpec(**folders)
    assert 'images = "images"' in (tmp_path / "größer.toml").read_text("utf-8")
    assert len(page.refused) == 1
    assert str(tmp_path / "gone" / "d.toml") in page.refused[0]
    assert page.chosen == []


@pytest.mark.parametrize("agree", [True, False])
def test_the_file_asked_for_ends_in_toml(page: Page, tmp_path: Path, agree: bool) -> None:
    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QFileDialog)
        dialog.findChild(QLineEdit).setText("pets")
        dialog.accept() if agree else dialog.reject()

    QTimer.singleShot(100, answer)
    asked = dataset_choice.ask_toml(page.choice, tmp_path)
    assert asked == (tmp_path / "pets.toml" if agree else None)


def test_folders_open_as_a_dataset_in_the_window(window: Window, folders: dict[str, Path]) -> None:
    page = Page(window.widget.sources)
    window.widget.sources.setCurrentWidget(page.choice)
    page.fill(FOLDERS, **folders)
    page.open()
    for _ in range(3):
        window.settle()
    assert window.document.inputs.sample_id == "s1"
    dock = window.widget.docks.queue
    assert dock is not None
    assert dock.reviewing is not None
    assert dock.reviewing.index.spec == DatasetSpec(**folders)
    dock.close_dataset()


def test_a_refusal_is_shown_in_the_window(window: Window) -> None:
    page = Page(window.widget.sources)
    page.open()
    assert page.refused[0] in messages()
    assert page.refused[0].startswith("dataset (TOML file): found nothing")
