"""Masks of a dataset made in the window: files, one sample after the other, gone on with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.utils import progress
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent, QHideEvent

from napari_sepl.core.algorithm.params import Params
from napari_sepl.files.dataset.specification import DatasetSpec, read_dataset
from napari_sepl.files.masks import read_masks
from napari_sepl.files.store import Status, Store, store_file
from napari_sepl.gui.commands import widget_of
from napari_sepl.gui.masks import making
from napari_sepl.gui.worker import QtBackground, threads_for
from napari_sepl.proposals.models import REGIONS
from napari_sepl.proposals.regions import RegionMasks
from tests.document.drawing import cat_and_dog
from tests.gui import slow_masks
from tests.gui.conftest import (
    Walk,
    Window,
    agree_in_bulk,
    choose_in_bulk,
    has_message,
    messages,
    paint,
    wait_until,
)

TOML = 'images = "images"\npseudo = "pseudo"\nout = "out"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five samples s1 to s5 without masks, each its own cat and dog; and their TOML file."""
    inputs = cat_and_dog()
    for name in ("images", "pseudo"):
        (tmp_path / name).mkdir()
    for number in range(1, 6):
        name = f"s{number}.png"
        Image.fromarray(inputs.image).save(tmp_path / "images" / name)
        Image.fromarray(np.roll(inputs.pseudo, number, 1)).save(tmp_path / "pseudo" / name)
    (tmp_path / "d.toml").write_text(TOML)
    return tmp_path


@pytest.fixture
def open_walk(window: Window, root: Path) -> Iterator[Callable[[], Walk]]:
    walks: list[Walk] = []

    def open_it() -> Walk:
        walk = Walk(window, read_dataset(root / "d.toml"))
        window.widget.masks.model.value = REGIONS
        window.widget.panels["masks"].expand(animate=False)
        walks.append(walk)
        return walk

    yield open_it
    window.widget.controller.making.close()
    for walk in walks:
        walk.dock.close_dataset()


@pytest.fixture
def walk(open_walk: Callable[[], Walk]) -> Walk:
    return open_walk()


