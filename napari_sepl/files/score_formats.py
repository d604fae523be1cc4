"""The formats of pseudo-labels, hard and soft, by the names of the methods that write them."""

from dataclasses import dataclass
from enum import StrEnum

from napari_sepl.core.errors import InputError
from napari_sepl.files import labels as label_files
from napari_sepl.files import pickles

AUTO = "auto"
"""The name for: see from the file what it is."""


class Layout(StrEnum):
    """How a file holds the scores of one image."""

    LABELS = "label map"
    CAMS = "CAM dictionary, classes counted from 0"
    PROBABILITIES = "CRF dictionary, 0 for the background and classes counted from 1"
    KEYED = "dictionary with keys, classes counted from 0"
    KEYED_FROM_1 = "dictionary with keys, 0 in front and classes counted from 1"
    KEYED_OWN = "dictionary with keys, the background's scores in front"
    STACK = "array (classes, H, W), the background first"
    CLASS_PNGS = "one grey PNG for each class, counted from 0"


@dataclass(frozen=True)
class ScoreFormat:
    """What a method writes.

    Parameters
    ----------
    name : str
        What `--pseudo-format` calls it.
    layout : Layout
        How a file holds the scores.
    background : float
        The method's own value for the background's rule; see `core.scores.cut_scores`.
    fields : tuple of str
        Of a dictionary with keys, what the maps may be called, the best first.
    """

    name: str
    layout: Layout
    background: float
    fields: tuple[str, ...] = ()

    @property
    def suffixes(self) -> frozenset[str]:
        """Endings, in lower case, of the files that hold it."""
        if self.layout is Layout.LABELS:
            return label_files.SUFFIXES
        if self.layout is Layout.CLASS_PNGS:
            return frozenset((".png",))
        return frozenset((".npy",)) if self.layout is Layout.STACK else _DICTIONARIES


_DICTIONARIES = pickles.SUFFIXES | {".npy"}
SUFFIXES = label_files.SUFFIXES | pickles.SUFFIXES
"""Endings, in lower case, of all files of pseudo-labels."""

_COARSE = ("high_res", "cam")
FORMATS = {
    one.name: one
    for one in (
        ScoreFormat("labels", Layout.LABELS, 0),
        ScoreFormat("psa", Layout.CAMS, 0.2),
        ScoreFormat("seam", Layout.CAMS, 0.26),
        ScoreFormat("eps", Layout.CAMS, 0.2),
        ScoreFormat("transcam", Layout.CAMS, 0.42),
        ScoreFormat("ppc", Layout.CAMS, 0.26),
        ScoreFormat("mctformer", Layout.CAMS, 0.39),
        ScoreFormat("irn", Layout.KEYED, 0.15, _COARSE),
        ScoreFormat("clims", Layout.KEYED, 0.15, _COARSE),
        ScoreFormat("clip-es", Layout.KEYED, 2, ("attn_highres",)),
        ScoreFormat("puzzlecam", Layout.KEYED_FROM_1, 0.25, ("rw", "hr_cam", "cam")),
        ScoreFormat("recurseed", Layout.KEYED_FROM_1, 2, ("seed",)),
        ScoreFormat("sipe", Layout.KEYED_OWN, 1, ("IS_CAM",)),
        ScoreFormat("l2g", Layout.CLASS_PNGS, 0.25),
        ScoreFormat("rca", Layout.CLASS_PNGS, 0.25),  # its own rule asks for saliency maps
        ScoreFormat("crf", Layout.PROBABILITIES, 1),
        ScoreFormat("stack", Layout.STACK, 1),
    )
}
"""By name, all that can be named; `auto` stands for one of them."""


def check_format(name: str) -> str:
    """Return the name of a format, or raise InputError that lists them all."""
    if name != AUTO and name not in FORMATS:
        raise InputError(
            "pseudo-format", found=repr(name), expected=f"{AUTO}, {', '.join(FORMATS)}"
        )
    return name


def suffixes_of(name: str) -> frozenset[str]:
    """Return the endings of the files that hold a format, in lower case."""
    return SUFFIXES if name == AUTO else FORMATS[name].suffixes
