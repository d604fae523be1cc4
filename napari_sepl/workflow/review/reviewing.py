"""A dataset under review: its samples and their annotations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, SaveError, SeplError
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.document import Document
from napari_sepl.document.edits import InputsChoice, Status
from napari_sepl.document.inputs import Inputs
from napari_sepl.document.resolve import Resolved
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.images import image_size
from napari_sepl.files.labels import read_labels
from napari_sepl.files.samples import Sample, load
from napari_sepl.files.store import UNREAD, ImageNow, Review, ReviewStep, Store, store_file
from napari_sepl.workflow.enhance import label_file, save_resolved
from napari_sepl.workflow.results import Worked, work_on_each
from napari_sepl.workflow.review.conversion import annotations_of, without_maps
from napari_sepl.workflow.review.outdated import pixels_changed
from napari_sepl.workflow.review.queue import change_of
from napari_sepl.workflow.review.record import CheckedInputs, check_inputs, is_touched
from napari_sepl.workflow.review.recorded import Recorded, reviewer
from napari_sepl.workflow.review.session import Session


class Preview(NamedTuple):
    """What may become of an outdated sample.

    Parameters
    ----------
    roles : tuple of str
        The inputs that changed; empty if it is outdated no more.
    refusals : dict of InputsChoice to str
        Why some choices cannot be made.
    pixels : int or None
        How many pixels of the accepted labels the new inputs change; None without those.
    """

    roles: tuple[str, ...]
    refusals: dict[InputsChoice, str]
    pixels: int | None


class Reviewing(Recorded):
    """The samples of a dataset, with the record in its output folder.

    Parameters
    ----------
    index : SampleIndex
        The samples.
    store : Store
        Their annotations; read-only if another window has it open.
    on_error, on_saved, on_kept : callable
        See `Recorded`.
    """

    folder: Path

    def __init__(
        self,
        index: SampleIndex,
        store: Store,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
        on_kept: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(index.ids, index.spec.output, store, on_error, on_saved, on_kept)
        self.index = index
        self.session = Session(store.session(), self._put_session, store.path)
        self.queue.set_image_labels(index.image_labels)
        masks = index.names.get(Role.MASKS, {})
        self.queue.without_masks[:] = [sample_id not in masks for sample_id in self.queue.ids]

    @classmethod
    def open(
        cls,
        index: SampleIndex,
        on_error: Callable[[SeplError], None],
        on_saved: Callable[[], None] | None = None,
        on_kept: Callable[[str], None] | None = None,
        *,
        who: str = "",
    ) -> "Reviewing":
        """Open the store in the dataset's output folder, making it if there is none.

        `who` is the annotator; the system's user if left out.

        Raises
        ------
        InputError
            If the dataset names no output folder, or one of its input folders; or the store is
            damaged, or of a newer version, and the file untouched.
        SaveError
            If it cannot be made.
        """
        index.guard().check_place(index.spec.output)
        store = Store.open(store_file(index.spec.output), who=who or reviewer())
        try:
            return cls(index, store, on_error, on_saved, on_kept)
        except SeplError:
            store.close()  # or recovery would find it open
            raise

    @property
    def start(self) -> Params:
        """The settings of samples for which nobody chose any."""
        return self.session.start

    def sample(self, row: int) -> Sample:
        """Return where the files of a sample are, with masks that were made since the listing."""
        return self.index.sample(self.queue.ids[row])

    def load(self, row: int) -> Inputs:
        """Read the files of a sample, and note which they are."""
        sample = self.sample(row)
        self.files[row] = sample.files
        return load(sample, self.index.classes)

    def annotations(self, row: int) -> Annotations:
        """Return the annotations of a sample without reading its files; for a background thread.

        Maps and masks are left out where the image now has another size.

        Raises
        ------
        InputError
            If the record, or the size of an image that was reviewed, cannot be read.
        """
        self._wait_for_bulk()
        if self.on_disk.short_review(self.queue.ids[row]) is None:
            return Annotations(self.start)
        image = ImageNow(image_size(self.sample(row).image), UNREAD)
        review = self._review_of(row, image)
        return Annotations(self.start) if review is None else annotations_of(review, self.start)

    def arrive(self, row: int, document: Document) -> None:
        """Note that a sample is open, and fill the queue's columns from it."""
        self.session.sample = self.queue.ids[row]
        super().arrive(row, document)

    def match_files(self) -> None:
        """Make the label files follow the record where a crash came between them.

        For a thread beside the window's. A file that cannot be made again is left out: the
        sample's files changed, or cannot be read.
        """
        if self.refusal:
            return
        for sample_id in self.on_disk.store.statuses():
            row = self.queue.rows.get(sample_id)
            if row is None:
                continue
            with suppress(InputError):
                is_there = label_file(self.folder, sample_id).exists()
                if self.queue.status_of(row) is not Status.ACCEPTED:
                    if is_there and is_touched(self.on_disk.store, sample_id):
                        self.remove_files([row])
                elif not is_there:
                    self._write_file(self.read(row))

    # --- changed inputs

    def recorded(self) -> dict[int, Review]:
        """Return what the record holds of each sample, in short, by row; it reads the disk.

        Raises
        ------
        InputError
            If the record cannot be read.
        """
        rows, summaries = self.queue.rows, self.on_disk.store.summaries()
        found = {rows[one]: summary.review for one, summary in summaries.items() if one in rows}
        return dict(sorted(found.items()))

    def check_rows(
        self, recorded: Mapping[int, Review], rows: Sequence[int], seconds: float
    ) -> Worked:
        """Find out which samples are outdated; for a thread beside the window's.

        An input that was not touched since costs a stat; the label files of accepted samples are
        read.

        Parameters
        ----------
        recorded : mapping of int to Review
            What the record holds of them.
        rows : sequence of int
            Samples in it.
        seconds : float
            No further sample is begun after this time.

        Returns
        -------
        Worked
            Its results are the inputs that changed, tuples of str; "labels" alone where the label
            file of an accepted sample holds other labels than were accepted.
        """
        known = {row: self._told.get(row) or recorded[row] for row in rows}

        def check(row: int) -> CheckedInputs:
            return check_inputs(known[row], self.sample(row))

        worked = work_on_each(check, rows, seconds, self.queue.ids)
        stamps: dict[str, Mapping[str, str]] = {}
        for row, now in worked.results.items():
            if now.stamps != known[row].stamps:
                stamps[self.queue.ids[row]] = now.stamps
                self._told[row] = replace(known[row], stamps=now.stamps)
        if stamps and not self.refusal:
            self.on_disk.submit(lambda store: store.put_many_stamps(stamps))
        roles = {row: now.changed for row, now in worked.results.items()}
        sound = [row for row, changed in roles.items() if not changed]
        return worked._replace(results=roles | self._foreign(sound, known))

    def _foreign(
        self, rows: Iterable[int], known: Mapping[int, Review]
    ) -> dict[int, tuple[str, ...]]:
        """Return those whose label file is there with other labels than were accepted."""
        accepted = (row for row in rows if self.queue.status_of(row) is Status.ACCEPTED)
        foreign = (
            row for row in accepted
            if (labels := known[row].labels)
            and _is_other(label_file(self.folder, self.queue.ids[row]), labels)
        )  # fmt: skip
        return dict.fromkeys(foreign, (str(Role.LABELS),))

    def preview(self, row: int) -> Preview:
        """Read an outdated sample to see what may become of it; for a thread beside the window's.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        document = self.read(row)
        old = self.outdated(document)
        if old is None:
            return Preview((), {}, None)
        refusals = old.refusals(document.inputs)
        return Preview(old.roles, refusals, pixels_changed(document, old))

    def choose_unseen(self, row: int, choice: InputsChoice) -> bool:
        """Do what a person chose for an outdated sample that is not open; whether it was outdated.

        For a thread beside the window's.

        Raises
        ------
        InputError
            If the sample cannot be read, or the choice cannot be made for it.
        """
        document = self.read(row)
        steps: list[ReviewStep] = []
        document.stepped.connect(lambda kind, edit: steps.append(ReviewStep(kind, edit)))
        self.choose(document, choice)
        if steps:
            self._seconds.setdefault(row, self._told_of(row).seconds)
            self.record(row, document, steps)
        return bool(steps)

    # --- many samples

    def put_params(
        self, rows: Sequence[int], params: Mapping[int, Params | None]
    ) -> dict[int, Params | None]:
        """Give samples other settings, their strokes staying; return those they had."""
        before = {row: self.params_of(row) for row in rows}
        changes = {self.queue.ids[row]: params[row] for row in rows}
        for row in rows:
            self._told[row] = replace(self._told_of(row), params=params[row])
        self._must_flush = True
        self.on_disk.submit(lambda store: store.put_many_params(changes))
        self.queue.change[list(rows)] = np.nan
        self.queue.set_annotator(rows, self.annotator)
        self.queue.forget_suspicion(rows)
        self.remove_files(rows)
        return before

    def params_of(self, row: int) -> Params | None:
        """Return the settings of a sample; None if nobody chose any. Read once, then known.

        Raises
        ------
        InputError
            If the record cannot be read.
        """
        if row not in self._told:
            review = self.on_disk.short_review(self.queue.ids[row])
            told = Review(self.queue.ids[row]) if review is None else without_maps(review)
            self._told.setdefault(row, told)
        return self._told[row].params

    def put_statuses(self, rows: Sequence[int], status: Status) -> None:
        """Give many samples a status; what was read of them before is out of date."""
        if not rows:
            return
        self._must_flush = True
        changes = {self.queue.ids[row]: status for row in rows}
        for row in rows:
            self.queue.set_status(row, status)
        self.queue.set_annotator(rows, self.annotator)
        self.on_disk.submit(lambda store: store.put_many_statuses(changes))
        if status is not Status.ACCEPTED:
            self.remove_files(rows)

    def measure_change(self, row: int) -> None:
        """Read a sample to see how much it changes; for a thread beside the window's."""
        self.queue.change[row] = change_of(self.read(row).resolved)

    def accept_unseen(self, row: int) -> None:
        """Save a sample's labels as they are, unless a file is there that holds other ones.

        For a thread beside the window's; the queue's status is left to `put_statuses`.

        Raises
        ------
        SaveError
            If the file cannot be written, or holds other labels; or the sample's files changed
            since its annotations were made.
        """
        document = self.read(row)
        if document.outdated:
            raise SaveError(f"is outdated: {self.queue.ids[row]}; decide what becomes of it first.")
        self.save_labels(row, document.resolved, document.inputs)
        document.set_status(Status.ACCEPTED)
        self.on_disk.put_review(self._state(row, document))

    def save_labels(self, row: int, resolved: Resolved, inputs: Inputs) -> None:
        """Write the label file of a sample, unless one is there that holds other labels.

        For a thread beside the window's; the status is left to the caller.

        Raises
        ------
        SaveError
            If the file cannot be written, or holds other labels.
        """
        path = label_file(self.folder, inputs.sample_id)
        if path.exists() and not np.array_equal(read_labels(path), resolved.labels):
            raise SaveError(f"other labels are there: {path}; open the sample to replace them.")
        self.announce(row, self.folder, resolved.labels)
        save_resolved(self.folder, resolved, inputs)

    # --- inside

    def _put_session(self, news: Mapping[str, Any]) -> None:
        self.on_disk.submit(lambda store: store.put_session(news))


def _is_other(path: Path, digest: str) -> bool:
    """Return whether a label file is there and holds other labels than those of a digest."""
    if not path.exists():
        return False
    try:
        return digest_labels(read_labels(path)) != digest
    except InputError:
        return True
