"""Checkpoints: all that a training needs to go on as if it had never stopped."""

import io
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_sepl.core.errors import InputError
from napari_sepl.files.atomic import write_whole
from napari_sepl.proposals.weights import read_torch
from napari_sepl.training.learner import Learner

FORMAT = 1
_EXPECTED = "a checkpoint of this training; remove it to begin anew"


@dataclass(frozen=True, eq=False)
class Progress:
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


def write_checkpoint(path: Path, learner: Learner, progress: Progress) -> None:
    """Write the state of a training and of all random numbers, whole or not at all.

    Raises
    ------
    SaveError
        If the file cannot be written; an older one is untouched.
    """
    state = {
        "format": FORMAT,
        "iteration": progress.iteration,
        "losses": progress.losses,
        "network": learner.module.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "scaler": learner.scaler.state_dict(),
        "random": _random_states(learner.device),
    }
    _save(path, state)


def read_checkpoint(path: Path, learner: Learner) -> Progress:
    """Give a learner and the random numbers the state that a file holds.

    Raises
    ------
    InputError
        If the file is damaged, no checkpoint, or of another network.
    """
    _check_whole(path)
    state = read_torch(path, _EXPECTED)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise InputError(path, found="another kind of file", expected=_EXPECTED)
    try:
        learner.module.load_state_dict(state["network"])
        learner.optimizer.load_state_dict(state["optimizer"])
        learner.scaler.load_state_dict(state["scaler"])
        _restore_random(state["random"], learner.device)
        return Progress(int(state["iteration"]), [float(loss) for loss in state["losses"]])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        told = " ".join(str(error).split())[:120]
        raise InputError(
            path, found=f"a state that does not fit ({told})", expected=_EXPECTED
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


def _check_whole(path: Path) -> None:
    """Refuse a file with a wrong checksum: torch would load it without a word."""
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
    except OSError as error:
        raise InputError(path, found=error.strerror or str(error), expected=_EXPECTED) from error
    except zipfile.BadZipFile as error:
        found = f"a damaged or cut-off file ({error})"
        raise InputError(path, found=found, expected=_EXPECTED) from error
    if wrong is not None:
        found = f"a damaged file (the checksum of {wrong} is wrong)"
        raise InputError(path, found=found, expected=_EXPECTED)


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
    """Set what `_random_states` told; a device's only if the state is of such a one."""
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
    """Begin all random numbers anew."""
    import torch

    torch.manual_seed(seed)  # of all devices
    np.random.seed(seed)  # noqa: NPY002  not ours: a library's
    random.seed(seed)
