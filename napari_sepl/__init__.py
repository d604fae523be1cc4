"""Turn rough class activation maps into precise segmentation labels, with SAM's masks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sepl.core.masks import MaskSet
    from napari_sepl.core.params import Params
    from napari_sepl.core.sepl import enhance

__version__ = "0.1.0"

__all__ = ["MaskSet", "Params", "__version__", "enhance"]

_HOMES = {"MaskSet": "core.masks", "Params": "core.params", "enhance": "core.sepl"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what is asked for: numba takes most of a second, which `--help` need not wait."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
