"""The plugin's part of napari's preferences, which the manifest declares."""

from collections.abc import Callable

from napari.settings import get_plugin_settings

from napari_sepl.core.algorithm.params import Params
from napari_sepl.workflow.review.recorded import reviewer

PLUGIN = "napari-sepl"
PREFERRED = tuple(name for name in Params.model_fields if name != "background")
"""The parameters in napari's preferences."""


def preferred_params() -> Params:
    """Return the initial parameters: the user's preferences, else the paper's values.

    The background of CAM scores is no preference: each method has its own.
    """
    defaults = get_plugin_settings(PLUGIN).defaults
    return Params.model_validate({name: getattr(defaults, name) for name in PREFERRED})


def preferred_annotator() -> str:
    """Return the annotator: the one in the user's preferences, else the system's user."""
    name: str = get_plugin_settings(PLUGIN).defaults.annotator
    return name.strip() or reviewer()


def on_preferred_annotator(call: Callable[[], None]) -> None:
    """Call a method when the user names another annotator in the preferences; it is held weakly."""
    get_plugin_settings(PLUGIN).defaults.events.annotator.connect(call)
