"""Pulling the plug: SIGKILL at random moments, most of them in the middle of painting."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.labels.pixels import NO_OPINION
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.labels import read_labels
from napari_sepl.files.store import Status, Store, store_file
from tests.gui.victim import AT, BEAT, MARK

KILLS = int(os.environ.get("SEPL_KILLS", "100"))
"""How often to kill in the long test; 100 take a quarter of an hour."""

PROMISE = 0.5
"""Seconds, as the victim's clock counts them, after which what was finished must be on the disk."""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")


@pytest.fixture
def dataset(shared_data: Path, tmp_path: Path) -> Path:
    """Twenty-four images of PASCAL VOC."""
    voc = shared_data / "voc"
    ids = (voc / "train120.txt").read_text().split()[::5]
    (tmp_path / "list.txt").write_text("\n".join(ids))
    toml = tmp_path / "voc.toml"
    toml.write_text(
        f'images = "{voc}/JPEGImages"\npseudo = "{voc}/pseudo_transcam"\n'
        f'masks = "{voc}/masks_simulated"\nlist_file = "list.txt"\nout = "out"\n'
    )
    return toml


def annotations_by(victim: subprocess.Popen[str]) -> Iterator[list[str]]:
    """Yield the words of each line that the victim says, as it says them."""
    assert victim.stdout is not None
    for line in iter(victim.stdout.readline, ""):
        if line.startswith(MARK):
            yield line.split()[1:]


def run_and_kill(dataset: Path, seed: int) -> tuple[list[list[str]], float]:
    """Let a window work for a while and kill it; return what it said, and when it died."""
    command = [sys.executable, "-m", "tests.gui.victim", str(dataset), str(seed)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root
    ) as victim:
        assert any("ready" in words for words in annotations_by(victim)), "no window"
        chance = np.random.default_rng(seed)
        left = int(chance.integers(2, 13))  # things to be done before it dies
        told: list[list[str]] = []
        for words in annotations_by(victim):
            told.append(words)
            left -= words[1] not in (AT, BEAT)
            if not left:
                break
        time.sleep(chance.uniform(0, 0.5))  # into the next stroke, most often
        victim.send_signal(signal.SIGKILL)
        told += annotations_by(victim)
    died = float(told[-1][0])
    return [words for words in told if words[1] != BEAT], died


@pytest.mark.long
def test_nothing_finished_is_lost(dataset: Path) -> None:
    kill_again_and_again(dataset, dataset.parent / "out", KILLS)


@pytest.mark.long
def test_nothing_finished_on_one_image_is_lost(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path / "chelsea", tmp_path, KILLS * 3 // 10)


def kill_again_and_again(opened: Path, out: Path, kills: int) -> None:
    """Kill a window over and over; all that it said was done must be there each time."""
    strokes: dict[tuple[str, int, int], int] = {}
    accepted: dict[str, str] = {}
    for seed in range(kills):
        annotations, died = run_and_kill(opened, seed)
        at = [words[2] for words in annotations if words[1] == AT]
        annotations = [words for words in annotations if words[1] != AT]
        finished = [words[1:] for words in annotations if float(words[0]) < died - PROMISE]
        for kind, sample_id, *rest in finished:
            if kind == "stroke":
                row, col, label = map(int, rest)
                strokes[sample_id, row, col] = label
            elif kind == "accepted":
                accepted[sample_id] = rest[0]
            else:  # undone: which of its strokes are left is not known
                strokes = {at: label for at, label in strokes.items() if at[0] != sample_id}
                accepted.pop(sample_id, None)
        late = [words[2] for words in annotations if float(words[0]) >= died - PROMISE]
        check(out, strokes, accepted, {*late, *at[-1:]})
    assert strokes, "no stroke was finished in any run: nothing was tested"
    print(f"{kills} kills, {len(strokes)} strokes and {len(accepted)} accepted labels all there")


def check(
    out: Path,
    strokes: dict[tuple[str, int, int], int],
    accepted: dict[str, str],
    late: set[str],
) -> None:
    """Find every stroke in the store, and label files of the accepted samples alone.

    Later strokes may have painted over a place, and `late` samples may hold more than was said:
    from now on, what they hold counts as said.
    """
    with Store.open(store_file(out), who="test", write=False) as store:
        for (sample_id, row, col), label in list(strokes.items()):
            review = store.review(sample_id)
            overlay = None if review is None else review.overlay
            held = NO_OPINION if overlay is None else int(overlay[row, col])
            if sample_id in late:
                strokes[sample_id, row, col] = held
                if held == NO_OPINION:  # undone
                    del strokes[sample_id, row, col]
                continue
            assert held != NO_OPINION, (sample_id, row, col, label)
            covered = overlapped(strokes, (sample_id, row, col))
            assert held == label or covered, (sample_id, row, col, label, held)
        for sample_id, standing in store.statuses().items():
            review, path = store.review(sample_id), out / f"{sample_id}.png"
            assert review is not None, sample_id
            if sample_id in late:
                accepted.pop(sample_id, None)
                continue
            is_accepted = standing.status is Status.ACCEPTED
            assert path.exists() == is_accepted, (sample_id, standing.status)
            if is_accepted:
                digest = digest_labels(read_labels(path))
                assert digest == review.labels == accepted.get(sample_id, digest), sample_id


def overlapped(strokes: dict[tuple[str, int, int], int], place: tuple[str, int, int]) -> bool:
    """Tell whether another stroke on the same sample may have covered a place."""
    name, row, col = place
    return any(
        other != place and other[0] == name and abs(other[1] - row) < 8 and abs(other[2] - col) < 40
        for other in strokes
    )