@pytest.fixture
def asked(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that were asked; all are answered by yes."""
    questions: list[str] = []

    def agree(question: str) -> bool:
        questions.append(question)
        return True

    monkeypatch.setattr(window.widget, "confirm", agree)
    return questions


def press(walk: Walk, name: str) -> None:
    getattr(walk.window.widget.masks, name).click()


def make(walk: Walk, name: str = "make") -> None:
    """Press a button and wait until all is made and shown."""
    press(walk, name)
    wait_until(lambda: bool(walk.window.widget.masks.make.isEnabled()))
    walk.settle()


def start_slowly(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start to generate masks for all pending samples, which takes longer than any test."""
    monkeypatch.setattr(making, "RegionMasks", slow_masks.Slow)
    press(walk, "pending")
    wait_until(lambda: bool(walk.window.widget.masks.bar.value() == 3))


def made_files(walk: Walk) -> list[str]:
    return sorted(path.name for path in walk.spec.folder("masks").glob("[a-z]*.json"))


def shown_masks(walk: Walk) -> int:
    return len(walk.window.document.inputs.masks)


def expected_masks() -> Any:
    return RegionMasks().make(cat_and_dog().image)


@pytest.mark.long
def test_a_dataset_without_masks_opens_and_shows_its_pseudo_labels(walk: Walk) -> None:
    assert walk.sample_id == "s1"
    assert shown_masks(walk) == 0
    document = walk.window.document
    np.testing.assert_array_equal(document.resolved.labels, document.inputs.pseudo)
    panel = walk.window.widget.masks
    assert panel.pending.isEnabled()
    assert panel.pending_text.text() == "Pending without masks: 5 samples (s1, s2, s3, s4, s5)."
    walk.press(Qt.Key.Key_W)
    assert panel.pending_text.text() == "Pending without masks: 4 samples (s2, s3, s4, s5)."
    walk.dock.close_dataset()
    assert not panel.pending.isEnabled()
    assert panel.make.isEnabled()


def test_masks_of_the_open_sample_become_a_file_and_are_shown(walk: Walk) -> None:
    before = len(notification_manager.records)
    make(walk)
    masks = expected_masks()
    assert made_files(walk) == ["s1.json"]
    assert walk.spec.folder("masks") == walk.spec.output / "masks"
    assert read_masks(walk.spec.folder("masks") / "s1.json").digest == masks.digest
    assert walk.sample_id == "s1"
    assert walk.window.document.inputs.masks.digest == masks.digest
    assert messages()[before:] == [f"The masks are in {walk.spec.masks}."]
    assert "s1" not in walk.window.widget.masks.pending_text.text()
    controller = walk.window.widget.controller
    assert walk.spec.folder("masks") / "s1.json" in controller.saving.target.inputs
    np.testing.assert_array_equal(walk.window.shown, walk.window.document.resolved.labels)


@pytest.mark.long
def test_annotations_of_the_sample_stay(
    walk: Walk, open_walk: Callable[[], Walk], asked: list[str]
) -> None:
    painted = paint(walk, 15)
    walk.window.widget.controller.lock(12, True)
    walk.window.drag_slider("t1", 0.8)
    params = walk.window.document.params
    make(walk)
    assert shown_masks(walk) > 0
    layers = walk.window.layers
    np.testing.assert_array_equal(layers.shown == 15, painted)
    assert walk.window.document.params == params
    assert walk.window.document.annotations.locked == {12}
    walk.settle()
    walk.dock.close_dataset()
    again = open_walk()
    np.testing.assert_array_equal(layers.shown == 15, painted)
    assert again.window.document.params == params
    assert shown_masks(again) > 0
    assert asked == []


@pytest.mark.long
def test_changes_while_masks_are_read_stay_too(walk: Walk) -> None:
    press(walk, "make")
    painted = paint(walk, 15)
    wait_until(lambda: shown_masks(walk) > 0)
    walk.settle()
    assert (walk.window.shown == 15)[painted].all()
    assert walk.window.document.edited


@pytest.mark.long
def test_another_sample_may_be_opened_meanwhile(walk: Walk) -> None:
    press(walk, "make")
    walk.press(Qt.Key.Key_J)
    wait_until(lambda: bool(walk.window.widget.masks.make.isEnabled()))
    walk.settle()
    assert walk.sample_id == "s2"
    assert shown_masks(walk) == 0
    walk.press(Qt.Key.Key_K)
    assert shown_masks(walk) > 0


@pytest.mark.long
def test_masks_that_are_there_are_replaced_only_after_asking(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = walk.spec.folder("masks") / "s1.json"
    walk.spec.folder("masks").mkdir()
    path.write_text("[]")
    walk.dock.navigator.go(1)
    walk.settle()
    walk.dock.navigator.go(0)
    walk.settle()
    questions: list[str] = []

    def refuse(question: str) -> bool:
        questions.append(question)
        return False

    monkeypatch.setattr(walk.window.widget, "confirm", refuse)
    make(walk)
    assert path.read_text() == "[]"
    assert shown_masks(walk) == 0
    assert f"{path} exists and will be replaced." in questions[0]
    assert "made by another program" in questions[0]
    monkeypatch.setattr(walk.window.widget, "confirm", lambda _: True)
    make(walk)
    assert read_masks(path).digest == expected_masks().digest
    assert shown_masks(walk) > 0


@pytest.mark.long
def test_masks_in_another_form_are_left_alone(window: Window, root: Path) -> None:
    (root / "sam" / "s1").mkdir(parents=True)
    Image.fromarray(np.full((40, 60), 255, np.uint8)).save(root / "sam" / "s1" / "0.png")
    (root / "d.toml").write_text(f'{TOML}masks = "sam"\n')
    walk = Walk(window, read_dataset(root / "d.toml"))
    assert shown_masks(walk) == 1
    window.widget.masks.model.value = REGIONS
    make(walk)
    assert has_message("cannot be replaced")
    assert sorted(path.name for path in (root / "sam").iterdir()) == ["s1"]
    walk.dock.close_dataset()


@pytest.mark.long
def test_an_accepted_sample_with_new_masks_is_pending_again(walk: Walk) -> None:
    walk.press(Qt.Key.Key_A)
    walk.press(Qt.Key.Key_K)
    assert walk.statuses()["s1"] == Status.ACCEPTED
    make(walk)
    assert walk.dock.reviewing is not None
    assert walk.dock.reviewing.queue.status_of(0) is Status.PENDING
    assert walk.statuses()["s1"] == Status.PENDING


def test_all_pending_samples_get_masks_one_after_the_other(walk: Walk, root: Path) -> None:
    walk.press(Qt.Key.Key_W)  # s1 is skipped: left alone
    walk.press(Qt.Key.Key_J)
    assert walk.sample_id == "s3"
    picture = root / "images" / "s4.png"
    picture.write_bytes(picture.read_bytes()[:200])
    before = len(notification_manager.records)
    make(walk, "pending")
    assert made_files(walk) == ["s2.json", "s3.json", "s5.json"]
    (told,) = messages()[before:]
    assert told.startswith(f"3 of 4 samples now have masks in {walk.spec.masks}. ")
    assert "s4.png; expected an image" in told
    assert walk.sample_id == "s3"
    assert shown_masks(walk) > 0
    walk.press(Qt.Key.Key_K)  # held since it was prepared, without masks then
    assert walk.sample_id == "s2"
    assert shown_masks(walk) > 0
    text = walk.window.widget.masks.pending_text.text()
    assert text == "Pending without masks: 1 sample (s4)."


def test_cancel_stops_at_once_and_the_same_button_resumes(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "RegionMasks", slow_masks.Tiring)
    monkeypatch.setenv(slow_masks.AFTER, "2")
    panel = walk.window.widget.masks
    press(walk, "pending")
    assert not panel.pending.isEnabled()
    wait_until(lambda: bool(panel.bar.value() == 2003))
    assert panel.bar.maximum() == 5000
    assert panel.bar.text() == "masks of 5 samples: 40 %"
    (activity,) = [bar for bar in progress._all_instances if bar.desc == "masks of 5 samples"]
    assert activity.n == 2003
    assert "<" in str(activity)  # the time left
    assert "?" not in str(activity).split("<")[1]
    assert made_files(walk) == ["s1.json", "s2.json"]
    assert shown_masks(walk) > 0  # s1, as soon as it was made
    stamps = [(walk.spec.folder("masks") / name).stat().st_mtime_ns for name in made_files(walk)]
    press(walk, "cancel")
    wait_until(lambda: bool(panel.make.isEnabled()))
    assert has_message("cancelled. 2 of 5 samples now have masks")
    assert panel.pending_text.text() == "Pending without masks: 3 samples (s3, s4, s5)."
    monkeypatch.setenv(slow_masks.AFTER, "9")
    make(walk, "pending")
    assert made_files(walk) == [f"s{number}.json" for number in range(1, 6)]
    assert [(walk.spec.folder("masks") / f"s{n}.json").stat().st_mtime_ns for n in (1, 2)] == stamps
    assert has_message("3 of 3 samples now have masks")
    assert not [bar for bar in progress._all_instances if bar.desc.startswith("masks")]
    make(walk, "pending")
    assert "All pending samples have masks." in messages()


def test_a_crash_at_one_sample_is_named_and_the_others_continue(
    walk: Walk, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    white = np.full((40, 60, 3), 255, np.uint8)
    Image.fromarray(white).save(root / "images" / "s2.png")
    monkeypatch.setattr(making, "RegionMasks", slow_masks.CrashingOnce)
    before = len(notification_manager.records)
    make(walk, "pending")
    assert made_files(walk) == ["s1.json", "s3.json", "s4.json", "s5.json"]
    (told,) = messages()[before:]
    assert "4 of 5 samples" in told
    assert "The process that makes masks crashed (SIGABRT)." in told
    assert "s2.png" in told


@pytest.mark.long
def test_a_process_that_dies_again_and_again_is_one_message(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "RegionMasks", slow_masks.Crashing)
    before = len(notification_manager.records)
    make(walk, "pending")
    (told,) = messages()[before:]
    assert "crashed (SIGABRT). It crashed at 3 samples in a row" in told
    assert "0 of 5 samples" in told
    assert "s4" not in told
    assert made_files(walk) == []
    make(walk)
    (told,) = messages()[before + 1 :]
    assert "The process that makes masks crashed (SIGABRT)." in told
    assert "s1.png" in told


@pytest.mark.long
def test_the_window_is_alive_while_masks_are_made(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    background = walk.window.widget.controller.context.background
    assert isinstance(background, QtBackground)
    background._threads.shutdown()
    background._threads = threads_for(1)  # as on one core
    start_slowly(walk, monkeypatch)
    walk.window.press(Qt.Key.Key_J)
    wait_until(lambda: walk.sample_id == "s2")
    walk.window.press(Qt.Key.Key_A)
    wait_until(lambda: walk.sample_id == "s3")
    assert (walk.spec.output / "s2.png").exists()
    press(walk, "cancel")
    wait_until(lambda: bool(walk.window.widget.masks.make.isEnabled()))


@pytest.mark.long
def test_closing_the_dataset_ends_the_process(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    start_slowly(walk, monkeypatch)
    before = len(notification_manager.records)
    remote = walk.window.widget.controller.making._remote
    assert remote is not None
    assert remote.process_id is not None
    walk.dock.close_dataset()
    assert remote.process_id is None
    walk.settle()
    assert messages()[before:] == []
    assert walk.window.widget.masks.make.isEnabled()


@pytest.mark.long
def test_another_widget_shows_what_is_under_way(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_slowly(walk, monkeypatch)
    walk.window.viewer.window.remove_dock_widget(walk.window.widget)
    walk.window.widget = widget_of(walk.window.viewer)
    panel = walk.window.widget.masks
    assert (panel.bar.value(), panel.bar.maximum()) == (3, 5000)
    assert not panel.pending.isEnabled()
    press(walk, "cancel")
    wait_until(lambda: bool(panel.pending.isEnabled()))
    assert "5 samples" in panel.pending_text.text()


@pytest.mark.long
def test_closing_the_window_ends_the_process(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    start_slowly(walk, monkeypatch)
    controller = walk.window.widget.controller
    remote = controller.making._remote
    assert remote is not None
    main = walk.window.widget.window()
    assert not walk.window.widget.eventFilter(main, QCloseEvent())  # nothing keeps it open
    assert remote.process_id is not None  # napari asks too, and may be told to stay
    walk.window.widget.eventFilter(main, QHideEvent())
    assert remote.process_id is None


@pytest.mark.long
def test_other_masks_are_mixed_only_after_asking(
    window: Window, root: Path, open_walk: Callable[[], Walk], asked: list[str]
) -> None:
    (root / "sam").mkdir()
    (root / "sam" / "s1.json").write_text("[]")
    (root / "d.toml").write_text(f'{TOML}masks = "sam"\n')
    walk = open_walk()
    make(walk, "pending")
    (question,) = asked
    assert f"{root / 'sam'} holds masks that were made by another program." in question
    assert "Those of 4 samples (s2, s3, s4, s5) will be made by regions" in question
    assert len(made_files(walk)) == 5
    (root / "sam" / "s5.json").unlink()
    walk.dock.close_dataset()
    again = open_walk()
    make(again, "pending")
    assert len(made_files(again)) == 5
    assert len(asked) == 1  # that the folder is mixed is known by now


@pytest.mark.long
@pytest.mark.usefixtures("asked")
def test_samples_without_masks_are_not_accepted_in_bulk(walk: Walk) -> None:
    choose_in_bulk(walk.dock, "accept_unchanged")
    walk.wait_until(lambda: has_message("no sample is left"))
    make(walk, "pending")
    choose_in_bulk(walk.dock, "accept_unchanged")
    assert len(agree_in_bulk(walk.dock, 100)) == 5
    walk.wait_until(lambda: has_message("Done: accept 5 samples"))
    assert set(walk.statuses().values()) == {Status.ACCEPTED}


@pytest.mark.long
def test_a_read_only_dataset_is_left_alone(window: Window, root: Path) -> None:
    spec = read_dataset(root / "d.toml")
    with Store.open(store_file(spec.output), who="first"):
        walk = Walk(window, spec)
        window.widget.masks.model.value = REGIONS
        press(walk, "pending")
        assert has_message("read-only")
        assert not spec.folder("masks").exists()
        walk.dock.close_dataset()


@pytest.mark.long
def test_masks_from_the_command_line_are_resumed(
    root: Path, open_walk: Callable[[], Walk], asked: list[str]
) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415

    from napari_sepl.cli.app import make_app  # noqa: PLC0415

    (root / "list.txt").write_text("s1\ns2\n")
    out = root / "out" / "masks"
    command = ["masks", f"--images={root / 'images'}", f"--masks={out}", f"--list={root}/list.txt"]
    answer = CliRunner().invoke(make_app(), [*command, f"--model={REGIONS}"])
    assert answer.exit_code == 0, answer.output
    walk = open_walk()
    assert shown_masks(walk) > 0
    make(walk, "pending")
    assert len(made_files(walk)) == 5
    assert asked == []


@pytest.mark.long
def test_params_of_all_pending_are_not_asked_about(walk: Walk, asked: list[str]) -> None:
    walk.window.widget.controller.set_params(Params(t1=0.9))
    choose_in_bulk(walk.dock, "apply_params")
    agree_in_bulk(walk.dock)
    walk.settle()
    make(walk, "pending")
    walk.press(Qt.Key.Key_J)
    assert shown_masks(walk) > 0
    assert walk.window.document.params == Params(t1=0.9)
    assert asked == []


@pytest.mark.long
def test_the_toml_need_not_name_masks(root: Path) -> None:
    spec = read_dataset(root / "d.toml")
    assert spec.masks == root / "out" / "masks"
    assert spec == DatasetSpec.model_validate(
        {"images": root / "images", "pseudo": root / "pseudo", "out": root / "out"}
    )
