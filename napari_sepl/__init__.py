"""Turn rough class activation maps into precise segmentation labels, with SAM's masks."""

from napari_sepl.core.masks import MaskSet
from napari_sepl.core.params import Params
from napari_sepl.core.sepl import enhance

__version__ = "0.1.0"

__all__ = ["MaskSet", "Params", "__version__", "enhance"]
