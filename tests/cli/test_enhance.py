import subprocess
import sys
from pathlib import Path

import pytest

from napari_sepl import MaskSet, Params, __version__
from napari_sepl.files.label_png import read_provenance
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import Sample
from napari_sepl.workflow import enhance as workflow
from tests.files.cam_files import cams, save_cam_dict
from tests.files.making import SHAPE, random_labels, random_masks, save_image
from tests.messages import assert_says, plain, says
from tests.program import Run


@pytest.fixture
def folders(tmp_path: Path) -> list[object]:
    """Two samples on disk; the options that name them."""
    for stem in ("a", "b"):
        for role in ("images", "pseudo", "masks"):
            (tmp_path / role).mkdir(exist_ok=True)
        save_image(tmp_path / "images" / f"{stem}.png", random_labels())
        save_image(tmp_path / "pseudo" / f"{stem}.png", random_labels(top=3))
        write_masks(tmp_path / "masks" / f"{stem}.json", MaskSet.from_dense(random_masks()))
    roles = ("images", "pseudo", "masks", "out")
    return [word for role in roles for word in (f"--{role}", tmp_path / role)]


def test_enhance_saves_and_counts(run: Run, folders: list[object], tmp_path: Path) -> None:
    code, out, _ = run("enhance", *folders)
    assert (code, out) == (0, "2 samples: 2 saved\n")
    for stem in ("a", "b"):
        provenance = read_provenance(tmp_path / "out" / f"{stem}.png")
        assert provenance is not None
        assert provenance.params == Params()
    code, out, _ = run("enhance", *folders)
    assert (code, out) == (0, "2 samples: 2 skipped (already done)\n")


@pytest.mark.parametrize("role", ["images", "pseudo", "masks"])
def test_labels_are_not_saved_among_inputs(run: Run, folders: list[object], role: str) -> None:
    place = folders[folders.index(f"--{role}") + 1]
    assert isinstance(place, Path)
    before = sorted(place.iterdir())
    code, _, err = run("enhance", *folders[:-1], place)
    assert code == 1
    assert says(err, place, "found one of the input folders")
    assert sorted(place.iterdir()) == before


