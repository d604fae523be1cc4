"""Samples whose inputs changed: how they are found, and what becomes of their annotations."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.errors import InputError, InputsMovedError, SaveError
from napari_sepl.document.document import Document
from napari_sepl.document.edits import InputsChoice, Status
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Review, ReviewStep
from napari_sepl.workflow.enhance import save_resolved
from napari_sepl.workflow.review import record as record_module
from napari_sepl.workflow.review.reviewing import Reviewing
from tests.document.drawing import SHAPE, cat_and_dog, save_pets

KEEP, APPLY, START_OVER = InputsChoice


class Desk:
    """A dataset of s1 to s3 under review, and a person who works on it."""

    def __init__(self, root: Path) -> None:
        pseudo = cat_and_dog().pseudo
        self.spec = save_pets(root, {f"s{n}": np.roll(pseudo, n, 1) for n in (1, 2, 3)})
        self.reviewing = self._open()

    def _open(self) -> Reviewing:
        errors: list[object] = []
        return Reviewing.open(SampleIndex.open(self.spec), errors.append)

    def close(self) -> None:
        self.reviewing.close()

    def again(self) -> Reviewing:
        """Close the dataset and open it."""
        self.close()
        self.reviewing = self._open()
        return self.reviewing

    def open(self, row: int = 0) -> Document:
        """Open a sample as the window does."""
        document = self.reviewing.read(row)
        self.reviewing.arrive(row, document)
        document.stepped.connect(
            lambda kind, edit: self.reviewing.record(row, document, [ReviewStep(kind, edit)])
        )
        return document

    def accept(self, row: int = 0) -> np.ndarray:
        """Paint on a sample and accept it; return its labels."""
        document = self.open(row)
        shown = document.resolved.labels.copy()
        shown[30:33, 20:50] = 15
        document.absorb(shown)
        self.save(row, document)
        document.set_status(Status.ACCEPTED)
        self.written()
        return read_labels(self.file(row))

    def save(self, row: int, document: Document) -> None:
        """Write the label file, as the window does before the sample is accepted."""
        self.reviewing.announce(row, self.spec.output, document.resolved.labels)
        save_resolved(self.spec.output, document.resolved, document.inputs)

    def written(self) -> None:
        assert self.reviewing.on_disk.flush(60)

    def file(self, row: int = 0) -> Path:
        return self.spec.output / f"s{row + 1}.png"

    def change_pseudo(self, row: int = 0, shape: tuple[int, int] = SHAPE) -> None:
        pseudo = np.zeros(shape, np.uint8)
        pseudo[5:9, 5:9] = 12
        Image.fromarray(pseudo).save(self.spec.folder("pseudo") / f"s{row + 1}.png")

    def recorded(self, row: int = 0) -> Review:
        self.written()
        review = self.reviewing.on_disk.store.review(f"s{row + 1}")
        assert review is not None
        return review

    def check(self) -> dict[int, tuple[str, ...]]:
        recorded = self.reviewing.recorded()
        checked = self.reviewing.check_rows(recorded, list(recorded), 10)
        assert not checked.failures
        changed: dict[int, tuple[str, ...]] = checked.results
        return changed


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_an_outdated_sample_shows_its_annotations_and_saves_nothing(desk: Desk) -> None:
    labels = desk.accept()
    before, content = desk.recorded(), desk.file().read_bytes()
    desk.change_pseudo()
    desk.again()
    document = desk.open()
    assert document.outdated == ("pseudo",)
    assert desk.reviewing.queue.outdated.tolist() == [True, False, False]
    assert document.status is Status.ACCEPTED
    assert (document.resolved.labels[30:33, 20:50] == 15).all()
    assert (document.resolved.labels != labels).any()
    assert not document.history.done
    after = desk.recorded()
    assert (after.digests, after.labels, after.status) == (
        before.digests, before.labels, Status.ACCEPTED
    )  # fmt: skip
    assert desk.file().read_bytes() == content


def test_kept_labels_equal_the_accepted_ones_to_the_pixel(desk: Desk) -> None:
    labels = desk.accept()
    desk.change_pseudo()
    desk.again()
    assert desk.reviewing.choose_unseen(0, KEEP)
    review = desk.recorded()
    assert review.status is Status.ACCEPTED
    np.testing.assert_array_equal(read_labels(desk.file()), labels)
    provenance = read_provenance(desk.file())
    assert provenance is not None
    assert provenance.digests["pseudo"] == review.digests["pseudo"]
    desk.again()
    assert desk.check() == {0: ()}
    document = desk.open()
    assert not document.outdated
    assert document.status is Status.ACCEPTED
    np.testing.assert_array_equal(document.resolved.labels, labels)


@pytest.mark.parametrize(("choice", "painted"), [(APPLY, True), (START_OVER, False)])
def test_other_choices_make_it_pending_without_a_file(
    desk: Desk, choice: InputsChoice, painted: bool
) -> None:
    desk.accept()
    desk.change_pseudo()
    desk.again()
    assert desk.reviewing.choose_unseen(0, choice)
    assert desk.recorded().status is Status.PENDING
    assert not desk.file().exists()
    desk.again()
    document = desk.open()
    assert not document.outdated
    assert bool((document.resolved.labels == 15).any()) == painted


@pytest.mark.parametrize("choice", InputsChoice)
@pytest.mark.parametrize("reopened", [False, True])
def test_undo_takes_a_choice_back_with_record_and_file(
    desk: Desk, choice: InputsChoice, reopened: bool
) -> None:
    labels = desk.accept()
    before, content = desk.recorded(), desk.file().read_bytes()
    desk.change_pseudo()
    desk.again()
    document = desk.open()
    desk.reviewing.choose(document, choice)
    assert not document.outdated
    if reopened:
        desk.again()
        document = desk.open()
    assert document.undo() is not None
    assert document.outdated == ("pseudo",)
    assert document.undo() is None  # the inputs of before are gone
    after = desk.recorded()
    assert (after.status, after.digests, after.labels) == (
        Status.ACCEPTED, before.digests, before.labels
    )  # fmt: skip
    np.testing.assert_array_equal(after.overlay, before.overlay)
    assert desk.file().read_bytes() == content
    document.redo()
    assert not document.outdated
    desk.written()
    assert desk.file().exists() == (choice is KEEP)
    document.undo()
    desk.written()
    desk.again()
    document = desk.open()
    assert document.outdated == ("pseudo",)
    old = desk.reviewing.outdated(document)
    assert old is not None
    np.testing.assert_array_equal(old.labels, labels)


def test_the_first_step_on_new_inputs_applies_the_annotations(desk: Desk) -> None:
    desk.accept()
    desk.change_pseudo()
    desk.again()
    document = desk.open()
    document.lock(15)
    assert not document.outdated
    assert document.status is Status.PENDING
    assert desk.recorded().status is Status.PENDING
    assert not desk.file().exists()
    document.undo()
    document.undo()
    assert document.outdated
    desk.written()
    assert desk.file().exists()


def test_accepting_applies_in_the_same_step(desk: Desk) -> None:
    desk.accept()
    desk.change_pseudo()
    desk.again()
    document = desk.open()
    desk.save(0, document)
    document.set_status(Status.ACCEPTED)
    assert not document.outdated
    assert len(document.history.done) == 1
    desk.written()
    np.testing.assert_array_equal(read_labels(desk.file()), document.resolved.labels)


def test_old_inputs_that_return_are_not_outdated(desk: Desk) -> None:
    desk.accept()
    path = desk.spec.folder("pseudo") / "s1.png"
    content = path.read_bytes()
    desk.change_pseudo()
    desk.again()
    document = desk.open()
    desk.reviewing.choose(document, APPLY)
    document.undo()
    path.write_bytes(content)
    desk.again()
    document = desk.open()
    assert not document.outdated
    assert document.status is Status.ACCEPTED
    assert document.redo() is None


def test_a_sample_that_is_not_accepted_cannot_keep_labels(desk: Desk) -> None:
    document = desk.open()
    document.lock(8)
    desk.change_pseudo()
    desk.again()
    assert [*desk.reviewing.preview(0).refusals] == [KEEP]
    with pytest.raises(InputError, match="no labels of the sample are accepted"):
        desk.reviewing.choose_unseen(0, KEEP)
    assert desk.reviewing.choose_unseen(0, APPLY)
    assert not desk.reviewing.choose_unseen(0, APPLY)


def test_of_an_image_of_another_size_nothing_can_be_kept(desk: Desk) -> None:
    desk.accept()
    Image.new("RGB", (50, 30)).save(desk.spec.folder("images") / "s1.png")
    desk.change_pseudo(shape=(30, 50))
    (desk.spec.folder("masks") / "s1.json").unlink()
    desk.again()
    preview = desk.reviewing.preview(0)
    assert set(preview.refusals) == {KEEP, APPLY}
    assert "another size: 30 × 50, not 40 × 60 pixels" in preview.refusals[KEEP]
    assert preview.pixels is None
    assert desk.reviewing.choose_unseen(0, START_OVER)
    assert desk.recorded().status is Status.PENDING
    assert not desk.file().exists()


def test_a_preview_counts_pixels_of_the_accepted_labels(desk: Desk) -> None:
    labels = desk.accept()
    desk.change_pseudo()
    desk.again()
    preview = desk.reviewing.preview(0)
    document = desk.open()
    assert preview.roles == ("pseudo",)
    assert preview.pixels == np.count_nonzero(labels != document.resolved.labels) > 0
    assert desk.recorded().status is Status.ACCEPTED


def test_a_touched_file_is_read_once_and_a_stat_is_enough_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.accept()
    os.utime(desk.spec.folder("pseudo") / "s1.png")
    desk.again()
    assert desk.check() == {0: ()}
    desk.again()
    monkeypatch.setattr(record_module, "read_digests", lambda *_: pytest.fail("read"))
    assert desk.check() == {0: ()}


def test_a_touched_file_leaves_the_settings_of_its_sample_known(desk: Desk) -> None:
    desk.open().set_params(Params(t1=0.3))
    desk.written()
    os.utime(desk.spec.folder("pseudo") / "s1.png")
    desk.again()
    assert desk.check() == {0: ()}
    assert desk.reviewing.put_params([0], {0: Params(t1=0.9)}) == {0: Params(t1=0.3)}


def test_all_outdated_samples_are_found_without_opening_any(desk: Desk) -> None:
    for row in range(3):
        desk.accept(row)
    desk.change_pseudo(1)
    desk.again()
    assert desk.check() == {0: (), 1: ("pseudo",), 2: ()}
    assert desk.reviewing.check_rows(desk.reviewing.recorded(), [0, 1, 2], 0).number == 1


def test_a_file_that_changes_under_an_open_sample_is_noticed(desk: Desk) -> None:
    document = desk.open()
    desk.reviewing.require_unmoved(0, document)
    os.utime(desk.spec.folder("pseudo") / "s1.png")
    desk.reviewing.require_unmoved(0, document)
    desk.change_pseudo()
    with pytest.raises(InputsMovedError, match=r"s1 \(pseudo-labels\)"):
        desk.reviewing.require_unmoved(0, document)


def test_bulk_acceptance_leaves_outdated_samples_out(desk: Desk) -> None:
    document = desk.open()
    document.lock(8)
    desk.change_pseudo()
    desk.again()
    with pytest.raises(SaveError, match="is outdated: s1"):
        desk.reviewing.accept_unseen(0)
    assert 0 not in desk.reviewing.queue.pending()


def test_decisions_and_prompted_masks_come_back_by_undo(desk: Desk) -> None:
    document = desk.open()
    document.decide([3], 8)
    before = desk.recorded()
    desk.change_pseudo()
    desk.again()
    document = desk.open()
    assert not document.annotations.decisions  # they were made on other pseudo-labels
    desk.reviewing.choose(document, APPLY)
    assert not desk.recorded().decisions
    document.undo()
    assert dict(desk.recorded().decisions) == dict(before.decisions) == {3: 8}
