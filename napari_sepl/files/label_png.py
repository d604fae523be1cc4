"""Label files: palette PNGs with their provenance."""

import functools
import io
import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_sepl.core.algorithm.paint import as_labels
from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError
from napari_sepl.core.labels.classes import ClassList
from napari_sepl.files.atomic import Write, write_whole
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.image_formats import open_image
from napari_sepl.files.png_chunks import read_png_text
from napari_sepl.files.validation import misread

KEY = "napari-sepl"
"""Keyword of the PNG text chunk that holds the provenance as JSON."""


class Provenance(BaseModel):
    """The provenance of a label file, as the file holds it.

    Parameters
    ----------
    version : str
        The napari-sepl that wrote it.
    sample_id : str
        The sample.
    params : Params
        The settings of SEPL.
    classes : str
        Title of the class list.
    digests : mapping of str to str
        SHA-256 of the inputs, by role.
    edited : bool
        Whether a person changed anything after SEPL.
    sources : mapping of str to int
        Pixels of each label source, by the names of `Source` in lower case; empty in files of
        versions without them.
    scores : str
        Format and rule, in words, of the soft scores that gave the pseudo-labels; empty without.
    labels : str
        `digest_labels` of the labels in the file, so that a change by another program shows;
        empty in files of versions without it.
    exported : str
        The format in which `export` wrote the file; empty in label files of `enhance` and the
        window.
    """

    model_config = ConfigDict(frozen=True)  # fields of later versions are ignored

    version: str
    sample_id: str
    params: Params
    classes: str
    digests: Mapping[str, str]
    edited: bool
    sources: Mapping[str, int] = {}
    scores: str = ""
    labels: str = ""
    exported: str = ""


def stored_params(params: Params, scores: str) -> Params:
    """Return the settings that a label file stores: without scores, no background."""
    return params if scores else params.model_copy(update={"background": None})


def encode_label_png(
    labels: NDArray[np.uint8], classes: ClassList, provenance: Provenance | None
) -> bytes:
    """Return a PNG of mode P in which a pixel's index is its label.

    The same input gives the same bytes, for one version of Pillow and zlib.

    Parameters
    ----------
    labels : (H, W) integers
        Labels from 0 to 255.
    classes : ClassList
        Gives the palette; labels beyond the list, 255 among them, get PASCAL VOC's colours.
    provenance : Provenance or None
        It is stored in a text chunk before the pixels, so that readers need not decode them; None
        for labels without provenance.

    Raises
    ------
    InputError
        If the array is no label map.
    """
    labels = as_labels(labels, "labels to save")
    image = Image.fromarray(labels)
    image.putpalette(_palette(classes))  # makes it mode P; 256 colours keep it 8 bits
    if provenance is not None:
        provenance = provenance.model_copy(update={"labels": digest_labels(labels)})
    text = provenance_text(provenance)
    file = io.BytesIO()
    # Run lengths alone: 0.3 ms and 2.4 kB at VOC size, where level 6 takes 0.8 ms for 2.6 kB.
    image.save(file, "PNG", pnginfo=text, compress_type=zlib.Z_RLE)
    return file.getvalue()


def provenance_text(provenance: Provenance | None) -> PngImagePlugin.PngInfo:
    """Return the text chunk of a PNG that holds a provenance; no chunk for None."""
    text = PngImagePlugin.PngInfo()
    if provenance is not None:
        content = provenance.model_dump(mode="json", exclude_none=True)
        stored = {k: v for k, v in content.items() if v or k not in ("scores", "exported")}
        text.add_text(KEY, json.dumps(stored, sort_keys=True))
    return text


@functools.cache
def _palette(classes: ClassList) -> bytes:
    """Return a palette's bytes; cached, for making them takes longer than encoding an image."""
    return classes.palette().tobytes()


def write_label_png(
    path: Path,
    labels: NDArray[np.uint8],
    classes: ClassList,
    provenance: Provenance | None,
    write: Write = write_whole,
) -> None:
    """Write `encode_label_png`'s bytes, whole or not at all if `write` does so.

    Raises
    ------
    SaveError
        If the file cannot be written; an older one is untouched.
    """
    write(path, encode_label_png(labels, classes, provenance))


def read_provenance(path: Path) -> Provenance | None:
    """Read the provenance of a label file; None for an image without.

    The pixels are decoded too, so damage anywhere in the file is found.

    Raises
    ------
    InputError
        If the file is no image, is cut off, or its provenance is not valid.
    """
    with open_image(path, "a label PNG, of enhance or the window") as image:
        image.load()
        text = image.info.get(KEY)
    if text is None:
        return None
    try:
        return Provenance.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            path,
            found=f"provenance that is not valid ({misread(error)})",
            expected="provenance of this version; a newer one may have written this",
        ) from error


def salvage_provenance(path: Path) -> Provenance | None:
    """Read the provenance of a label file, whole or damaged; None if it has none left."""
    try:
        text = read_png_text(path, KEY)
        return None if text is None else Provenance.model_validate_json(text)
    except (InputError, ValidationError):
        return None
