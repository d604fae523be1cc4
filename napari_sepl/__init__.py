"""Turn rough class activation maps into precise segmentation labels, with SAM's masks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_sepl.core.algorithm.paint import enhance
    from napari_sepl.core.algorithm.params import Params
    from napari_sepl.core.masks.mask_set import MaskSet

__version__ = "0.1.0"

__all__ = ["MaskSet", "Params", "__version__", "enhance"]

_HOMES = {
    "MaskSet": "core.masks.mask_set",
    "Params": "core.algorithm.params",
    "enhance": "core.algorithm.paint",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what is asked for: numba takes most of a second, which `--help` need not wait."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
