"""Plain label files: grey index PNGs, and arrays of numpy."""

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from napari_sepl.files.atomic import Content
from napari_sepl.files.class_lists import encode_class_list
from napari_sepl.files.exports.base import (
    Encoded,
    ExportFormat,
    ExportSettings,
    Labelled,
    Listing,
    split_lists,
)
from napari_sepl.files.label_png import provenance_text


class _Plain(ExportFormat):
    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:  # noqa: ARG002
        """Return a list of samples for each split, and the class list."""
        return split_lists(listing) | {"classes.toml": lambda: [encode_class_list(listing.classes)]}

    def _encoded(self, sample: Labelled, ending: str, content: bytes) -> Encoded:
        files = {f"labels/{sample.name}{ending}": content}
        return Encoded(files, f"images/{sample.picture_name}")


class IndexPng(_Plain):
    """A PNG of mode L for each sample: grey value = class."""

    def __init__(self) -> None:
        super().__init__("png")

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:  # noqa: ARG002
        """Return the PNG."""
        file = io.BytesIO()
        text = provenance_text(sample.provenance)
        Image.fromarray(sample.labels).save(file, "PNG", pnginfo=text)
        return self._encoded(sample, ".png", file.getvalue())


class Npy(_Plain):
    """A .npy for each sample: (H, W) uint8."""

    def __init__(self) -> None:
        super().__init__("npy")

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:  # noqa: ARG002
        """Return the array."""
        file = io.BytesIO()
        np.save(file, np.ascontiguousarray(sample.labels), allow_pickle=False)
        return self._encoded(sample, ".npy", file.getvalue())


class SoftNpz(_Plain):
    """A .npz for each sample: labels, class_ids, and a probability of each class at each pixel.

    ``class_ids`` (C,) uint8, ``probabilities`` (C, H, W) float16, ``labels`` (H, W) uint8; see
    `napari_sepl.core.analysis.provenance.soften` for what the probabilities are.
    """

    needs_pseudo = True

    def __init__(self) -> None:
        super().__init__("soft", ("trust",))

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:  # noqa: ARG002
        """Return the archive."""
        if sample.soft is None:
            raise ValueError(f"{sample.name}: soft labels are missing")
        file = io.BytesIO()
        np.savez_compressed(
            file,
            labels=sample.labels,
            class_ids=sample.soft.class_ids,
            probabilities=sample.soft.probabilities,
        )
        return self._encoded(sample, ".npz", file.getvalue())
