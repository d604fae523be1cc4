"""Weights of models: downloaded once or a user's own, and read as tensors alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files.digests import digest_file
from napari_sepl.proposals.device import (
    choose_device,
    describe_device,
    full_memory_as,
    is_out_of_memory,
)
from napari_sepl.proposals.download import Downloader, OnBytes
from napari_sepl.proposals.maker import DownloadError, ProposalError
from napari_sepl.proposals.models import MODELS, SamModel

CACHE = "NAPARI_SEPL_CACHE"
"""The environment variable that names another cache folder."""

_WIDTH_OF = "image_encoder.pos_embed"  # its last length depends on the architecture
_WIDTHS = {768: "vit_b", 1024: "vit_l", 1280: "vit_h"}


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights and its model; small, to be sent to another process.

    Parameters
    ----------
    model : SamModel
        The model.
    path : Path
        The file of weights.
    sha256 : str
        Its digest.
    """

    model: SamModel
    path: Path
    sha256: str


@dataclass(frozen=True, eq=False)
class LoadedSam:
    """A loaded model.

    Parameters
    ----------
    model : SamModel
        The model.
    network : torch.nn.Module
        Its network with weights, in evaluation mode and on the device.
    device : str
        The device.
    sha256 : str
        Digest of its weights, which identifies its embeddings.
    """

    model: SamModel
    network: Any
    device: str
    sha256: str

    @property
    def about(self) -> str:
        """The model and its device, for people."""
        return f"{self.model.title} on {describe_device(self.device)}"

    def embed(self, predictor: Any, image: NDArray[np.uint8]) -> None:
        """Set the image, (H, W, 3) uint8, of segment-anything's predictor.

        Raises
        ------
        ProposalError
            If the device's memory does not hold it.
        """
        message = (
            f"The memory of {self.device} does not hold an image in {self.model.title}: "
            "choose a smaller model or the device cpu."
        )
        with full_memory_as(ProposalError, message):
            predictor.set_image(image)

    def decode(
        self, predictor: Any, points: Any = None, boxes: Any = None, masks: Any = None
    ) -> tuple[Any, Any]:
        """Return SAM's logits (P, 3, h, w) and ratings (P, 3) for prompts on the predictor's image.

        The prompts are tensors as ``network.prompt_encoder`` takes them.
        """
        sparse, dense = self.network.prompt_encoder(points=points, boxes=boxes, masks=masks)
        small, ratings = self.network.mask_decoder(
            image_embeddings=predictor.features,
            image_pe=self.network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        return small, ratings


def cache_folder() -> Path:
    """Return the cache folder."""
    return Path(os.environ.get(CACHE) or user_cache_path("napari-sepl"))


def fetch_checkpoint(
    model: SamModel,
    folder: Path | None = None,
    on_progress: OnBytes | None = None,
    downloader: Downloader | None = None,
) -> Checkpoint:
    """Return the published weights of a model, downloaded if they are missing or incomplete.

    The next call resumes an incomplete download. Only a file with the published digest gets the
    name.

    Parameters
    ----------
    model : SamModel
        The model.
    folder : Path, optional
        Their folder; "checkpoints" in `cache_folder` if left out.
    on_progress : callable, optional
        Called with the downloaded bytes and the total.
    downloader : Downloader, optional
        The downloader, if not the default one.

    Raises
    ------
    DownloadError
        If they cannot be downloaded or have another digest; it names the address and the place
        for a download by other means.
    SaveError
        If the folder cannot be written to.
    """
    if not model.url:
        raise InputError(model.title, found="no published weights", expected="a file of your own")
    folder = folder or cache_folder() / "checkpoints"
    path = folder / model.file_name
    by_hand = f"Fetch {model.url} by other means and put it at {path}, or name it as checkpoint."
    try:
        if not path.exists() or digest_file(path) != model.sha256:
            folder.mkdir(parents=True, exist_ok=True)
            fetch = (downloader or Downloader()).fetch
            fetch(model.url, path, model.size, model.sha256, on_progress)
    except DownloadError as error:
        raise DownloadError(f"{error} {by_hand}") from error
    except OSError as error:
        raise SaveError(f"could not be saved: {path} ({error.strerror or error}).") from error
    return Checkpoint(model, path, model.sha256)


def find_checkpoint(
    model: SamModel, own: Path | None, on_progress: OnBytes | None = None
) -> Checkpoint:
    """Return a user's own weights for a model or, without, the published ones.

    Raises InputError if there is no such file of the user's; else as `fetch_checkpoint`.
    """
    if own is None:
        return fetch_checkpoint(model, on_progress=on_progress)
    return Checkpoint(model, own, digest_file(own))


def load_sam(checkpoint: Checkpoint, device: str) -> LoadedSam:
    """Return a model with its weights on a device. Nothing in the file is run.

    Parameters
    ----------
    checkpoint : Checkpoint
        The weights.
    device : str
        As `choose_device` takes it.

    Raises
    ------
    MissingPackageError
        If torch, torchvision or the model's package is not installed.
    InputError
        If the file is no file of weights, or of another architecture, or there is no such device.
    ProposalError
        If the device's memory does not hold the model.
    """
    checkpoint.model.require()
    device = choose_device(device)
    title = checkpoint.model.title
    weights = read_weights(checkpoint.path, f"the weights of {title} as torch saves them")
    network = checkpoint.model.build()
    _check_fit(checkpoint, network.state_dict(), weights)
    network.load_state_dict(weights)
    message = (
        f"{title} does not fit into the memory of {device}: "
        "choose a smaller model or the device cpu."
    )
    with full_memory_as(ProposalError, message):
        network.eval().to(device)
    return LoadedSam(checkpoint.model, network, device, checkpoint.sha256)


def _check_fit(
    checkpoint: Checkpoint, wanted: Mapping[str, Any], weights: Mapping[str, Any]
) -> None:
    """Refuse weights of another architecture, and name it if it is known."""
    difference = misfit(wanted, weights)
    if not difference:
        return
    width = weights[_WIDTH_OF].shape[-1] if _WIDTH_OF in weights else 0
    if width in _WIDTHS and _WIDTHS[width] != checkpoint.model.architecture:
        found = f"weights of {MODELS[_WIDTHS[width]].title}"
    else:
        found = f"weights {difference}"
    raise InputError(
        checkpoint.path, found=found, expected=f"the weights of {checkpoint.model.title}"
    )


def read_weights(path: Path, expected: str) -> dict[str, Any]:
    """Read a file of named tensors; nothing in it is run.

    Parameters
    ----------
    path : Path
        A file as ``torch.save`` writes a state.
    expected : str
        The expected content, for the error.

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
    """Read tensors and plain containers as ``torch.save`` writes them; nothing is run.

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
                f"does not fit into memory: {path}; choose a smaller model."
            ) from error
        # Damaged files make torch raise nearly anything: IndexError, AssertionError and more.
        line = (str(error) or type(error).__name__).splitlines()[0][:120]
        found = f"a file that torch does not read as weights ({line})"
        raise InputError(path, found=found, expected=expected) from error


def misfit(wanted: Mapping[str, Any], weights: Mapping[str, Any]) -> str:
    """Return how weights differ from those of a network, in words; empty if they fit.

    Parameters
    ----------
    wanted, weights : mapping of str to torch.Tensor
        By name. Only names and shapes are compared.
    """
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    missing = [name for name in wanted if name not in shapes]
    spare = [name for name in shapes if name not in wanted]
    other = [name for name in wanted if shapes.get(name, wanted[name].shape) != wanted[name].shape]
    differences = [f"without {missing[0]}"] if missing else []
    differences += [f"with {spare[0]}, unknown to it"] if spare else []
    differences += [f"with {other[0]} of shape {shapes[other[0]]}"] if other else []
    return " and ".join(differences)
