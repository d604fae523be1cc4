"""Two runs into one folder at once, as real processes; and what kill -9 leaves of one."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from napari_sepl import Params
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import write_dataset
from napari_sepl.files.lock import RUN_LOCK
from napari_sepl.workflow.enhance import enhance_folder
from tests.files.making import random_masks, save_image
from tests.messages import says
from tests.program import Run
from tests.waiting import wait_until
from tests.workflow.sweeping import IDS, write_samples

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it has no kill -9")

STOPS_BEFORE = """
import sys, time
from pathlib import Path

name, renamed = sys.argv.pop(1), Path.replace

def replace(self, target):
    if Path(target).name == name:
        print("here", flush=True)
        time.sleep(600)
    return renamed(self, target)

Path.replace = replace
from napari_sepl.cli import main
main()
"""
"""The program, which halts when a file of a certain name is whole and about to get its name."""

COMMANDS = {
    "enhance": ("b.png", "--images images --pseudo pseudo --masks masks --out"),
    "masks": ("b.json", "--images images --model regions --masks"),
    "convert-masks": ("b.json", "--masks arrays --to"),
    "export": ("instances_train.json", "d.toml --format coco --to"),
    "export --image-files copy": ("b.png", "d.toml --format voc --to"),
}


@contextmanager
def halted(program: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program and wait until it halts; kill it after the block, however that ends."""
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert b"here\n" in iter(process.stdout.readline, b"")
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("napari-sepl-export")
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_run_is_refused_and_one_after_a_kill_ends_right(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "d.toml", write_samples(tmp_path))
    (tmp_path / "arrays").mkdir()
    for sample_id in IDS:
        np.save(tmp_path / "arrays" / f"{sample_id}.npy", random_masks())
    if command.startswith("export"):
        assert run("enhance", "d.toml")[0] == 0
    halts_before, given = COMMANDS[command]
    words = [*command.split(), *given.split()]
    program = [sys.executable, "-c", STOPS_BEFORE, halts_before, *words, "to"]
    with halted(program) as first:
        code, _, err = run(*words, "to")
        assert code == 1
        lines = [line for line in err.splitlines() if "another run writes here: to (" in line]
        assert len(lines) == 1
        assert f"process {first.pid}, since" in lines[0]
    assert list(Path("to").rglob("*.part"))
    assert Path("to", RUN_LOCK).exists()
    assert run(*words, "to")[0] == 0
    assert not [*Path("to").rglob("*.part"), *Path("to").rglob(RUN_LOCK)]
    assert run(*words, "whole")[0] == 0
    assert content(Path("to")) == content(Path("whole"))


@pytest.mark.long
@pytest.mark.parametrize(("command", "name"), [("sweep", "t-classes.csv"), ("report", "t.html")])
def test_a_table_after_a_kill(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "d.toml", write_samples(tmp_path))
    target = "new/t.html" if command == "report" else "new/t.csv"
    words = [command, "d.toml", "--to" if command == "report" else "--table", target]
    program = [sys.executable, "-c", STOPS_BEFORE, name, *words]
    with halted(program):
        pass
    assert list(Path("new").rglob("*.part"))
    if Path(target).exists():  # the first of two tables is saved already
        assert run(*words)[0] == 1
        words.append("--overwrite")
    assert run(*words)[0] == 0
    assert not list(Path("new").rglob("*.part"))


def begin_masks(root: Path) -> subprocess.Popen[str]:
    """Start to make masks with two workers, in a process group; return when there are some."""
    (root / "images").mkdir()
    rng = np.random.default_rng(0)
    first = save_image(root / "images" / "0.png", rng.integers(0, 255, (120, 160, 3), np.uint8))
    for number in range(1, 400):
        shutil.copy(first, root / "images" / f"{number}.png")
    words = ["masks", "--images", "images", "--model", "regions", "--masks", "to", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_sepl", *words],
        cwd=root, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_until(lambda: len(list(root.glob("to/*.json"))) > 5)
    return process


def check_stopped(process: subprocess.Popen[str], root: Path) -> str:
    """Return what a program printed that was stopped."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("Stopped.") == 1
    assert "Traceback" not in err
    assert "leaked" not in err
    json_files = list(root.glob("to/*.json"))
    assert 0 < len(json_files) < 400
    return out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_tells_all_that_was_saved(tmp_path: Path, number: signal.Signals) -> None:
    process = begin_masks(tmp_path)
    process.send_signal(number)
    out = check_stopped(process, tmp_path)
    saved = {path.stem for path in tmp_path.glob("to/*.json")} & set(map(str, range(400)))
    assert says(out, f": {len(saved)} saved")
    assert not [*tmp_path.rglob("*.part"), *tmp_path.rglob(RUN_LOCK)]


DELAYS = [0.0, 0.1]
MORE_DELAYS = [pytest.param(n / 50, marks=pytest.mark.long) for n in range(20)]


@pytest.mark.parametrize("delay", [*DELAYS, *MORE_DELAYS])
def test_a_second_ctrl_c_ends_a_run_at_once(tmp_path: Path, delay: float) -> None:
    process = begin_masks(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    check_stopped(process, tmp_path)


TWENTY = [str(number) for number in range(20)]
STOPPABLE = {
    "enhance": "d.toml --overwrite",
    "enhance --workers": "2 d.toml --overwrite",
    "evaluate": "d.toml --labels pseudo --table t.csv --overwrite",
    "diagnose": "d.toml --table d.csv --overwrite",
    "convert-masks": "--masks arrays --to",
    "export": "d.toml --format voc --to",
}
ANY_MOMENT = 3.0  # seconds, in which all of these commands are over


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("twenty")
    spec = write_samples(root, TWENTY)
    write_dataset(root / "d.toml", spec)
    list(enhance_folder(SampleIndex.open(spec), Params()))
    (root / "arrays").mkdir()
    for sample_id in TWENTY:
        np.save(root / "arrays" / f"{sample_id}.npy", random_masks())
    return root


def listens(process: subprocess.Popen[str]) -> bool:
    """Tell whether a program does anything of its own on SIGTERM, or is over."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1) or process.poll() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="it asks /proc for the handlers")
@pytest.mark.parametrize("command", STOPPABLE)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 20))]
)
def test_a_signal_at_any_moment_stops_or_comes_too_late(
    twenty: Path, tmp_path: Path, command: str, seed: int
) -> None:
    words = [*command.split(), *STOPPABLE[command].split()]
    if words[-1] == "--to":
        words.append(str(tmp_path / "to"))
    rng = np.random.default_rng([seed, len(words), len(command)])
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_sepl", *words],
        cwd=twenty, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_until(lambda: listens(process))
    time.sleep(rng.uniform(0, ANY_MOMENT))
    process.send_signal([signal.SIGINT, signal.SIGTERM][rng.integers(2)])
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130), out + err
    assert err.count("Stopped") == (process.returncode == 130), out + err
    assert not any(word in err for word in ("Traceback", "ignored", "leaked", "unexpected")), err
