"""Standard output that goes away, or cannot be written."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.progress import Progress

from napari_sepl.cli._console import TIME, choose_output, complain, progress, say
from napari_sepl.cli.train import COLUMNS
from napari_sepl.core.errors import InputError
from napari_sepl.files.dataset.specification import write_dataset
from napari_sepl.files.lock import sole_writer
from tests.messages import says
from tests.program import Run
from tests.workflow.checkpointing import write_labelled_samples

FULL = Path("/dev/full")
NEEDS_FULL = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
MEASURING = pytest.mark.parametrize("command", ["evaluate", "sweep", "diagnose"])
ENDED_READER = """
import os, sys
reading, writing = os.pipe()
os.close(reading)
os.dup2(writing, 1)
sys.argv[0] = "napari-sepl"
from napari_sepl.cli import main
main()
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "set.toml", write_labelled_samples(tmp_path / "set"))
    return tmp_path / "set.toml"


def without_reader(*words: object) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-c", ENDED_READER, *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stderr


def on_full_disk(*words: object) -> tuple[int, str]:
    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "napari_sepl", *map(str, words)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return ended.returncode, ended.stderr


@MEASURING
def test_a_reader_that_goes_away_costs_nothing(toml: Path, command: str) -> None:
    tables = toml.parent / "tables"
    code, err = without_reader(command, toml, "--table", tables / "t.csv", "--quiet", "--json")
    assert (code, err) == (0, "")
    assert (tables / "t.csv").exists()
    assert not [path.name for path in tables.iterdir() if path.name.startswith(".")]


def test_the_exit_code_is_that_of_the_work(toml: Path) -> None:
    (toml.parent / "set" / "masks" / "b.json").write_text("[")
    code, err = without_reader("sweep", toml, "--steps", 2)
    assert code == 1
    assert says(err, "b.json", "found")
    assert "Traceback" not in err


@NEEDS_FULL
@MEASURING
def test_a_full_disk_is_one_line_and_the_table_is_saved(toml: Path, command: str) -> None:
    table = toml.parent / "t.csv"
    told = "standard output cannot be written: No space left on device\n"
    assert on_full_disk(command, toml, "--table", table, "--json", "--quiet") == (1, told)
    assert table.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="its shell closes no output")
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&-"])
@pytest.mark.parametrize("words", ["evaluate set.toml --json", "enhance set.toml --out new", "-h"])
def test_a_closed_output_changes_nothing_else(toml: Path, closed: str, words: str) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m napari_sepl {words} {closed}"],
        cwd=toml.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    assert (ended.stdout == "") == ("1>" in closed)


@NEEDS_FULL
@pytest.mark.parametrize("words", [("--help",), ("--version",), ("enhance", "-h")])
def test_a_full_disk_is_one_line_of_helps_too(words: tuple[str, ...]) -> None:
    told = "standard output cannot be written: No space left on device\n"
    assert on_full_disk(*words) == (1, told)


@MEASURING
def test_json_stands_in_place_of_all_other_results(run: Run, toml: Path, command: str) -> None:
    code, out, err = run(command, toml, "--json", "--table", toml.parent / "t.csv")
    assert code == 0
    assert json.loads(out)["counted"] == 4
    assert "%" not in err
    assert "counted" not in err


def test_as_many_images_are_listed_as_json(run: Run, toml: Path) -> None:
    listed = run("diagnose", toml, "--worst", 1)[1].splitlines()
    found = json.loads(run("diagnose", toml, "--worst", 1, "--json")[1])
    assert [one["sample_id"] for one in found["images"]] == [listed[-1].split()[2]]
    assert found["counted"] == 4


def test_a_finished_bar_shows_the_time_it_took() -> None:
    times = iter((0.0, *([65.0] * 9)))
    with Progress(TIME, get_time=lambda: next(times), disable=True) as bar:
        task = bar.add_task("x", total=1)
        bar.update(task, completed=1)
        assert TIME.render(bar.tasks[0]).plain == "0:01:05"


@MEASURING
def test_a_refusal_leaves_no_bar(run: Run, toml: Path, command: str) -> None:
    table = toml.parent / "t.csv"
    with sole_writer(table, "another"):
        code, out, err = run(command, toml, "--table", table)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("napari-sepl: ")


def test_a_bar_stays_where_work_was_done_before_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for start, done in ((3, 3), (3, 4)):
        with suppress(InputError), progress(*COLUMNS) as bar:
            task = bar.add_task("work", total=9, completed=start)
            bar.update(task, completed=done)
            raise InputError("x", found="y", expected="z")
        assert bool(capsys.readouterr().err.strip()) == (done > start)


def test_what_is_printed_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    choose_output(quiet=False, json=False)
    say("a\x1b[31mb\n\tc\x9b\u202e")
    complain("d\re\x07\nf")
    printed = capsys.readouterr()
    assert printed.out == "a\\x1b[31mb\n\tc\\x9b\\u202e\n"
    assert printed.err == "d\\re\\x07 f\n"
