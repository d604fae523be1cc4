"""Actions: each named once, its key bound once, the same in window, manifest and README."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.gui.actions import ACTIONS, ActionButton, When, describe_shortcuts
from napari_sepl.gui.docks import Docks
from tests.gui.conftest import Walk, Window

README = Path(__file__).parents[2] / "README.md"
NAMED_OTHERWISE = {Qt.Key.Key_Enter: Qt.Key.Key_Return}
"""The large key, which most keyboards have."""


def test_each_action_has_a_title_and_each_key_and_gesture_is_bound_once() -> None:
    for action in ACTIONS.values():
        assert action.title, action
        assert action.tooltip, action
        assert action.call is not None or not action.key, action
    keys = Counter(action.key for action in ACTIONS.values() if action.key)
    gestures = Counter((one.when, one.mouse) for one in ACTIONS.values() if one.mouse)
    titles = Counter(action.title for action in ACTIONS.values())
    assert {*keys.values(), *gestures.values(), *titles.values()} == {1}


def test_the_list_of_shortcuts_names_every_key_and_gesture() -> None:
    listed = describe_shortcuts()
    for action in ACTIONS.values():
        if action.key or action.mouse:
            assert action.tooltip in listed
            assert action.key in listed
            assert action.mouse in listed


def test_naparis_menus_name_actions_as_the_window_does() -> None:
    commands = PluginManifest.from_distribution("napari-sepl").contributions.commands or []
    shared = {
        command.id.removeprefix("napari-sepl."): command.title.replace(" (SEPL)", "")
        for command in commands
    }
    shared = {name: title for name, title in shared.items() if name in ACTIONS}
    assert shared == {name: ACTIONS[name].title for name in ("shortcuts", "export_dataset")}


def test_the_readme_names_the_keys_that_are_bound() -> None:
    text = README.read_text()
    keys = {key for one in ACTIONS.values() for key in (one.key, one.window_key) if key}
    assert not {key for key in keys if f"`{key}`" not in text}
    tables = re.findall(r"^\| key \| \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert tables
    first = [row.split("|")[1] for table in tables for row in table.splitlines()]
    assert {key for cell in first for key in re.findall(r"`([^`]+)`", cell)} <= keys


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of actions, in place of what they do; set up before the window connects them."""
    names: list[str] = []
    monkeypatch.setattr(Docks, "do", lambda _, name: names.append(name))
    return names


@pytest.fixture
def walk(done: list[str], window: Window, pets: DatasetSpec) -> Iterator[Walk]:
    walk = Walk(window, pets)
    yield walk
    walk.dock.close_dataset()


def test_each_key_does_its_action(done: list[str], walk: Walk) -> None:
    viewer = walk.window.viewer
    layers = walk.window.widget.controller.context.layers
    viewer.add_layer(layers.prompts.layer)
    bound = [action for action in ACTIONS.values() if action.key]
    for action in bound:
        on_prompts = action.when is When.ON_PROMPTS
        viewer.layers.selection.active = layers.prompts.layer if on_prompts else layers.enhanced
        pressed = QKeySequence(action.key)[0]
        key = NAMED_OTHERWISE.get(pressed.key(), pressed.key())
        QTest.keyClick(walk.window.canvas, key, pressed.keyboardModifiers())
    assert done == [action.id for action in bound]


def test_each_button_and_entry_does_its_action(done: list[str], walk: Walk) -> None:
    buttons = [
        button
        for panel in (walk.window.widget, walk.dock)
        for button in panel.findChildren(ActionButton)
        if button.action.call is not None
    ]
    for button in buttons:
        button.setEnabled(True)
        button.click()
    assert done == [button.action.id for button in buttons]
    for entry in walk.dock.bulk_menu.actions():
        entry.trigger()
    assert {one.id for one in ACTIONS.values() if one.call and not one.key} <= set(done)
