"""The weights that a backbone starts from: ImageNet's, a file's, or random ones."""

from pathlib import Path
from typing import Any

from napari_sepl.core.errors import InputError
from napari_sepl.files.digests import digest_file
from napari_sepl.proposals.weights import misfit, read_weights
from napari_sepl.training.errors import TrainingError
from napari_sepl.training.networks import Network

IMAGENET, NONE = "imagenet", "none"
"""What stands for torchvision's published weights, and for random ones."""

_COUNTER = "num_batches_tracked"  # which older files lack, and nothing computes with


def name_weights(asked: str) -> str:
    """Return what tells first weights from others: "imagenet", "none" or a file's SHA-256.

    Raises
    ------
    InputError
        If there is no such file.
    """
    return asked if asked in (IMAGENET, NONE) else digest_file(Path(asked))


def load_backbone(module: Any, network: Network, asked: str) -> None:
    """Give the backbone of a network its first weights.

    Parameters
    ----------
    module : torch.nn.Module
        The network, as `network` builds it; its backbone is changed.
    network : Network
        Which one.
    asked : str
        "imagenet", "none" to leave it as it is, or a file of weights: of a classifier, as
        torchvision names them, or of the backbone alone.

    Raises
    ------
    InputError
        If the file is no file of weights, or of another backbone.
    TrainingError
        If ImageNet's weights are not here and cannot be fetched.
    """
    if asked == NONE:
        return
    title = f"the weights of {network.backbone}"
    if asked == IMAGENET:
        weights = _fetch(network.backbone)
    else:
        weights = read_weights(Path(asked), f"{title} as torch saves them")
    wanted = module.backbone.state_dict()
    counters = {name: value for name, value in wanted.items() if name.endswith(_COUNTER)}
    weights = counters | _features(weights, network)
    told = misfit(wanted, weights)
    if told:
        raise InputError(asked, found=f"weights {told}", expected=title)
    module.backbone.load_state_dict(weights)


def _features(weights: dict[str, Any], network: Network) -> dict[str, Any]:
    """Leave out what a classifier does after its features."""
    named = {
        name.removeprefix(network.prefix): value
        for name, value in weights.items()
        if not name.startswith(("fc.", "classifier."))
    }
    return {name: value for name, value in named.items() if name}


def _fetch(backbone: str) -> dict[str, Any]:
    """Return torchvision's weights, from its own store on the disk or from the net."""
    import torch
    from torchvision.models import get_model_weights

    published = get_model_weights(backbone)["IMAGENET1K_V1"]
    try:
        weights: dict[str, Any] = published.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; RuntimeError: a wrong hash
        place = Path(torch.hub.get_dir()) / "checkpoints" / published.url.rpartition("/")[2]
        raise TrainingError(
            f"{published.url}: could not be fetched ({error}). Fetch it by other means and put it "
            f"at {place}, name another file as --backbone-weights FILE, or begin with random "
            "weights: --backbone-weights none."
        ) from error
    return weights