def test_every_option_counts(run: Run, folders: list[object], tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("b 1\n")
    (tmp_path / "my.toml").write_text('classes = [{name = "b"}, {name = "c"}, {name = "d"}]')
    options = (
        "--t1", 0.25, "--t2", 1, "--strategy", "released", "--conflict", "smallest",
        "--background", 0.3,
    )  # fmt: skip
    code, out, _ = run(
        "enhance", *folders, *options,
        "--list", tmp_path / "list.txt", "--classes", tmp_path / "my.toml",
    )  # fmt: skip
    assert (code, out) == (0, "1 sample: 1 saved\n")
    provenance = read_provenance(tmp_path / "out" / "b.png")
    assert provenance is not None
    assert provenance.params.model_dump(mode="json") == {
        "t1": 0.25, "t2": 1.0, "strategy": "released", "conflict": "smallest",
        "background": None,  # which hard labels have no use for
    }  # fmt: skip
    assert provenance.classes == "my.toml"


def test_failures_are_told_one_a_line_and_the_rest_is_done(
    run: Run, folders: list[object], tmp_path: Path
) -> None:
    (tmp_path / "masks" / "a.json").write_text("[")
    save_image(tmp_path / "pseudo" / "c.png", random_labels())
    save_image(tmp_path / "images" / "d.png", random_labels())
    code, out, err = run("enhance", *folders)
    assert (code, out) == (1, "3 samples: 1 saved, 2 failed\n")
    lines = err.splitlines()
    assert "c: no image and no masks" in lines
    assert says(err, tmp_path / "masks" / "a.json", "found damaged")
    assert "1 sample: no pseudo-labels, so not used: d" in lines
    assert (tmp_path / "out" / "b.png").exists()


def test_two_processes_do_as_one(run: Run, folders: list[object], tmp_path: Path) -> None:
    assert run("enhance", *folders)[:2] == (0, "2 samples: 2 saved\n")
    saved = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    again = tmp_path / "again"
    code, out, _ = run("enhance", *folders, "--out", again, "--workers", 2)
    assert (code, out) == (0, "2 samples: 2 saved\n")
    assert {path.name: path.read_bytes() for path in again.iterdir()} == saved


@pytest.mark.parametrize("address", ["foo", "tcp://", "tcp://host", "host:port"])
def test_a_scheduler_has_an_address(run: Run, folders: list[object], address: str) -> None:
    code, _, err = run("enhance", *folders, "--scheduler", address)
    assert code == 2
    assert_says(err, f"--scheduler: found '{address}'; expected an address such as")


def test_a_scheduler_has_its_own_workers(run: Run, folders: list[object]) -> None:
    code, _, err = run("enhance", *folders, "--workers", 2, "--scheduler", "tcp://127.0.0.1:1")
    assert code == 2
    assert "leave one of them out" in plain(err)


def test_files_without_pseudo_labels_are_no_failure(
    run: Run, folders: list[object], tmp_path: Path
) -> None:
    for number in range(13):
        save_image(tmp_path / "images" / f"x{number}.png", random_labels())
    code, _, err = run("enhance", *folders)
    assert code == 0
    assert "13 samples: no pseudo-labels, so not used: x0, x1, x2, x3, x4 and 8 more" in err


def test_overwrite_makes_labels_anew(run: Run, folders: list[object], tmp_path: Path) -> None:
    run("enhance", *folders)
    code, out, err = run("enhance", *folders, "--t1", 0.1)
    assert (code, out) == (1, "2 samples: 2 not replaced (other settings)\n")
    assert "2 samples: made with other settings (t1 0.5; now 0.1)" in err
    code, out, _ = run("enhance", *folders, "--t1", 0.1, "--overwrite")
    assert (code, out) == (0, "2 samples: 2 saved\n")


def test_a_stop_resumes_only_where_something_is_saved(
    run: Run, folders: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_sepl.workflow.enhance.enhance_sample", stopped)
    code, out, err = run("enhance", *folders)
    assert (code, out) == (130, "2 samples: nothing done\n")
    assert err.splitlines()[-1] == "Stopped."


def test_ctrl_c_sums_up_and_says_how_to_go_on(
    run: Run, folders: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = workflow.enhance_sample

    def stopped_at_b(sample: Sample, *others: object) -> tuple[Path, bool]:
        if sample.sample_id == "b":
            raise KeyboardInterrupt
        return plain(sample, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(workflow, "enhance_sample", stopped_at_b)
    code, out, err = run("enhance", *folders)
    assert (code, out) == (130, "2 samples: 1 saved\n")
    assert "the same command resumes" in err


def test_an_unfit_folder_is_one_line_and_no_traceback(
    run: Run, folders: list[object], tmp_path: Path
) -> None:
    code, out, err = run("enhance", *folders, "--masks", tmp_path / "gone")
    assert (code, out) == (2, "")
    assert_says(err, f"--masks: no such file or folder: {tmp_path / 'gone'}")
    code, _, err = run("enhance", *folders, "--classes", "vocc")
    assert code == 2
    assert_says(err, "--classes: found the name 'vocc'; expected voc, coco, coco-official")


def test_folders_without_samples_are_an_error(run: Run, tmp_path: Path) -> None:
    words: list[object] = []
    for role in ("images", "pseudo", "masks", "out"):
        (tmp_path / role).mkdir()
        words += [f"--{role}", tmp_path / role]
    code, out, err = run("enhance", *words)
    assert (code, out) == (1, "")
    assert says(err, "napari-sepl: ", tmp_path / "pseudo", "found no pseudo-labels", "expected")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--t1", "1.5"], "--t1"),
        (["--t1", "nan"], "--t1"),
        (["--t2", "-0.1"], "--t2"),
        (["--t2", "much"], "--t2"),
        (["--strategy", "oak"], "--strategy"),
        (["--conflict", "none"], "--conflict"),
        (["--depth", "3"], "--depth"),
    ],
)
def test_wrong_usage_is_exit_code_two(
    run: Run, folders: list[object], tmp_path: Path, options: list[str], told: str
) -> None:
    code, _, err = run("enhance", *folders, *options)
    assert code == 2
    assert told in err
    assert not (tmp_path / "out").exists()


def test_a_missing_option_is_wrong_usage(run: Run) -> None:
    code, _, err = run("enhance")
    assert code == 2
    assert "--images" in err


def test_help_tells_the_settings_as_params_describe_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # narrower, one column's words stand among another's
    code, out, _ = run("enhance", "--help")
    words = " ".join(out.replace("│", " ").split())  # without the frame and the line breaks
    assert code == 0
    for name, field in Params.model_fields.items():
        assert f"--{name} " in words
        default = "" if field.default is None else f" [default: {field.default}]"
        assert f"{field.description}{default}" in words
    assert words.replace(".0", "").count("0<=x<=1") == 2


def test_info_tells_how_a_file_was_made(run: Run, folders: list[object], tmp_path: Path) -> None:
    run("enhance", *folders, "--t1", 0.25)
    code, out, err = run("info", tmp_path / "out" / "a.png")
    assert (code, err) == (0, "")
    lines = [line.split(maxsplit=1) for line in out.replace(" sha256", "_sha256").splitlines()]
    shares = [text.split(" % ") for name, text in lines if name == "pixels" and " % " in text]
    told = {name: text for name, text in lines if name != "pixels"}
    provenance = read_provenance(tmp_path / "out" / "a.png")
    assert provenance is not None
    assert told.pop("taken").startswith("for      labels of napari-sepl (PNG")
    assert told.pop("size").startswith(f"{SHAPE[0]} × {SHAPE[1]}")
    assert told.pop("labels")
    assert told.pop("made") == f"by        napari-sepl {__version__}"
    assert told == {
        "sample": "a", "t1": "0.25", "t2": "0.85", "strategy": "paper", "conflict": "highest-id",
        "classes": "voc", "edited": "no",
    } | {f"{role}_sha256": digest for role, digest in provenance.digests.items()}  # fmt: skip
    assert len(shares) == len(provenance.sources) > 1
    assert sum(float(share) for share, _ in shares) == pytest.approx(100, abs=0.05)
    by_o_s = {name: float(share) for share, name in shares}["masks by o_s"]
    pixels = sum(provenance.sources.values())
    assert by_o_s == pytest.approx(100 * provenance.sources["by_o_s"] / pixels, abs=0.01)


def test_version_and_bare_call(run: Run) -> None:
    assert run("--version") == (0, f"{__version__}\n", "")
    code, out, err = run()
    assert code in (0, 2)  # by click's version
    assert "enhance" in out + err


def test_the_command_line_starts_without_napari_and_qt() -> None:
    code = "import sys, napari_sepl.cli; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "napari_sepl" in loaded
    assert not {"napari", "qtpy", "PyQt6", "PySide6", "vispy", "torch"} & set(loaded)


def test_scores_are_enhanced_by_name_or_by_what_they_look_like(
    run: Run, folders: list[object], tmp_path: Path
) -> None:
    for stem in ("a", "b"):
        (tmp_path / "pseudo" / f"{stem}.png").unlink()
        save_cam_dict(tmp_path / "pseudo" / f"{stem}.npy", cams(shape=SHAPE), [3, 14])
    code, out, err = run("enhance", *folders)
    assert (code, out) == (0, "2 samples: 2 saved\n")
    assert "a.npy: taken for psa: CAM dictionary, classes counted from 0; by default" in err
    code, _, err = run("enhance", *folders, "--pseudo-format", "eps", "--background", 0.4)
    assert code == 1
    assert "made with other settings" in err
    code, out, err = run(
        "enhance", *folders, "--pseudo-format", "eps", "--background", 0.4, "--overwrite"
    )
    assert (code, out) == (0, "2 samples: 2 saved\n")
    code, out, _ = run("info", tmp_path / "out" / "a.png")
    assert "eps: CAM dictionary" in out
    assert "background     0.4" in out
    code, _, err = run("enhance", *folders, "--pseudo-format", "pza")
    assert code == 2
    assert_says(err, "--pseudo-format: found 'pza'", "mctformer")
    code, _, err = run("enhance", *folders, "--pseudo-format", "labels", "--overwrite")
    assert code == 1
    assert "pickled objects are refused" in err
