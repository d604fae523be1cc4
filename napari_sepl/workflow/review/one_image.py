"""One image that is no sample of a dataset, and its record."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import SeplError
from napari_sepl.document.inputs import Inputs
from napari_sepl.files.guard import Guard
from napari_sepl.files.samples import Sample
from napari_sepl.files.store import Store, store_file
from napari_sepl.workflow.review.recorded import Recorded, reviewer

DATA = "NAPARI_SEPL_DATA"
"""Environment variable that names the folder for the records of single images."""

_FOLDER = "folder"
"""Key of the session under which the output folder is noted that a record moved to."""

Callbacks = tuple[
    Callable[[SeplError], None], Callable[[], None] | None, Callable[[str], None] | None
]
"""`on_error`, `on_saved` and `on_kept` of `Recorded`."""


class OneImage(Recorded):
    """One image, with a record in its output folder.

    Before an output folder is chosen the record is in the user's data folder, by the digest of
    the image; it moves when labels are accepted for the first time.

    Parameters
    ----------
    inputs : Inputs
        The image.
    sample : Sample or None
        The files that it was read from; None for an image from layers.
    start : Params
        The settings to start from where nobody chose any.
    folder : Path or None
        Where its label file goes; None before it is chosen.
    store : Store
        The record.
    callbacks : tuple of callable
        See `Callbacks`.
    """

    def __init__(
        self,
        inputs: Inputs,
        sample: Sample | None,
        start: Params,
        folder: Path | None,
        store: Store,
        callbacks: Callbacks,
    ) -> None:
        super().__init__([inputs.sample_id], folder, store, *callbacks)
        self._inputs, self._start = inputs, start
        self._sample = None if sample is None else replace(sample, classes=inputs.classes)
        self._files = [] if sample is None else sample.files

    @classmethod
    def open(
        cls,
        inputs: Inputs,
        sample: Sample | None,
        folder: Path | None,
        start: Params,
        callbacks: Callbacks,
        who: str = "",
    ) -> "OneImage":
        """Open the record of an image, making it if there is none; for a background thread.

        Parameters
        ----------
        inputs, sample, start, callbacks
            As for `OneImage`.
        who : str
            The annotator; the system's user if left out.
        folder : Path or None
            The output folder; if None, the one where the image was accepted before, if it was.

        Raises
        ------
        InputError
            If the record is damaged or of a newer version, or the folder is an input.
        SaveError
            If it cannot be made.
        """
        if folder is None:
            store = Store.open(store_file(_place_of(inputs)), who=who or reviewer())
            moved = store.session().get(_FOLDER)
            if not isinstance(moved, str) or not store_file(Path(moved)).exists():
                return cls(inputs, sample, start, None, store, callbacks)
            store.close()
            folder = Path(moved)
        _check(folder, [] if sample is None else sample.files)
        store = Store.open(store_file(folder), who=who or reviewer())
        return cls(inputs, sample, start, folder, store, callbacks)

    @property
    def start(self) -> Params:
        """The settings to start from."""
        return self._start

    def sample(self, row: int) -> Sample | None:  # noqa: ARG002
        """Return where its files are; None for an image from layers."""
        return self._sample

    def load(self, row: int) -> Inputs:
        """Return the image, which was read already."""
        self.files[row] = self._files
        return self._inputs

    def announce(self, row: int, folder: Path, labels: NDArray[np.uint8]) -> None:
        """Note which labels are about to be saved in a folder, and move the record there.

        Raises
        ------
        InputError
            If the record in the folder has a review of an image of this name.
        SaveError
            If the record cannot be written.
        """
        if self.folder is None:
            _check(folder, self._files)
            sample_id = self._inputs.sample_id
            self.on_disk.move(store_file(folder), sample_id)
            old = Store.open(store_file(_place_of(self._inputs)), who=self.annotator)
            old.put_session({_FOLDER: str(folder.absolute())})
            old.close()
            self.folder = folder
        super().announce(row, folder, labels)


def _check(folder: Path, files: Sequence[Path]) -> None:
    Guard(tuple(files)).check_place(store_file(folder))


def _place_of(inputs: Inputs) -> Path:
    """Return the folder of the record of an image before its output folder is chosen."""
    digest = inputs.digests.get("image") or sha256(inputs.image.tobytes()).hexdigest()
    root = os.environ.get(DATA) or user_data_path("napari-sepl")
    return Path(root) / "images" / digest[:32]
