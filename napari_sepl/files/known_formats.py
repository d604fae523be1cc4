"""All file formats that are read, as each reader lists its own beside its code."""

from napari_sepl.files.class_lists import CLASS_LIST_FORMATS
from napari_sepl.files.dataset.image_labels import TAG_FORMATS
from napari_sepl.files.dataset.lists import LIST_FORMATS
from napari_sepl.files.formats import FileFormat
from napari_sepl.files.images import IMAGE_FORMATS
from napari_sepl.files.labels import LABEL_FORMATS
from napari_sepl.files.masks import MASK_FORMATS
from napari_sepl.files.scores import SCORE_FORMATS

KNOWN_FORMATS: tuple[FileFormat, ...] = (
    *IMAGE_FORMATS,
    *LABEL_FORMATS,
    *SCORE_FORMATS,
    *MASK_FORMATS,
    *CLASS_LIST_FORMATS,
    *TAG_FORMATS,
    *LIST_FORMATS,
)
"""In the order of the docs: each role's formats stand together."""

_ROLES = (
    "image", "pseudo-labels", "CAM scores", "masks", "class list", "image-level labels",
    "list of samples",
)  # fmt: skip


def tell_formats() -> str:
    """Return the page of the docs about all formats, in Markdown."""
    parts = [_HEAD]
    for role in (*_ROLES, *sorted({one.role for one in KNOWN_FORMATS} - set(_ROLES))):
        rows = [_row(one) for one in KNOWN_FORMATS if one.role == role]
        if rows:
            parts.append("\n".join((f"## {role[:1].upper()}{role[1:]}", "", *_TABLE, *rows)))
    return "\n\n".join(parts) + "\n"


_HEAD = """# File formats

What each reader reads; `python scripts/formats.py` makes this page from the readers' own lists.
`napari-sepl info PATH` says what a file or folder is taken for.

Texts are UTF-8 or UTF-16, with or without a byte order mark and with any line ends. Files of one
sample pair by their names up to the ending, whatever the letter case and the form of letters (é or
e with an accent); `--image-suffix`, `--pseudo-suffix`, `--mask-suffix` and `--ground-truth-suffix`
leave out what follows the sample's name, and common ones, as in `a_leftImg8bit.png` and
`a_gtFine_labelIds.png`, are found and said."""

_TABLE = ("| format | comes from | is recognised by | options |", "|---|---|---|---|")


def _row(one: FileFormat) -> str:
    cells = (one.name, one.origin, one.recognised, one.options or "–")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
