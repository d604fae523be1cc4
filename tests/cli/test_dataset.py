"""How commands are told of a dataset, shown with `enhance` and others that read it."""

import json
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from napari_sepl.cli._console import Failures
from napari_sepl.core.errors import InputError
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
    write_dataset,
)
from napari_sepl.files.label_png import read_provenance
from tests.messages import assert_says, says
from tests.program import Run
from tests.workflow.checkpointing import write_labelled_samples
from tests.workflow.sweeping import IDS


@pytest.fixture
def toml(spec: DatasetSpec, tmp_path: Path) -> Path:
    write_dataset(tmp_path / "samples" / "pets.toml", spec)
    return tmp_path / "samples" / "pets.toml"


def ids_in(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.png"))


def test_a_file_and_the_folder_that_holds_it_name_the_same(
    run: Run, toml: Path, spec: DatasetSpec
) -> None:
    assert run("enhance", toml)[:2] == (0, "4 samples: 4 saved\n")
    assert run("enhance", toml.parent)[:2] == (0, "4 samples: 4 skipped (already done)\n")
    assert ids_in(spec.output) == sorted(IDS)


def test_options_replace_keys_for_this_run_from_the_working_directory(
    run: Run, toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("some.txt").write_text("b\n")
    before = toml.read_bytes()
    code, out, _ = run("enhance", "samples/pets.toml", "--list", "some.txt", "--out", "elsewhere")
    assert (code, out) == (0, "1 sample: 1 saved\n")
    assert ids_in(tmp_path / "elsewhere") == ["b"]
    assert toml.read_bytes() == before
    code, _, err = run("enhance", "samples/pets.toml", "--masks", "gone")
    assert code == 2
    assert_says(err, "--masks: no such file or folder: gone")


@pytest.mark.parametrize("words", [
    ("enhance", ""), ("enhance", "set", "--out", ""), ("enhance", "set", "--masks="),
    ("export", "set", "--to", ""), ("export", "set", "--to", "x", "--format", "png", "--class", ""),
    ("init", "set", "--to", "s.toml", "--classes", ""), ("info", ""), ("demo", "--screenshot", ""),
])  # fmt: skip
def test_an_empty_value_is_wrong_usage(
    run: Run, toml: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(toml.parent.parent)
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert_says(err, "found nothing; expected a value")


def test_masks_that_no_key_names_go_with_the_output_folder(
    run: Run, toml: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    write_dataset(toml, spec.model_copy(update={"masks": spec.output / "masks"}))
    lines = [line for line in toml.read_text().splitlines() if not line.startswith("masks")]
    toml.write_text("\n".join(lines))
    assert run("masks", toml, "--model", "regions")[:2] == (0, "4 samples: 4 saved\n")
    assert (spec.output / "masks" / "b.json").exists()
    assert run("masks", toml, "--model", "regions", "--out", tmp_path / "new")[0] == 0
    assert (tmp_path / "new" / "masks" / "b.json").exists()
    assert run("enhance", toml, "--out", tmp_path / "new")[:2] == (0, "4 samples: 4 saved\n")


def test_masks_of_another_program_are_not_written_among(
    run: Run, toml: Path, spec: DatasetSpec
) -> None:
    assert spec.masks is not None
    before = {path: path.read_bytes() for path in spec.masks.iterdir()}
    code, _, err = run("masks", toml, "--model", "regions")
    assert code == 1
    assert_says(err, f"{spec.masks}")
    assert {path: path.read_bytes() for path in spec.masks.iterdir()} == before


def test_a_layout_is_seen_in_a_folder(run: Run, spec: DatasetSpec, tmp_path: Path) -> None:
    root = tmp_path / "samples"
    (root / "images").rename(root / "JPEGImages")
    (root / "ground_truth").rename(root / "SegmentationClass")
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("b\nc\n")
    out = ("--out", tmp_path / "out")
    assert run("enhance", root, *out)[:2] == (0, "4 samples: 4 saved\n")
    again = run("enhance", root, "--split", "train", *out)
    assert again[:2] == (0, "2 samples: 2 skipped (already done)\n")
    assert run("enhance", "--layout", "voc", "--root", root, *out)[0] == 0
    code, out_text, _ = run("evaluate", root, "--split", "train", *out)
    assert (code, out_text.splitlines()[0]) == (0, "2 samples: 2 counted")
    code, _, err = run("enhance", root)
    assert code == 2
    assert_says(err, "--out is missing")
    code, _, err = run("enhance", root, "--layout", "imagenet", *out)
    assert code == 2
    assert_says(err, "--layout: found 'imagenet'; expected voc or coco")


def test_a_folder_that_is_no_dataset_is_wrong_usage(run: Run, toml: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = run("enhance", tmp_path / "empty")
    assert code == 2
    assert_says(err, "no dataset's TOML file and no known layout")
    shutil.copy(toml, toml.with_name("others.toml"))
    code, _, err = run("enhance", toml.parent)
    assert code == 2
    assert_says(err, "contains several datasets: ", "name one of others.toml, pets.toml")
    code, _, err = run("enhance", toml, "--root", tmp_path)
    assert code == 2
    assert_says(err, "leave one of them out")


def test_a_command_offers_no_option_that_it_has_no_use_for(run: Run, toml: Path) -> None:
    for name, option in (("enhance", "--ground-truth"), ("sweep", "--out"), ("masks", "--classes")):
        code, _, err = run(name, toml, option, "x")
        assert code == 2
        assert_says(err, f"this command does not take {option}")


def test_alike_failures_are_one_line(run: Run, toml: Path, spec: DatasetSpec) -> None:
    assert spec.masks is not None
    for sample_id in ("a2", "a10", "b"):
        (spec.masks / f"{sample_id}.json").unlink()
    (spec.masks / "c.json").write_text("[")
    code, out, err = run("enhance", toml)
    assert (code, out) == (1, "4 samples: 4 failed\n")
    lines = [line for line in err.splitlines() if ":" in line and "━" not in line]
    assert lines[0] == "3 samples: no masks: a2, a10, b"
    assert says(lines[1], spec.masks / "c.json", "found damaged")
    assert len(lines) == 2


def failed(*messages: tuple[str, InputError]) -> list[str]:
    """Return the lines that a run prints on these samples and errors."""
    return Failures([(sample_id, str(error)) for sample_id, error in messages]).lines()


def test_errors_that_differ_in_the_sample_alone_are_one_line() -> None:
    def on(source: object) -> InputError:
        return InputError(source, found="no such file", expected="an image")

    names = ("a2", "train/b")
    folder = PurePosixPath("data")
    for place in (folder / "*.png", folder / "*" / "0.png", f"{folder}/x.sqlite, sample *"):
        errors = [on(str(place).replace("*", name)) for name in names]
        told = f"2 samples: {str(on(str(place)))[:-1]}: a2, train/b"
        assert failed(*zip(names, errors, strict=True)) == [told]
    backslashes = [on(PureWindowsPath("data") / f"{name}.png") for name in names]
    (line,) = failed(*zip(names, backslashes, strict=True))
    assert says(line, "2 samples: ", r"data\*.png", ": a2, train/b")
    for source in ("sample {}", "{}"):
        short = [(name, on(source.format(name))) for name in ("a2", "b")]
        assert failed(*short) == ["2 samples: found no such file; expected an image: a2, b"]
    (one,) = failed(("a2", on("data/a2.png")))
    assert one == str(on("data/a2.png"))


def test_quiet_prints_errors_only(run: Run, toml: Path, spec: DatasetSpec) -> None:
    for words in (("enhance", toml), ("evaluate", toml), ("diagnose", toml), ("sweep", toml)):
        assert run(*words, "--quiet") == (0, "", "")
    (spec.output / "b.png").write_text("no image")
    code, out, err = run("evaluate", toml, "--quiet")
    assert (code, out) == (1, "")
    assert says(err, spec.output / "b.png", "found")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("evaluate", {"counted", "failed", "mean", "baseline_mean", "classes", "images"}),
        ("sweep", {"counted", "failed", "against", "default", "best", "classes", "t1", "t2",
                   "mean_iou", "change"}),
        ("diagnose", {"counted", "failed", "images"}),
    ],
)  # fmt: skip
def test_json_alone_is_on_standard_output(
    run: Run, tmp_path: Path, command: str, keys: set[str]
) -> None:
    spec = write_labelled_samples(tmp_path / "labelled")
    write_dataset(tmp_path / "set.toml", spec)
    code, out, _ = run(command, tmp_path / "set.toml", "--json")
    assert code == 0
    found = json.loads(out)
    assert keys <= found.keys()
    assert (found["counted"], found["failed"]) == (4, [])
    assert json.loads(run(command, tmp_path / "set.toml", "--json", "--quiet")[1]) == found
    (spec.pseudo or tmp_path).joinpath("b.png").write_text("no image")
    code, out, _ = run(command, tmp_path / "set.toml", "--json")
    assert code == 1
    assert [one["sample_id"] for one in json.loads(out)["failed"]] == ["b"]


def test_info_as_json(run: Run, toml: Path, spec: DatasetSpec) -> None:
    run("enhance", toml, "--t1", 0.25)
    code, out, _ = run("info", spec.output / "b.png", "--json")
    assert code == 0
    found = json.loads(out)
    provenance = read_provenance(spec.output / "b.png")
    assert provenance is not None
    assert found["sample_id"] == "b"
    assert found["params"]["t1"] == 0.25
    assert found["edited"] is False
    assert found["sources"] == provenance.sources
    assert found["digests"] == dict(provenance.digests)


def test_what_a_file_lacks_is_told_with_the_remedy(run: Run, tmp_path: Path) -> None:
    toml = tmp_path / "empty.toml"
    toml.write_text("")
    code, _, err = run("evaluate", toml)
    assert code == 2
    line = f'the line ground_truth = "ground_truth" to {toml}'
    assert_says(err, f"--ground-truth is missing: add --ground-truth FOLDER, or {line}")
    toml.write_text('images = "i"\npseudo = "p"\nmasks = "m"\n')
    code, _, err = run("enhance", toml)
    assert code == 2
    assert_says(err, f'--out is missing: add --out FOLDER, or the line out = "labels" to {toml}')


def test_foreign_files_in_the_way_are_one_line(run: Run, toml: Path, spec: DatasetSpec) -> None:
    spec.output.mkdir()
    for sample_id in IDS:
        shutil.copy(spec.output.parent / "pseudo" / f"{sample_id}.png", spec.output)
    code, _, err = run("enhance", toml, "--quiet")
    assert code == 1
    assert err.count("\n") == 1
    assert_says(err, "4 samples: exists and was not written by napari-sepl", "/*.png; move it")


@pytest.mark.parametrize("command", ["masks", "enhance", "evaluate", "export", "report"])
def test_the_help_says_what_the_output_folder_holds(run: Run, command: str) -> None:
    _, out, _ = run(command, "--help")
    assert_says(out, "label PNG per sample, the record of the review")


@pytest.mark.parametrize("command", ["enhance", "sweep", "diagnose", "evaluate", "report"])
def test_that_background_has_no_effect_on_label_maps_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = write_labelled_samples(tmp_path / "samples")
    write_dataset(tmp_path / "s.toml", spec)
    words = (command, "s.toml", *(["--out", "new"] if command == "enhance" else []))
    code, _, err = run(*words, "--background", 0.3)
    assert code == 0
    assert_says(err, "--background has no effect on label maps", "pseudo/a2.png is a label map")
    assert "--background" not in run(*words, *(["--overwrite"] if command == "report" else []))[2]
