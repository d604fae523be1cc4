"""A sample with all that showing it needs, made off the window's thread."""

from dataclasses import dataclass

from napari_sepl.core.outlines import MaskOutlines
from napari_sepl.core.params import Params
from napari_sepl.document.document import Document
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.said import Said
from napari_sepl.gui.layers.layers import line_width


@dataclass(frozen=True, eq=False)
class Opened:
    """A document, and the outlines of its masks."""

    document: Document
    outlines: MaskOutlines

    @classmethod
    def of(cls, inputs: Inputs, params: Params) -> "Opened":
        """Measure an image and trace its masks."""
        return cls.around(Document(inputs, Said(params)))

    @classmethod
    def around(cls, document: Document) -> "Opened":
        """Trace the masks of a document."""
        inputs = document.inputs
        _ = inputs.overlap.nests  # 0.2 s at 4096², or the first switch to `tree` would wait
        _ = inputs.overlap.grounds  # and the first diagnosis
        return cls(document, MaskOutlines.of(inputs.masks, line_width(inputs.shape)))

    @property
    def nbytes(self) -> int:
        """About how much memory it holds, in bytes."""
        inputs = self.document.inputs
        maps = 6 * inputs.pseudo.nbytes  # pseudo twice, enhanced, final, overlay
        if inputs.scores is not None:
            maps += inputs.scores.nbytes
        return inputs.image.nbytes + maps + inputs.masks.nbytes + self.outlines.positions.nbytes
