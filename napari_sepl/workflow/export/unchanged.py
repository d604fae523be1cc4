"""Exporting label PNGs as they are, or as the window would save them."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from napari_sepl.core.errors import SaveError
from napari_sepl.files._opening import read_bytes
from napari_sepl.files.atomic import make_folder, write_whole
from napari_sepl.files.guard import Guard, foreign
from napari_sepl.files.label_png import encode_label_png, read_provenance
from napari_sepl.files.lock import sole_run
from napari_sepl.workflow.enhance import label_file, save_resolved
from napari_sepl.workflow.results import Outcome, SampleResult, Task, run_samples
from napari_sepl.workflow.review.current_labels import SelectedLabels
from napari_sepl.workflow.review.selection import Selection


def export_unchanged(
    selection: Selection, out: Path, *, overwrite: bool = False
) -> Iterator[SampleResult[None]]:
    """Write the selected labels as label PNGs, byte for byte as the window saved them.

    A label file that holds what the record says is copied. Any other is made from the record, and
    only from the very inputs that were reviewed.

    Parameters
    ----------
    selection : Selection
        The labels.
    out : Path
        The folder for them, which may be the one they are in; it is made if need be.
    overwrite : bool
        Replace other labels that napari-sepl made. Files that a person edited or another program
        wrote count as failures, as do those others without it.

    Yields
    ------
    SampleResult
        One for each sample, as soon as it ends.

    Raises
    ------
    SaveError
        If the folder cannot be made, or another run uses it.
    InputError
        If the folder is an input of the dataset, or lies in one.
    """
    selection.index.guard().check_place(out)
    work = partial(_export, selection, out, overwrite)
    with sole_run(out, "export"):
        tasks = (Task(one, one, one) for one in selection.ids)
        yield from run_samples(work, tasks, selection.problems)


def _export(
    selection: Selection, out: Path, overwrite: bool, sample_id: str
) -> tuple[Outcome, None]:
    labels = selection.labels(sample_id)
    path = label_file(out, sample_id)
    content = _content(labels, out)
    if os.path.lexists(path) and _is_present(path, content, overwrite=overwrite):
        return Outcome.PRESENT, None
    files = () if labels.item is None else tuple(labels.item.sample.files)
    Guard(files).check_place(path)
    make_folder(path.parent)
    write_whole(path, content)
    return Outcome.SAVED, None


def _content(labels: SelectedLabels, out: Path) -> bytes:
    """Return the bytes of the file: those that are there, if they are a PNG, or the same anew."""
    found = labels.read_file()
    if found is not None and labels.path is not None:
        if labels.path.suffix.lower() == ".png":
            return read_bytes(labels.path, "a label PNG")
        return encode_label_png(found, labels.classes, None)
    written: list[bytes] = []
    given, resolved = labels.resolve()
    save_resolved(out, resolved, given, lambda _, content: written.append(content))
    return written[0]


def _is_present(path: Path, content: bytes, *, overwrite: bool) -> bool:
    """Return whether a file has this content already; raise unless it may be replaced."""
    if path.is_file() and read_bytes(path, "a label PNG") == content:
        return True
    provenance = read_provenance(path)
    if provenance is None or provenance.exported:
        raise foreign(path, "--to")
    if provenance.edited:
        raise SaveError(
            f"holds other labels, which a person edited: {path}; move it, or choose another --to."
        )
    if not overwrite:
        raise SaveError(f"holds other labels than the review: {path}; --overwrite replaces it.")
    return False
