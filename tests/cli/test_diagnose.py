"""The command `diagnose`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from napari_sepl import Params
from napari_sepl.cli.app import make_app
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec, write_dataset
from napari_sepl.workflow.diagnose import DiagnosisRun
from tests.messages import says


def run(*words: object) -> tuple[int, list[str]]:
    outcome = CliRunner().invoke(make_app(), ["diagnose", *map(str, words)])
    return outcome.exit_code, outcome.stdout.splitlines()


def test_it_lists_the_worst_first_and_saves_all(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.toml", spec)
    save = tmp_path / "new" / "d.csv"
    code, lines = run(tmp_path / "dataset.toml", "--t1", 0.3, "--strategy", "tree", "--table", save)
    expected = DiagnosisRun(SampleIndex.open(spec), Params(t1=0.3, strategy=Strategy.TREE))
    list(expected)
    assert (code, lines[0]) == (0, "4 samples: 4 counted")
    for line, (sample_id, diagnosis) in zip(lines[2:], expected.worst_first(), strict=False):
        assert line.lstrip().startswith(f"{100 * diagnosis.suspicion:.0f} % {sample_id}  ")
        assert diagnosis.main is not None
        assert diagnosis.main.describe(expected.index.classes) in line
    assert lines[-1] == f"saved {save}"
    assert lines[1].startswith("suspicion, sample")
    assert len(lines) == 7
    assert save.read_text().startswith("rank,id,suspicion,")


def test_folders_stand_for_a_dataset_and_few_are_listed(spec: DatasetSpec) -> None:
    folders = [f"--{role}={getattr(spec, role)}" for role in ("images", "pseudo", "masks")]
    code, lines = run(*folders, "--worst", 2)
    assert (code, len(lines)) == (0, 4)


def test_json_calls_causes_as_the_window_does(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.toml", spec)
    images = json.loads("\n".join(run(tmp_path / "dataset.toml", "--json")[1]))["images"]
    causes = {one["cause"] for image in images for one in image["findings"]}
    assert causes
    assert causes <= {cause.label for cause in Cause}


def test_failures_are_told_and_the_others_listed(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.toml", spec)
    ids = SampleIndex.open(spec).ids
    assert spec.masks is not None
    (spec.masks / f"{ids[0]}.json").write_text("[")
    code, lines = run(tmp_path / "dataset.toml")
    assert (code, lines[0]) == (1, "4 samples: 3 counted, 1 failed")
    assert not any(ids[0] in line.split() for line in lines)


def test_a_table_that_is_no_csv_is_refused(spec: DatasetSpec, tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.toml", spec)
    code, _ = run(tmp_path / "dataset.toml", "--table", tmp_path / "d.txt")
    assert code == 2


def test_samples_without_pseudo_labels_are_counted(spec: DatasetSpec) -> None:
    assert spec.pseudo is not None
    (spec.pseudo / "c.png").unlink()
    folders = [f"--{role}={getattr(spec, role)}" for role in ("images", "pseudo", "masks")]
    found = CliRunner().invoke(make_app(), ["diagnose", *folders, "--json"])
    assert says(found.stderr, "1 sample: no pseudo-labels, so not used: c")
    assert json.loads(found.stdout)["left_out"] == {"no pseudo-labels": ["c"]}
