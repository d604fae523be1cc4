"""Folders of mask PNGs made into JSON files that hold the same masks."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

from napari_sepl import MaskSet
from napari_sepl.core.errors import InputError
from napari_sepl.files.masks import encode_masks, read_masks
from napari_sepl.workflow import convert as workflow
from napari_sepl.workflow.convert import convert_masks
from napari_sepl.workflow.parallel.processes import Processes
from napari_sepl.workflow.results import Outcome
from tests.files.dataset.opening import open_masks
from tests.files.making import random_masks, refused, save_amg_folder
from tests.messages import says


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make masks of three images: two folders, of which one has no table, and an array."""
    masks = tmp_path / "masks"
    masks.mkdir()
    for stem in ("a2", "a10"):
        save_amg_folder(masks / stem, random_masks())
    (masks / "a10" / "metadata.csv").unlink()
    np.save(masks / "b.npy", random_masks())
    return masks


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_masks_are_in_fewer_bytes(folder: Path, tmp_path: Path, workers: int) -> None:
    before, out = contents(folder), tmp_path / "new" / "json"
    paths = [folder / name for name in ("a2", "a10", "b.npy")]
    steps = list(convert_masks(open_masks(folder), out, executor=Processes(workers)))
    assert [(step.sample_id, step.outcome) for step in steps] == [
        ("a2", Outcome.SAVED), ("a10", Outcome.SAVED), ("b", Outcome.SAVED),
    ]  # fmt: skip
    assert contents(folder) == before
    for path, step in zip(paths, steps, strict=True):
        made, original = read_masks(out / f"{step.sample_id}.json"), read_masks(path)
        assert made.digest == original.digest
        for name, scores in vars(original.scores).items():
            np.testing.assert_array_equal(getattr(made.scores, name), scores)
        own = [content for name, content in before.items() if name.startswith(path.name)]
        blocks = sum(math.ceil(len(content) / 4096) for content in own)
        assert step.value is not None
        assert (step.value.files_before, step.value.bytes_before) == (len(own), 4096 * blocks)
        written = (out / f"{step.sample_id}.json").stat().st_size
        assert written <= step.value.bytes_after < written + 4096


def test_a_second_run_makes_only_what_is_missing(folder: Path, tmp_path: Path) -> None:
    out, index = tmp_path / "json", open_masks(folder)
    first = list(convert_masks(index, out))
    (out / "a10.json").unlink()
    second = list(convert_masks(index, out))
    assert [step.outcome for step in second] == [Outcome.PRESENT, Outcome.SAVED, Outcome.PRESENT]
    assert [step.value for step in second] == [step.value for step in first]


def test_originals_that_changed_are_not_told_to_be_converted(folder: Path, tmp_path: Path) -> None:
    out, index = tmp_path / "json", open_masks(folder)
    list(convert_masks(index, out))
    for path in (out / "a2.json", out / "a10.json"):
        os.utime(path, ns=(0, 0))  # older than its originals, of which one is the same
    (folder / "a10" / "0.png").write_bytes((folder / "a10" / "1.png").read_bytes())
    made = contents(out)
    steps = list(convert_masks(index, out))
    assert [step.outcome for step in steps] == [Outcome.PRESENT, Outcome.FAILED, Outcome.PRESENT]
    assert steps[1].message.startswith(
        f"masks differ from their originals: {out / 'a10.json'}, from {folder / 'a10'}"
    )
    assert steps[1].value is None
    assert contents(out) == made


def test_failures_are_told_and_leave_no_file(folder: Path, tmp_path: Path) -> None:
    (folder / "a2" / "0.png").write_bytes(b"no image")
    (folder / "c").mkdir()
    out = tmp_path / "json"
    steps = list(convert_masks(open_masks(folder), out))
    assert [step.outcome for step in steps] == [
        Outcome.FAILED, Outcome.SAVED, Outcome.SAVED, Outcome.FAILED,
    ]  # fmt: skip
    assert says(steps[0].message, folder / "a2" / "0.png", "found")
    assert says(steps[3].message, folder / "c", "found no mask")
    assert sorted(path.name for path in out.glob("[!.]*")) == ["a10.json", "b.json"]


def test_a_file_that_would_hold_other_masks_is_not_saved(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = encode_masks(MaskSet.from_dense(~random_masks()))
    monkeypatch.setattr(workflow, "encode_masks", lambda _masks: others)
    steps = list(convert_masks(open_masks(folder), tmp_path / "json"))
    assert {step.outcome for step in steps} == {Outcome.FAILED}
    assert f"/json/a2.json; expected those of {folder / 'a2'}" in steps[0].message
    assert list((tmp_path / "json").glob("[!.]*")) == []


def test_unfit_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found the masks of one image"):
        open_masks(folder / "a2")
    (tmp_path / "json").mkdir()
    with pytest.raises(InputError, match=r"^found no masks: "):
        open_masks(tmp_path / "json")
    (tmp_path / "json" / "a.json").write_text("[]")
    with pytest.raises(InputError, match="found only masks in JSON"):
        next(convert_masks(open_masks(tmp_path / "json"), tmp_path / "new"))
    with pytest.raises(InputError, match="found one of the input folders"):
        next(convert_masks(open_masks(folder), folder))


def test_no_json_among_the_originals(folder: Path) -> None:
    before = contents(folder)
    for out in (folder / "json", folder / "a2" / "json"):
        with refused(out, "a place in an input folder", f"a place outside {folder} to"):
            list(convert_masks(open_masks(folder), out))
    assert contents(folder) == before
