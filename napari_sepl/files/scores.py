"""The formats of pseudo-labels by the methods that write them."""

from dataclasses import dataclass
from enum import StrEnum

from napari_sepl.core.errors import InputError
from napari_sepl.files import arrays, pickles
from napari_sepl.files import labels as label_files
from napari_sepl.files.formats import FileFormat
from napari_sepl.files.validation import nearest

AUTO = "auto"
"""The name that leaves it to each file's content."""


class Layout(StrEnum):
    """How a file holds the scores of one image."""

    LABELS = "label map"
    COLOURS = "label map in the colours of the class list"
    CAMS = "CAM dictionary, classes counted from 0"
    PROBABILITIES = "CRF dictionary, 0 for the background and classes counted from 1"
    KEYED = "dictionary with keys, classes counted from 0"
    KEYED_FROM_1 = "dictionary with keys, 0 in front and classes counted from 1"
    KEYED_OWN = "dictionary with keys, the background's scores in front"
    KEYED_EITHER = "dictionary with keys, classes counted from 0, with or without background"
    LOGITS = "dictionary of an array (1, classes, H, W) before softmax, the background first"
    STACK = "array (classes, H, W), the background first"
    BARE_STACK = "array (classes, H, W) without background"
    CLASS_PNGS = "one grey PNG for each class, counted from 0"


@dataclass(frozen=True)
class ScoreFormat:
    """The format of a method's files.

    Parameters
    ----------
    name : str
        Its name for `--pseudo-format`.
    layout : Layout
        How a file holds the scores.
    background : float
        The method's own value for the background's rule; see `core.labels.scores.cut_scores`.
    fields : tuple of str
        Of a dictionary with keys, the names that its maps may have, the best first.
    keys : tuple of str
        The names that its keys may have, the best first.
    scaled : bool
        Whether each map is to be divided by its highest score, and negative scores are 0.
    """

    name: str
    layout: Layout
    background: float
    fields: tuple[str, ...] = ()
    keys: tuple[str, ...] = ("keys",)
    scaled: bool = False

    @property
    def suffixes(self) -> frozenset[str]:
        """Endings, in lower case, of the files that hold it."""
        if self.layout in (Layout.LABELS, Layout.COLOURS):
            return label_files.SUFFIXES
        return frozenset((".png",)) if self.layout is Layout.CLASS_PNGS else SCORE_SUFFIXES


SCORE_SUFFIXES = arrays.SUFFIXES | pickles.SUFFIXES | arrays.TENSOR_SUFFIXES
"""Endings, in lower case, of files of arrays and dictionaries of scores."""

SUFFIXES = label_files.SUFFIXES | SCORE_SUFFIXES
"""Endings, in lower case, of all files of pseudo-labels."""

_COARSE = ("high_res", "cam")
_MORE_KEYS = ("keys", "keys_gt")
PSEUDO_FORMATS = {
    one.name: one
    for one in (
        ScoreFormat("labels", Layout.LABELS, 0),
        ScoreFormat("colours", Layout.COLOURS, 0),
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
        ScoreFormat("excel", Layout.KEYED_EITHER, 0.5, ("valid_lam",), ("keys_gt", "keys")),
        ScoreFormat("more", Layout.KEYED_EITHER, 0.5, ("valid_cam", "valid_lam"), _MORE_KEYS),
        ScoreFormat("fma-wsss", Layout.KEYED, 1, ("cam",), ("fg_cls",), scaled=True),
        ScoreFormat("dupl", Layout.LOGITS, 1, ("msc_seg",)),
        ScoreFormat("weclip", Layout.LOGITS, 1, ("msc_segs", "segs")),
        ScoreFormat("l2g", Layout.CLASS_PNGS, 0.25),
        ScoreFormat("rca", Layout.CLASS_PNGS, 0.25),  # its own rule asks for saliency maps
        ScoreFormat("crf", Layout.PROBABILITIES, 1),
        ScoreFormat("stack", Layout.STACK, 1),
        ScoreFormat("stack-no-background", Layout.BARE_STACK, 0.25),
    )
}
"""The formats by name; `auto` stands for one of them."""


def check_format(name: str) -> str:
    """Return the name of a format, or raise InputError that lists them all."""
    if name != AUTO and name not in PSEUDO_FORMATS:
        known = (AUTO, *PSEUDO_FORMATS)
        expected = f"{', '.join(known)}{nearest(name, known)}"
        raise InputError("pseudo-format", found=repr(name), expected=expected)
    return name


def suffixes_of(name: str) -> frozenset[str]:
    """Return the endings of the files that hold a format, in lower case."""
    return SUFFIXES if name == AUTO else PSEUDO_FORMATS[name].suffixes


_CONTAINERS = "`.npy`, `.npz`, `.pkl`, `.pt`, `.pth` or `.safetensors`"
_OF_LAYOUT = {
    Layout.CAMS: f"{_CONTAINERS}: a dictionary with whole numbers as keys",
    Layout.PROBABILITIES: f"{_CONTAINERS}: the same, with a map for 0 that makes the sum 1",
    Layout.STACK: f"{_CONTAINERS}: an array with a map for each class and for the background",
    Layout.BARE_STACK: f"{_CONTAINERS}: an array with a map for each class of the class list",
    Layout.CLASS_PNGS: "`ID_0.png`, `ID_14.png`, ...: 8-bit grey",
}


def _recognised(fmt: ScoreFormat) -> str:
    if fmt.layout in _OF_LAYOUT:
        return _OF_LAYOUT[fmt.layout]
    keys = "" if fmt.layout is Layout.LOGITS else f" with {' or '.join(fmt.keys)}"
    return f"{_CONTAINERS}: a dictionary of {' or '.join(fmt.fields)}{keys}"


SCORE_FORMATS = tuple(
    FileFormat(
        "CAM scores",
        str(fmt.layout),
        fmt.name,
        _recognised(fmt),
        f"`--pseudo-format {fmt.name}`, `--background`",
    )
    for fmt in PSEUDO_FORMATS.values()
    if fmt.layout not in (Layout.LABELS, Layout.COLOURS)
)
"""The formats of CAM scores, for help and docs. Maps of another size than the image are resized."""
