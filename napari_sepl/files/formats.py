"""What a file format is called, where it comes from and how it is recognised: for help and docs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileFormat:
    """One format that a reader reads; each reader lists its own beside its code.

    Parameters
    ----------
    role : str
        What the file is in a dataset: "image", "pseudo-labels", "CAM scores", "masks",
        "class list", "image-level labels", "list of samples".
    name : str
        What it is called in `napari-sepl info` and in the docs, such as "COCO RLE, a list".
    origin : str
        The programs and methods that write it.
    recognised : str
        The endings, and what in the content tells it from the others.
    options : str
        The options and keys that it needs or heeds, such as "`--pseudo-format psa`"; empty if none.
    """

    role: str
    name: str
    origin: str
    recognised: str
    options: str = ""
