"""Soft scores from the folder to the label file, and through the record of a review."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_sepl import MaskSet, Params
from napari_sepl.core.algorithm.paint import enhance
from napari_sepl.core.errors import SeplError
from napari_sepl.core.labels.classes import VOC
from napari_sepl.core.labels.scores import cut_scores
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec, read_dataset, write_dataset
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.labels import read_labels
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import load, load_enhanceable
from napari_sepl.files.store import Status
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.export.sources import FolderSource
from napari_sepl.workflow.export.unchanged import export_unchanged
from napari_sepl.workflow.masks import propose_folder
from napari_sepl.workflow.measure.evaluate import EvaluationRun
from napari_sepl.workflow.results import Outcome
from napari_sepl.workflow.review.reviewing import Reviewing
from napari_sepl.workflow.review.sample_facts import scan_sample, stamp_of
from napari_sepl.workflow.review.selection import Selection
from tests.files.cam_files import SHAPE, cams, save_cam_dict, save_class_pngs
from tests.files.making import random_labels, random_masks, refused, save_image

STEMS = ("a2", "2007_000032")
MASKS = MaskSet.from_dense(random_masks(6, SHAPE))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two samples with scores of classes 4 and 15 as PSA writes them."""
    for role in ("images", "pseudo", "masks"):
        (tmp_path / role).mkdir()
    for number, stem in enumerate(STEMS):
        save_image(tmp_path / "images" / f"{stem}.png", random_labels(SHAPE))
        save_cam_dict(tmp_path / "pseudo" / f"{stem}.npy", cams(seed=number), [3, 14])
        write_masks(tmp_path / "masks" / f"{stem}.json", MASKS)
    return tmp_path


def unexpected(error: SeplError) -> None:
    raise AssertionError(str(error))


def spec_of(root: Path, **others: str) -> DatasetSpec:
    places = {role: root / role for role in ("images", "pseudo", "masks", "out")}
    return DatasetSpec(**places, **others)


def run(root: Path, params: Params, name: str = "auto") -> list[tuple[Outcome, str]]:
    index = SampleIndex.open(spec_of(root, pseudo_format=name))
    return [(step.outcome, step.message) for step in enhance_folder(index, params)]


@pytest.mark.parametrize("background", [None, 0.1, 3.0])
def test_a_folder_of_scores_is_enhanced_as_the_labels_made_of_them(
    root: Path, background: float | None
) -> None:
    params = Params(background=background)
    assert run(root, params) == [(Outcome.SAVED, "")] * 2
    for stem in STEMS:
        sample = SampleIndex.open(spec_of(root)).sample(stem)
        scores = load(sample, VOC).scores
        assert scores is not None
        pseudo = cut_scores(scores, background)
        saved = root / "out" / f"{stem}.png"
        assert np.array_equal(read_labels(saved), enhance(pseudo, MASKS, params))
        provenance = read_provenance(saved)
        assert provenance is not None
        assert provenance.params == params
        assert provenance.digests["pseudo"] == scores.digest
        assert provenance.scores.startswith("taken for psa: ")


def test_labels_of_another_rule_are_not_passed_off_as_done(root: Path) -> None:
    assert run(root, Params(), "psa") == [(Outcome.SAVED, "")] * 2
    assert run(root, Params(), "psa") == [(Outcome.PRESENT, "")] * 2
    for params, name in ((Params(background=0.3), "psa"), (Params(), "seam"), (Params(), "auto")):
        for outcome, message in run(root, params, name):
            assert outcome is Outcome.OTHER
            was = "background by default; now 0.3" if name == "psa" else "psa: CAM dictionary"
            assert was in message


def test_a_dataset_names_the_format_of_its_scores(root: Path) -> None:
    spec = spec_of(root, pseudo_format="seam")
    write_dataset(root / "set.toml", spec)
    assert read_dataset(root / "set.toml") == spec
    assert 'pseudo_format = "seam"' in (root / "set.toml").read_text()
    inputs = load(SampleIndex.open(spec).sample("a2"), VOC)
    assert inputs.scores is not None
    assert inputs.scores.default == 0.26
    (root / "bad.toml").write_text((root / "set.toml").read_text().replace("seam", "sean"))
    with refused(root / "bad.toml", "sean"):
        read_dataset(root / "bad.toml")


def test_files_for_each_class_are_one_sample(root: Path) -> None:
    for place in (root / "pseudo").iterdir():
        place.unlink()
    for stem in STEMS:
        save_class_pngs(root / "pseudo", stem, cams(), [3, 14])
    for name in ("auto", "l2g"):
        index = SampleIndex.open(spec_of(root, pseudo_format=name))
        assert sorted(index.ids) == sorted(STEMS)
        assert index.problems == ()
        sample = index.sample("2007_000032")
        assert sample.pseudo.name == "2007_000032_3.png"
        assert scan_sample(sample, VOC).class_ids == (4, 15)
        stamp = stamp_of(sample)
        save_image(root / "pseudo" / "2007_000032_14.png", random_labels((3, 4)))
        assert stamp_of(sample) != stamp
        save_class_pngs(root / "pseudo", "2007_000032", cams(), [3, 14])
    assert run(root, Params(), "l2g") == [(Outcome.SAVED, "")] * 2


