"""Which files of a folder are the pseudo-labels of which sample."""

from collections.abc import Collection
from pathlib import Path

from napari_sepl.files.class_pngs import group_class_pngs
from napari_sepl.files.dataset_folders import list_stems
from napari_sepl.files.score_formats import AUTO, FORMATS, Layout, check_format, suffixes_of


def list_pseudo(folder: Path, name: str, images: Collection[str]) -> dict[str, str]:
    """Return the name of a file of pseudo-labels for each sample, in no order.

    Where each class has a file of its own, the lowest class's stands for all.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        The format's name, or "auto".
    images : collection of str
        Stems of the images, which tell ``a_7.png`` of the image ``a`` from a label map of its own.

    Raises
    ------
    InputError
        If the folder cannot be read, a sample has two files, or there is no such format.
    """
    names = list_stems(folder, suffixes_of(check_format(name)))
    if name == AUTO:
        return group_class_pngs(names, images)
    if FORMATS[name].layout is Layout.CLASS_PNGS:
        return group_class_pngs(names, images, only=True)
    return names
