"""Masks of a folder: whole files, gone on with, in order, with every failure told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl import MaskSet
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.masks import mask_file, read_masks
from napari_sepl.proposals.maker import (
    MaskProgress,
    OnProgress,
    OpeningError,
    ProposalError,
    StoppedError,
    ignore,
)
from napari_sepl.proposals.models import MODELS, SamSettings
from napari_sepl.proposals.process import Remote, RemoteMasks
from napari_sepl.proposals.regions import RegionSettings
from napari_sepl.proposals.weights import Checkpoint
from napari_sepl.workflow.masks import (
    RECORD,
    made_by_regions,
    made_by_sam,
    made_otherwise,
    propose_folder,
)
from napari_sepl.workflow.results import Outcome
from tests.files.dataset.opening import open_images
from tests.files.making import random_labels, random_masks, save_amg_folder, save_image
from tests.messages import says

STEMS = ("a2", "a10", "b")
MADE_WITH: dict[str, Any] = {"model": "fake", "points_per_side": 4}


class Fake:
    """Makes the same masks of every image and keeps what it was asked."""

    def __init__(self, *problems: Exception | None) -> None:
        self.problems = list(problems)
        self.asked: list[tuple[tuple[int, ...], NDArray[np.uint8] | None]] = []

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        self.asked.append((image.shape, pseudo))
        on_progress(MaskProgress(1, 1, "said"))
        problem = self.problems.pop(0) if self.problems else None
        if problem is not None:
            raise problem
        return MaskSet.from_dense(random_masks())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for role in ("images", "pseudo"):
        (tmp_path / role).mkdir()
    for stem in STEMS:
        save_image(tmp_path / "images" / f"{stem}.jpg", random_labels())
        save_image(tmp_path / "pseudo" / f"{stem}.png", random_labels(top=3))
    return tmp_path


def guided(root: Path, **places: Path) -> SampleIndex:
    return open_images(root / "images", Role.PSEUDO, pseudo=root / "pseudo", **places)


def run(
    root: Path, maker: Any, index: SampleIndex | None = None, **options: Any
) -> list[tuple[str, Outcome, str]]:
    made_with = options.pop("made_with", MADE_WITH)
    index = index or open_images(root / "images")
    steps = propose_folder(index, root / "out", maker, made_with, **options)
    return [(step.sample_id, step.outcome, step.message) for step in steps]


def saved(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "out").iterdir())


def test_a_folder_is_made_in_order_and_enhance_reads_it(root: Path) -> None:
    told: list[MaskProgress] = []
    fake = Fake()
    assert run(root, fake, told=told.append) == [(stem, Outcome.SAVED, "") for stem in STEMS]
    assert fake.asked == [((30, 40), None)] * 3
    assert [progress.message for progress in told] == ["said"] * 3
    assert saved(root) == [RECORD, "a10.json", "a2.json", "b.json"]
    expected = MaskSet.from_dense(random_masks()).digest
    assert {read_masks(mask_file(root / "out", s), (30, 40)).digest for s in STEMS} == {expected}
    index = open_images(
        root / "images", Role.PSEUDO, Role.MASKS, pseudo=root / "pseudo", masks=root / "out"
    )
    assert (index.ids, index.problems, index.unused) == (STEMS, (), ())


def test_what_is_done_is_passed_over(root: Path) -> None:
    run(root, Fake())
    (root / "out" / "a10.json").unlink()
    fake = Fake()
    assert [outcome for _, outcome, _ in run(root, fake)] == [
        Outcome.PRESENT,
        Outcome.SAVED,
        Outcome.PRESENT,
    ]
    assert len(fake.asked) == 1


def test_pseudo_labels_guide_unless_the_whole_grid_is_wanted(root: Path) -> None:
    fake = Fake()
    run(root, fake, guided(root), sample_ids=["a2"])
    np.testing.assert_array_equal(fake.asked[0][1], random_labels(top=3))
    run(root, fake, guided(root), sample_ids=["a10", "b"], guided=False)
    assert [pseudo for _, pseudo in fake.asked[1:]] == [None, None]


def test_failures_name_the_image_and_the_run_goes_on(root: Path) -> None:
    (root / "images" / "a10.jpg").write_bytes(b"no image")
    image = root / "images" / "a2.jpg"
    first, second, third = run(root, Fake(ProposalError("The process crashed.")))
    assert first == ("a2", Outcome.FAILED, f"The process crashed. The image: {image}.")
    assert second[1] is Outcome.FAILED
    assert says(second[2], root / "images" / "a10.jpg", "found")
    assert third == ("b", Outcome.SAVED, "")
    assert saved(root) == [RECORD, "b.json"]
    too_large = f"too large for the memory of this computer: {image}"
    assert run(root, Fake(MemoryError()))[0][2] == too_large


def test_labels_of_another_size_are_a_failure(root: Path) -> None:
    save_image(root / "pseudo" / "a2.png", random_labels((40, 30)))
    step = run(root, Fake(), guided(root))[0]
    assert step[1] is Outcome.FAILED
    assert says(step[2], "found labels of 40 × 30 pixels", "expected 30 × 40 pixels")


def test_missing_files_are_failures(root: Path) -> None:
    (root / "images" / "a2.jpg").unlink()
    (root / "list.txt").write_text("b\na2\nc\n")
    assert run(root, Fake(), guided(root, list_file=root / "list.txt")) == [
        ("a2", Outcome.FAILED, "a2: no image"),
        ("c", Outcome.FAILED, "c: no image and no pseudo-labels"),
        ("b", Outcome.SAVED, ""),
    ]
    save_image(root / "images" / "extra.png", random_labels())
    assert guided(root).unused == ("extra",)
    assert open_images(root / "images").ids == ("a10", "b", "extra")


def test_nothing_to_do_is_an_error(root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(InputError, match=r"^found no image: .*; expected files ending in"):
        open_images(root / "empty")
    with pytest.raises(InputError, match="found no pseudo-labels"):
        open_images(root / "images", Role.PSEUDO, pseudo=root / "empty")


def test_an_image_without_masks_has_a_file_all_the_same(root: Path) -> None:
    class Blind(Fake):
        def make(self, *_: Any, **__: Any) -> MaskSet:
            return MaskSet.from_dense([], shape=(30, 40))

    run(root, Blind())
    assert (root / "out" / "b.json").read_text() == "[]"
    assert len(read_masks(root / "out" / "b.json", (30, 40))) == 0


@pytest.mark.parametrize("kind", ["settings", "amg", "amg folders", "damaged record"])
def test_a_folder_holds_masks_of_one_making(root: Path, kind: str) -> None:
    told = {
        "settings": r"other masks: .*out, made with points_per_side 4 \(now 8\)",
        "amg": "folder contains other masks: .*out, made by another program; name another folder",
        "amg folders": "made by another program",
        "damaged record": rf"found damaged or cut-off content .*{RECORD}; .*; name another folder",
    }[kind]
    out = root / "out"
    if kind.startswith("amg"):
        out.mkdir()
        if kind == "amg":
            (out / "a2.json").write_text("[]")
        else:
            save_amg_folder(out / "a2", random_masks())
    else:
        run(root, Fake())
        if kind == "damaged record":
            (out / RECORD).write_text("{")
    before = saved(root)
    with pytest.raises((SaveError, InputError), match=told):
        run(root, Fake(), made_with=MADE_WITH | {"points_per_side": 8})
    assert saved(root) == before


def test_an_empty_folder_takes_another_making(root: Path) -> None:
    run(root, Fake())
    for path in (root / "out").glob("[a-z]*.json"):
        path.unlink()
    other = MADE_WITH | {"points_per_side": 8}
    run(root, Fake(), made_with=other)
    assert json.loads((root / "out" / RECORD).read_text()) == other


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StoppedError("stopped")])
def test_a_stop_leaves_whole_files_and_the_same_call_goes_on(root: Path, error: Exception) -> None:
    with pytest.raises(type(error)):
        run(root, Fake(None, error))
    assert saved(root) == [RECORD, "a2.json"]
    assert [outcome for _, outcome, _ in run(root, Fake())] == [
        Outcome.PRESENT,
        Outcome.SAVED,
        Outcome.SAVED,
    ]


class Mortal(Fake):
    """Dies of the first image that is asked of each process."""

    def make(self, image: NDArray[Any], *_: Any, **__: Any) -> MaskSet:
        import os  # noqa: PLC0415  here in the other process

        if image.max() == 255:
            os._exit(1)
        return MaskSet.from_dense(random_masks())


def test_a_process_that_dies_costs_one_image(root: Path) -> None:
    save_image(root / "images" / "a10.png", np.full((30, 40), 255, np.uint8))
    (root / "images" / "a10.jpg").unlink()
    with Remote(Mortal) as remote:
        steps = run(root, RemoteMasks(remote))
    assert [outcome for _, outcome, _ in steps] == [Outcome.SAVED, Outcome.FAILED, Outcome.SAVED]
    assert steps[1][2] == (
        "The process that makes masks ended with exit code 1. "
        f"The image: {root / 'images' / 'a10.png'}."
    )


class Unmade(Fake):
    """Cannot be made: what a file that holds no weights comes to."""

    def __init__(self) -> None:
        raise InputError("weights.pth", found="a picture", expected="weights")


def test_what_no_image_can_be_made_with_is_told_once(root: Path) -> None:
    run(root, Fake(), sample_ids=["a2"])
    with Remote(Unmade) as remote:
        with pytest.raises(OpeningError, match=r"^weights\.pth: found a picture; expected weights"):
            run(root, RemoteMasks(remote))
        assert run(root, RemoteMasks(remote), sample_ids=["a2"])[0][1] is Outcome.PRESENT
    assert saved(root) == [RECORD, "a2.json"]


OTHER = MADE_WITH | {"points_per_side": 8}


def test_masks_of_several_makings_are_together_only_on_request(root: Path) -> None:
    assert made_otherwise(root / "out", MADE_WITH) == ""
    run(root, Fake(), sample_ids=["a2"])
    assert made_otherwise(root / "out", MADE_WITH) == ""
    told = made_otherwise(root / "out", OTHER)
    assert told == "with points_per_side 4 (now 8)"
    run(root, Fake(), sample_ids=["a10"], made_with=OTHER, mixed=True)
    for known in (MADE_WITH, OTHER):
        assert made_otherwise(root / "out", known) == ""
        with pytest.raises(SaveError, match=r"contains other masks: .*, made in several ways"):
            run(root, Fake(), sample_ids=["b"], made_with=known)
    run(root, Fake(), sample_ids=["b"], made_with=OTHER, mixed=True)
    record = json.loads((root / "out" / RECORD).read_text())
    assert record == {"mixed": [MADE_WITH, OTHER]}
    assert saved(root) == [RECORD, "a10.json", "a2.json", "b.json"]


def test_masks_of_another_program_are_mixed_only_on_request(root: Path) -> None:
    (root / "out").mkdir()
    (root / "out" / "notes.txt").touch()
    with pytest.raises(SaveError, match=r"^holds files that are no masks"):
        run(root, Fake(), mixed=True)
    (root / "out" / "b.json").write_text("[]")
    assert made_otherwise(root / "out", MADE_WITH) == "by another program"
    run(root, Fake(), mixed=True)
    assert (root / "out" / "b.json").read_text() == "[]"
    assert made_otherwise(root / "out", MADE_WITH) == ""


def test_what_is_done_is_made_anew_only_on_request(root: Path) -> None:
    run(root, Fake())
    before = (root / "out" / "b.json").read_bytes()
    (root / "out" / "b.json").write_text("[]")
    failing = Fake(ProposalError("The process crashed."))
    assert run(root, failing, sample_ids=["b"], overwrite=True)[0][1] is Outcome.FAILED
    assert (root / "out" / "b.json").read_text() == "[]"
    assert run(root, Fake(), sample_ids=["b"], overwrite=True) == [("b", Outcome.SAVED, "")]
    assert (root / "out" / "b.json").read_bytes() == before


def test_what_decides_on_masks_is_written_down_and_nothing_else() -> None:
    weights = Checkpoint(MODELS["vit_b"], Path("vit_b.pth"), "0" * 64)
    settings = SamSettings(points_per_side=16)
    told = made_by_sam(weights, settings, 0.1)
    assert (told["model"], told["weights"], told["points_per_side"]) == ("vit_b", "0" * 64, 16)
    assert told["points"] == "near pseudo-labels, margin 0.1"
    assert made_by_sam(weights, settings, None)["points"] == "full grid"
    other_batches = settings.model_copy(update={"points_per_batch": 8})
    assert made_by_sam(weights, other_batches, 0.1) == told
    assert made_by_regions(RegionSettings(scales=(10,), smallest=5)) == {
        "model": "regions", "scales": [10.0], "smallest": 5
    }  # fmt: skip