def test_scores_outside_the_class_list_and_of_other_sizes_are_told(root: Path) -> None:
    path = save_cam_dict(root / "pseudo" / "a2.npy", cams(), [3, 20])
    sample = SampleIndex.open(spec_of(root)).sample("a2")
    with refused(path, "label 21"):
        load_enhanceable(sample, VOC)
    save_cam_dict(path, cams(shape=(30, 21)), [3, 14])
    with refused(path, "30 × 21", "21 × 30"):
        load_enhanceable(sample, VOC)


def test_a_review_keeps_the_background_and_is_exported(root: Path) -> None:
    dataset = SampleIndex.open(spec_of(root))
    reviewing = Reviewing.open(dataset, unexpected)
    document = reviewing.read(0)
    document.decide([-4], 4)
    document.set_params(Params(background=0.7))
    reviewing.put_statuses([0], Status.ACCEPTED)
    reviewing.accept_unseen(0)
    reviewing.record(0, document, [])
    reviewing.put_statuses([0], Status.ACCEPTED)
    reviewing.close()
    again = Reviewing.open(dataset, unexpected)
    reopened = again.read(0)
    assert reopened.params.background == 0.7
    assert np.array_equal(reopened.inputs.pseudo, document.inputs.pseudo)
    assert np.array_equal(reopened.resolved.labels, document.resolved.labels)
    outcomes = [
        s.outcome
        for s in export_unchanged(Selection(dataset, again.on_disk.written()), root / "again")
    ]
    again.close()
    assert outcomes == [Outcome.SAVED]
    exported = read_labels(root / "again" / f"{dataset.ids[0]}.png")
    assert np.array_equal(exported, document.resolved.labels)


def test_other_scores_are_noticed(root: Path) -> None:
    dataset = SampleIndex.open(spec_of(root))
    before = load_enhanceable(dataset.sample("a2"), VOC).digests["pseudo"]
    other = replace(dataset.sample("a2"), pseudo_format="seam")  # which has another default
    assert load_enhanceable(other, VOC).digests["pseudo"] != before
    save_cam_dict(root / "pseudo" / "a2.npy", cams(seed=9), [3, 14])
    assert load_enhanceable(dataset.sample("a2"), VOC).digests["pseudo"] != before


def test_masks_are_made_near_what_the_scores_say(root: Path) -> None:
    seen: list[NDArray[np.uint8]] = []

    class Maker:
        def make(
            self, _image: object, pseudo: NDArray[np.uint8] | None = None, _told: object = None
        ) -> MaskSet:
            assert pseudo is not None
            seen.append(pseudo)
            return MASKS

    index = SampleIndex.open(spec_of(root, pseudo_format="psa"), optional=())
    steps = list(propose_folder(index, root / "made", Maker(), {"model": "x"}, guided=True))
    assert [step.outcome for step in steps] == [Outcome.SAVED] * 2
    scores = load(SampleIndex.open(spec_of(root)).sample(index.ids[0]), VOC).scores
    assert scores is not None
    assert np.array_equal(seen[0], cut_scores(scores))


def test_scores_are_a_baseline_like_the_labels_made_of_them(root: Path) -> None:
    for name in ("hard", "truth"):
        (root / name).mkdir()
    for stem in STEMS:
        scores = load(SampleIndex.open(spec_of(root)).sample(stem), VOC).scores
        assert scores is not None
        save_image(root / "hard" / f"{stem}.png", cut_scores(scores, 0.4))
        save_image(root / "truth" / f"{stem}.png", cut_scores(scores, 0.3))
    changes = []
    for baseline in ("hard", "pseudo"):
        spec = DatasetSpec(out=root / "truth", ground_truth=root / "truth", pseudo=root / baseline)
        run = EvaluationRun(
            SampleIndex.open(spec, (Role.LABELS, Role.TRUTH), (Role.PSEUDO,), lead=Role.LABELS),
            background=0.4,
        )
        assert [step.message for step in run] == ["", ""]
        changes.append([image.baseline for image in run.evaluation.images])
    assert changes[0] == changes[1]
    assert all(figures is not None and figures.iou < 1 for figures in changes[0])


def test_scores_stand_beside_labels_that_are_exported(root: Path) -> None:
    run(root, Params(), "psa")
    spec = DatasetSpec(out=root / "out", pseudo=root / "pseudo", pseudo_format="psa")
    index = SampleIndex.open(spec, (Role.LABELS,), (Role.PSEUDO,), lead=Role.LABELS)
    source = FolderSource(index)
    scores = load(SampleIndex.open(spec_of(root)).sample("a2"), VOC).scores
    assert scores is not None
    pseudo = source.read("a2", with_pseudo=True).pseudo
    assert pseudo is not None
    assert np.array_equal(pseudo, cut_scores(scores))
