"""What the folder of a training holds: of what training it is, its log, its checkpoint."""

import io
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl import __version__
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import DAMAGE, parse_json, read_bytes
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.differences import describe_differences
from napari_sepl.proposals.weights import read_torch
from napari_sepl.training.learner import Learner

RECORD, CHECKPOINT, LOG, WEIGHTS = "training.json", "checkpoint.pt", "log.jsonl", "weights.pt"
PREDICTIONS = "predictions"

_OF_WHAT = "what the training in this folder is of; remove the folder to start again"


def check_folder(out: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder that holds another training, or files of another program.

    Raises
    ------
    InputError
        If the record is not valid.
    SaveError
        If a training with other settings is there: it says which ones differ.
    """
    record = out / RECORD
    if not record.exists():
        there = [name for name in (CHECKPOINT, LOG, WEIGHTS, PREDICTIONS) if (out / name).exists()]
        if there:
            raise SaveError(
                f"holds files of an unknown training: {out} ({', '.join(there)} without {RECORD}); "
                "name another folder."
            )
        return
    try:
        known = parse_json(read_bytes(record, _OF_WHAT), record, _OF_WHAT)["settings"]
        text = describe_differences(known, settings)
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(record, found="a damaged file", expected=_OF_WHAT) from error
    if text:
        raise SaveError(
            f"holds a training with other settings: {out}: {text}; name another folder."
        )


def write_record(out: Path, settings: dict[str, Any]) -> None:
    """Write down what a training is of, unless that is there already.

    Raises
    ------
    SaveError
        If the file cannot be written.
    """
    if not (out / RECORD).exists():
        text = json.dumps({"version": __version__, "settings": settings}, indent=1)
        write_whole(out / RECORD, text.encode())


ITERATION = "iteration"
MEAN_IOU = "mean_iou"


class TrainingLog:
    """The lines of a log, on the disk as soon as they are added.

    Parameters
    ----------
    path : Path
        The file; it need not be there.
    iteration : int
        Where the training continues: what was logged later will be logged again, and is dropped.

    Raises
    ------
    InputError
        If a line but the last, which a crash may have cut off, is not valid.
    SaveError
        If the file cannot be written.
    """

    def __init__(self, path: Path, iteration: int) -> None:
        self._path = path
        known = _read(path) if path.exists() else []
        self._lines = [line for line in known if line[ITERATION] <= iteration]
        if path.exists():
            text = "".join(f"{json.dumps(line)}\n" for line in self._lines)
            write_whole(path, text.encode())

    def add(self, line: dict[str, Any]) -> None:
        """Append a line of names and values of JSON, an "iteration" among them."""
        self._lines.append(line)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(line)}\n")
        except OSError as error:
            raise SaveError(
                f"could not be written: {self._path} ({error.strerror or error})."
            ) from error

    def evaluation(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """Return the last line with a mean IoU that says all of `wanted`; None if there is none."""
        return next(
            (
                line
                for line in reversed(self._lines)
                if MEAN_IOU in line and wanted.items() <= line.items()
            ),
            None,
        )


def _read(path: Path) -> list[dict[str, Any]]:
    lines = read_bytes(path, "a log of a training").split(b"\n")
    whole, _cut_off = lines[:-1], lines[-1]
    found = []
    for number, line in enumerate(whole, start=1):
        try:
            entry = json.loads(line)
            int(entry[ITERATION])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                path,
                found=f"a line {number} that is no JSON object with an iteration",
                expected="the log as it was written; move it away to begin another",
            ) from error
        found.append(entry)
    return found


FORMAT = 1
_STATE = "a checkpoint of this training; remove it to start again"


@dataclass(frozen=True, eq=False)
class TrainingState:
    """How far a training has come, beside what its network has learnt.

    Parameters
    ----------
    iteration : int
        Batches learnt from.
    losses : list of float
        Losses since the last line of the log.
    """

    iteration: int
    losses: list[float]


def write_checkpoint(path: Path, learner: Learner, state: TrainingState) -> None:
    """Write the state of a training and of all random numbers, whole or not at all.

    Raises
    ------
    SaveError
        If the file cannot be written; an older one is untouched.
    """
    content = {
        "format": FORMAT,
        "iteration": state.iteration,
        "losses": state.losses,
        "network": learner.module.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "scaler": learner.scaler.state_dict(),
        "random": _random_states(learner.device),
    }
    _save(path, content)


def read_checkpoint(path: Path, learner: Learner) -> TrainingState:
    """Give a learner and the random numbers the state that a file holds.

    Raises
    ------
    InputError
        If the file is damaged, no checkpoint, or of another network.
    """
    state = read_torch(path, _STATE)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise InputError(path, found="another kind of file", expected=_STATE)
    try:
        learner.module.load_state_dict(state["network"])
        learner.optimizer.load_state_dict(state["optimizer"])
        learner.scaler.load_state_dict(state["scaler"])
        _restore_random(state["random"], learner.device)
        return TrainingState(int(state["iteration"]), [float(loss) for loss in state["losses"]])
    except (*DAMAGE, AssertionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            path, found=f"a state that does not fit ({reason})", expected=_STATE
        ) from error


def write_weights(path: Path, module: Any) -> None:
    """Write the weights of a network alone, as ``state_dict()`` names them.

    Raises as `write_checkpoint`.
    """
    _save(path, {name: value.cpu() for name, value in module.state_dict().items()})


def _save(path: Path, state: dict[str, Any]) -> None:
    import torch

    content = io.BytesIO()
    torch.save(state, content)
    write_whole(path, content.getvalue())


def _random_states(device: str) -> dict[str, Any]:
    """Return where all random numbers are; our own come from seeds, other libraries' may not."""
    import torch

    name, key, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  not ours: a library's
    states: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [name, torch.from_numpy(np.asarray(key).astype(np.int64)), *rest],
        "python": list(random.getstate()),
    }
    if device.startswith("cuda"):
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _restore_random(states: dict[str, Any], device: str) -> None:
    """Set what `_random_states` returned; a device's only if the state is of such a one."""
    import torch

    torch.set_rng_state(states["torch"])
    name, key, *rest = states["numpy"]
    np.random.set_state((name, key.numpy().astype(np.uint32), *rest))  # noqa: NPY002  as above
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    if device.startswith("cuda") and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])


def seed_all(seed: int) -> None:
    """Seed all random number generators."""
    import torch

    torch.manual_seed(seed)  # of all devices
    np.random.seed(seed)  # noqa: NPY002  not ours: a library's
    random.seed(seed)
