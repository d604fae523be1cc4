"""Weights of models: downloaded once or a user's own, and read as tensors alone."""

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import reading
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

_MOST_PICKLED = 2**24
"""Bytes at the start of a file in torch's older layout that hold its pickles."""

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
    expected = f"the weights of {title} as torch saves them"
    known = checkpoint.sha256 == checkpoint.model.sha256
    weights = read_weights(checkpoint.path, expected, is_whole=known)
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


def read_weights(path: Path, expected: str, *, is_whole: bool = False) -> dict[str, Any]:
    """Read a file of named tensors; nothing in it is run.

    Parameters
    ----------
    path : Path
        A file as ``torch.save`` writes a state.
    expected : str
        The expected content, for the error.
    is_whole : bool
        Whether the file's digest is known to be right, so that its checksums need no check.

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

    weights = read_torch(path, expected, is_whole=is_whole)
    named = isinstance(weights, Mapping) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in weights.items()
    )
    if not named or not weights:
        raise InputError(path, found=f"a {type(weights).__name__}", expected=expected)
    for name, value in weights.items():
        plain = value.layout is torch.strided and value.device.type == "cpu"
        if not plain or value.is_quantized or value.is_complex():
            found = f"{name[:80]} as a tensor of another kind"
            raise InputError(path, found=found, expected=f"{expected}: plain numbers")
    return dict(weights)


def read_torch(path: Path, expected: str, *, is_whole: bool = False) -> Any:
    """Read tensors and plain containers as ``torch.save`` writes them; nothing is run.

    The checksums of its archive are checked unless it `is_whole`, for torch does not.

    Raises as `read_weights`.
    """
    import torch

    if not is_whole:
        _check_archive(path, expected)
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


def _check_archive(path: Path, expected: str) -> None:
    """Refuse an archive with a wrong checksum, or larger in its parts than as a whole."""
    with reading(path, expected) as file:
        if file.read(2) != b"PK":  # torch's older layout, which has no checksums
            _check_pickle(path, file.read(_MOST_PICKLED), expected)
            return
        size = os.fstat(file.fileno()).st_size
        with zipfile.ZipFile(file) as archive:
            if sum(info.file_size for info in archive.infolist()) > size:
                raise InputError(path, found="parts larger than the file", expected=expected)
            wrong = archive.testzip()
            if wrong is not None:
                found = f"a damaged file (the checksum of {wrong[:80]} is wrong)"
                raise InputError(path, found=found, expected=expected)
            for name in archive.namelist():
                if name.endswith("data.pkl"):
                    _check_pickle(path, archive.read(name), expected)


def _check_pickle(path: Path, content: bytes, expected: str) -> None:
    """Refuse a pickle that builds bytes of any length out of nothing, which torch would do."""
    if b"bytearray" in content:
        raise InputError(path, found="a call of bytearray", expected=expected)


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
