"""The defaults a user set in napari's Preferences."""

from napari.settings import get_plugin_settings

from napari_sepl.core.params import Params

PLUGIN = "napari-sepl"
PREFERRED = tuple(name for name in Params.model_fields if name != "background")
"""The settings that Preferences hold."""


def preferred_params() -> Params:
    """Return the settings to start from: the user's own, else the paper's.

    The background of soft scores is no preference: every method has its own.
    """
    defaults = get_plugin_settings(PLUGIN).defaults
    return Params.model_validate({name: getattr(defaults, name) for name in PREFERRED})
