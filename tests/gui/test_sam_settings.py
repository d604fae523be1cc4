"""The fields of SAM's settings: presets exactly, and whatever a person changes."""

from pytestqt.qtbot import QtBot

from napari_sepl.gui.panels.masks import SamSettingsPanel
from napari_sepl.proposals.models import PRESETS, SamSettings, find_preset


def test_presets_are_exact_and_changes_are_counted(qtbot: QtBot) -> None:
    panel = SamSettingsPanel()
    qtbot.addWidget(panel)
    assert list(panel.fields) == list(SamSettings.model_fields)
    for name in PRESETS:
        panel.preset.setCurrentText(name)
        assert panel.settings == find_preset(name).settings
        assert panel.more.text() == "All settings…"
    panel.fields["points_per_side"].setValue(8)
    panel.fields["crop_overlap_ratio"].setValue(0.2)
    official = find_preset("official").settings
    changes = {"points_per_side": 8, "crop_overlap_ratio": 0.2}
    assert panel.settings == official.model_copy(update=changes)
    assert panel.more.text() == "All settings… (2 changed)"
    panel.preset.setCurrentText("paper")
    assert panel.settings == SamSettings()


def test_no_field_goes_beyond_its_bounds(qtbot: QtBot) -> None:
    panel = SamSettingsPanel()
    qtbot.addWidget(panel)
    for field in panel.fields.values():
        for extreme in (-1e9, 1e9):
            field.setValue(type(field.value())(extreme))
            assert SamSettings.model_validate(panel.settings.model_dump()) == panel.settings
