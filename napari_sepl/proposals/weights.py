"""Files of weights, read as tensors and nothing else, and whether they fit a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.proposals.device import is_out_of_memory
from napari_sepl.proposals.errors import ProposalError


def read_weights(path: Path, expected: str) -> dict[str, Any]:
    """Read a file of named tensors; nothing in it is run.

    Parameters
    ----------
    path : Path
        A file as ``torch.save`` writes a state.
    expected : str
        What it should be, for the error.

    Returns
    -------
    dict of str to torch.Tensor
        The tensors, in the memory of this computer.

    Raises
    ------
    InputError
        If it is no such file.
    ProposalError
        If it does not fit into the memory.
    """
    import torch

    weights = read_torch(path, expected)
    named = isinstance(weights, Mapping) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in weights.items()
    )
    if not named or not weights:
        raise InputError(path, found=f"a {type(weights).__name__}", expected=expected)
    return dict(weights)


def read_torch(path: Path, expected: str) -> Any:
    """Read what ``torch.save`` wrote: tensors and plain containers; nothing in it is run.

    Raises as `read_weights`.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(path, found=error.strerror or str(error), expected=expected) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise ProposalError(
                f"{path}: does not fit into the memory of this computer: choose a smaller model."
            ) from error
        # Damaged files make torch raise nearly anything: IndexError, AssertionError and more.
        found = f"a file that torch does not read as weights ({_first_line(error)})"
        raise InputError(path, found=found, expected=expected) from error


def misfit(wanted: Mapping[str, Any], weights: Mapping[str, Any]) -> str:
    """Say how weights differ from those a network has; empty if they fit.

    Parameters
    ----------
    wanted, weights : mapping of str to torch.Tensor
        By name. Only names and shapes are compared.
    """
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    missing = [name for name in wanted if name not in shapes]
    spare = [name for name in shapes if name not in wanted]
    other = [name for name in wanted if shapes.get(name, wanted[name].shape) != wanted[name].shape]
    told = [f"without {missing[0]}"] if missing else []
    told += [f"with {spare[0]}, unknown to it"] if spare else []
    told += [f"with {other[0]} of shape {shapes[other[0]]}"] if other else []
    return " and ".join(told)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
