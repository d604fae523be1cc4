"""What holds for all commands alike."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from napari_sepl.cli.app import COMMANDS, make_app
from napari_sepl.files.dataset.specification import (
    DatasetSpec,
)
from tests.messages import assert_says, plain, says
from tests.program import Run

ON_DATASETS = (
    "open", "init", "enhance", "masks", "convert-masks", "evaluate", "sweep", "diagnose", "report",
    "export", "train", "status",
)  # fmt: skip
GROUP: Any = typer.main.get_command(make_app())
ALL = pytest.mark.parametrize("name", COMMANDS)


def options(name: str) -> dict[str, Any]:
    """Return the options of a command by their names on the command line."""
    parameters = GROUP.commands[name].params
    shown = [one for one in parameters if one.opts[0].startswith("-") and not one.hidden]
    return {max(one.opts, key=len): one for one in shown}


def dataset_options() -> Iterator[tuple[str, str]]:
    for name, field in DatasetSpec.model_fields.items():
        yield f"--{(field.alias or name).replace('_', '-')}", field.description or ""


def test_every_command_is_there() -> None:
    assert set(GROUP.commands) == set(COMMANDS)
    assert set(ON_DATASETS) <= set(COMMANDS)


@pytest.mark.parametrize(("option", "about"), list(dataset_options()))
def test_a_key_of_the_dataset_is_the_same_option_everywhere(option: str, about: str) -> None:
    found = [options(name)[option] for name in ON_DATASETS if option in options(name)]
    assert found
    assert all(one.help.startswith(about) for one in found)
    assert {one.default for one in found} == {None}


@pytest.mark.parametrize("name", ON_DATASETS)
def test_every_command_on_datasets_takes_them_in_the_same_forms(name: str) -> None:
    arguments = [one for one in GROUP.commands[name].params if not one.opts[0].startswith("-")]
    assert [one.metavar for one in arguments] == ["DATASET"]
    assert {"--layout", "--root", "--split"} <= options(name).keys()


@ALL
def test_the_example_in_the_help_is_a_command_that_works(name: str) -> None:
    example = GROUP.commands[name].epilog.removeprefix("Example: ")
    program, command, *words = shlex.split(example)
    assert (program, command) == ("napari-sepl", name)
    assert GROUP.commands[name].make_context(command, words).params


@ALL
def test_h_shows_the_help_with_the_example(run: Run, name: str) -> None:
    code, short, _ = run(name, "-h")
    assert code == 0
    assert run(name, "--help") == (0, short, "")
    assert_says(short, GROUP.commands[name].epilog)


@ALL
def test_an_unknown_option_is_wrong_usage(run: Run, name: str) -> None:
    code, _, err = run(name, "--depth", "3")
    assert code == 2
    assert_says(err, "--depth")


@pytest.mark.parametrize("name", ON_DATASETS)
def test_without_a_dataset_the_forms_are_named(run: Run, name: str, tmp_path: Path) -> None:
    if name == "train":
        pytest.importorskip("torch")
    words = ("--to", tmp_path / "to.toml") if name in ("export", "convert-masks", "train") else ()
    code, out, err = run(name, *words)
    assert (code, out) == (2, "")
    assert_says(
        err, "is missing. Name a dataset's TOML file, or a folder that contains one or a known"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ON_DATASETS)
def test_a_dataset_that_is_not_there_is_wrong_usage(run: Run, name: str, tmp_path: Path) -> None:
    if name == "train":
        pytest.importorskip("torch")
    words = ("--to", tmp_path / "to.toml") if name in ("export", "convert-masks", "train") else ()
    code, _, err = run(name, tmp_path / "gone.toml", *words)
    assert code == 2
    assert_says(err, f"no such file or folder: {tmp_path / 'gone.toml'}")


def test_out_table_and_to_mean_one_thing_each() -> None:
    for name in ("evaluate", "sweep", "diagnose"):
        assert "--table" in options(name)
        assert "--to" not in options(name)
    for name in ("export", "report", "convert-masks", "train", "init"):
        assert "--to" in options(name)
        assert "--table" not in options(name)


def test_one_option_lets_results_be_replaced() -> None:
    names = ("evaluate", "sweep", "diagnose", "report")
    assert len({options(name)["--overwrite"].help for name in names}) == 1
    for name in (*names, "enhance", "export"):
        assert options(name)["--overwrite"].default is False
        assert options(name)["--overwrite"].help.endswith("files of other programs.")
    for name in ("evaluate", "export", "train"):
        assert "--labels" in options(name)
    assert {options(name)["--out"].help for name in ON_DATASETS if "--out" in options(name)} == {
        DatasetSpec.model_fields["out"].description
    }


def test_json_and_quiet_are_offered() -> None:
    assert [name for name in COMMANDS if "--json" in options(name)] == [
        "sweep", "diagnose", "evaluate", "status", "info",
    ]  # fmt: skip
    assert all("--quiet" in options(name) for name in COMMANDS)


def test_completion_is_offered(run: Run) -> None:
    assert_says(run("--help")[1], "--install-completion", "--show-completion")


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    code, _, err = run("enhanced")
    assert code == 2
    assert "No such command" in plain(err)


@pytest.mark.parametrize("module", ["typer", "numpy", "napari_sepl.workflow.enhance"])
def test_ctrl_c_while_modules_are_imported_is_one_line(module: str) -> None:
    code = f"""
import sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Stop())
sys.argv = ["napari-sepl", "enhance", "--help"]
from napari_sepl.cli import main
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Stopped.\n")


def test_ctrl_c_outside_a_run_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_sepl.cli.info.describe", stopped)
    assert run("info", tmp_path) == (130, "", "Stopped.\n")


@pytest.mark.parametrize(
    "after",
    [
        "exec('signal.raise_signal(signal.SIGINT)')",
        "signal.raise_signal(signal.SIGTERM)",
        "swallow(signal.SIGINT); raise SystemError",
        "swallow(signal.SIGTERM); describe(path)",
    ],
)
def test_a_signal_is_the_stop_whatever_libraries_make_of_it(tmp_path: Path, after: str) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    code = f"""
import signal, sys
from napari_sepl.cli import info, main

describe = info.describe

def swallow(number):
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt:
        pass

def stopped(path):
    {after}

info.describe = stopped
sys.argv = ["napari-sepl", "info", {str(tmp_path / "a.png")!r}]
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Stopped.\n")


@pytest.mark.parametrize(("module", "code"), [("typer", 130), ("atexit", 0)])
def test_a_signal_before_the_work_ends_it_at_once_and_after_it_nothing(
    module: str, code: int
) -> None:
    words = f"""
import atexit, signal, sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError

sys.meta_path.insert(0, Stop())
sys.argv = ["napari-sepl", "--version"]
from napari_sepl.cli import main
try:
    main()
finally:
    if {module!r} == "atexit":
        signal.raise_signal(signal.SIGINT)
"""
    ended = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (code, "Stopped.\n" * (code == 130))


@pytest.mark.parametrize("name", ON_DATASETS)
def test_masks_in_the_output_folder_are_told_where_there_is_one(run: Run, name: str) -> None:
    offered = options(name)
    told = "masks/ in --out" in plain(run(name, "--help")[1])
    assert told == ("--masks" in offered and "--out" in offered)


@ALL
def test_the_help_shows_flags_without_a_value(run: Run, name: str) -> None:
    for option in options(name).values():
        assert not (getattr(option, "is_flag", False) and option.metavar != "")
    assert "[[" not in plain(run(name, "--help")[1])


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_may_be_repeated_says_so(name: str) -> None:
    for option in options(name).values():
        assert option.multiple == ("may be repeated" in option.help)


@pytest.mark.parametrize("name", ON_DATASETS)
def test_an_option_that_names_nothing_is_wrong_usage(run: Run, name: str, tmp_path: Path) -> None:
    if name == "train":
        pytest.importorskip("torch")
    (tmp_path / "there").mkdir()
    made = {"--out", *(("--masks",) if name == "masks" else ())}
    folders = {"--images", "--pseudo", "--masks", "--ground-truth", "--labels"} & set(options(name))
    to = ("--to", tmp_path / "to") if name in ("export", "convert-masks", "train") else ()
    for option in folders - made:
        words = [word for one in folders - {option} for word in (one, tmp_path / "there")]
        if "--out" in options(name):
            words += ["--out", tmp_path / "out"]
        code, out, err = run(name, *words, option, tmp_path / "gone", *to)
        assert (code, out) == (2, "")
        assert_says(err, f"{option}: no such file or folder: {tmp_path / 'gone'}")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_file_without_what_it_names_is_bad_data(run: Run, tmp_path: Path) -> None:
    toml = tmp_path / "set.toml"
    toml.write_text('images = "i"\npseudo = "p"\nmasks = "m"\nout = "o"\n')
    code, _, err = run("enhance", toml)
    assert code == 1
    assert says(err, tmp_path / "i", "found no such file or folder")
    toml.write_text('images = "i"\npseudo = "p"\nmasks = "m"\nout = "o"\nclasses = "c.toml"\n')
    code, _, err = run("enhance", toml)
    assert code == 1
    assert says(err, tmp_path / "c.toml", "found no such file or folder")
    code, _, err = run("info", tmp_path / "gone.png")
    assert code == 2
    assert_says(err, f"PATH: no such file or folder: {tmp_path / 'gone.png'}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("enhance", "--t1", "nan"), "'--t1': expected a number from 0 to 1"),
        (("enhance", "--t1", "a"), "'--t1': expected a number from 0 to 1"),
        (("enhance", "--workers", "0"), "'--workers': expected a number from 1 to 64"),
        (("diagnose", "--worst", "-1"), "'--worst': expected a number of at least 0"),
        (("enhance", "--strategy", "best"), "'best' is not one of"),
        (("export", "--to", "x", "--folder", "a/b"), "found 'a/b'; expected the name of a folder"),
        (
            ("export", "--to", "x", "--val", "1"),
            "--val: found 1.0; expected a number from 0 to below 1",
        ),
    ],
)
def test_values_out_of_bounds_are_told_in_plain_words(
    run: Run, words: tuple[str, ...], told: str
) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert_says(err, told)
    assert "Value error" not in err
