"""Weights are read as tensors only, and other files are refused in one line."""

import pickle
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.proposals.maker import MissingPackageError, ProposalError
from napari_sepl.proposals.models import find_model
from napari_sepl.proposals.weights import (
    CACHE,
    Checkpoint,
    LoadedSam,
    cache_folder,
    find_checkpoint,
    load_sam,
)
from tests.files.making import refused
from tests.proposals.tiny_sam import TINY, WIDER, build, need_sam, save_tiny

need_sam()

EXPECTED = "the weights of the tiny SAM as torch saves them"


class Harmful:
    """A pickle that would write a file where it is loaded without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def holds_same(one: LoadedSam, other: LoadedSam) -> bool:
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    return list(ours) == list(theirs) and all(ours[name].equal(theirs[name]) for name in ours)


def test_what_was_saved_is_loaded(checkpoint: Checkpoint, tmp_path: Path) -> None:
    sam = load_sam(checkpoint, "cpu")
    assert (sam.device, sam.sha256, sam.model) == ("cpu", checkpoint.sha256, TINY)
    assert not sam.network.training
    again = load_sam(save_tiny(tmp_path / "again.pth", seed=2), "cpu")
    assert holds_same(again, sam)
    other = load_sam(save_tiny(tmp_path / "other.pth", seed=3), "cpu")
    assert not holds_same(other, sam)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"<html>" * 100])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with refused(path, "found a file that torch does not read as weights", EXPECTED):
        load_sam(find_checkpoint(TINY, path), "cpu")


@pytest.mark.parametrize("content", [b"\x80\x020.", b"\x80\x02h\x00.", b"\x80\x02q\x00."])
def test_a_damaged_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    """Of which torch's own reader says no more than that a list is empty or an index missing."""
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with refused(path, "found a file that torch does not read as weights", EXPECTED):
        load_sam(find_checkpoint(TINY, path), "cpu")


def test_weights_that_memory_does_not_hold_are_not_reported_as_damaged(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_words: Any, **_options: Any) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("torch.load", full)
    with pytest.raises(ProposalError, match=r"does not fit into memory: .*tiny\.pth"):
        load_sam(checkpoint, "cpu")


def test_a_cut_off_checkpoint_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    whole = checkpoint.path.read_bytes()
    for length in (100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with refused(path, "found damaged or cut-off content", EXPECTED):
            load_sam(find_checkpoint(TINY, path), "cpu")
    path.write_bytes(b"PK\x03\x04 cut off")
    with refused(path, "found damaged or cut-off content", EXPECTED):
        load_sam(find_checkpoint(TINY, path), "cpu")


def test_one_flipped_bit_of_the_weights_is_found(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """By torch it is read as another number."""
    content = bytearray(checkpoint.path.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with refused(path, "the checksum of", "is wrong"):
        load_sam(find_checkpoint(TINY, path), "cpu")


def test_crafted_weights_are_refused_in_one_line(checkpoint: Checkpoint, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "weights.pth"
    weights = torch.load(checkpoint.path, weights_only=True)
    name, value = next(iter(weights.items()))
    for other in (value.to("meta"), value.to_sparse(), value.to(torch.complex64)):
        torch.save({**weights, name: other}, path)
        with refused(path):
            load_sam(find_checkpoint(TINY, path), "cpu")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\0\0\0\0\x7f\x85R.")
    with refused(path, "bytearray"):
        load_sam(find_checkpoint(TINY, path), "cpu")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(2**24))
    with refused(path, "parts larger than the file"):
        load_sam(find_checkpoint(TINY, path), "cpu")


def test_nothing_in_the_file_is_run(tmp_path: Path) -> None:
    import torch

    path, trace = tmp_path / "weights.pth", tmp_path / "trace"
    torch.save({"weight": Harmful(trace)}, path)
    with refused(path, "found a file that torch does not read as weights", EXPECTED):
        load_sam(find_checkpoint(TINY, path), "cpu")
    path.write_bytes(pickle.dumps(Harmful(trace), protocol=2))
    with refused(path, "found a file that torch does not read as weights"):
        load_sam(find_checkpoint(TINY, path), "cpu")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [([1, 2], "a list"), ({}, "a dict"), ({"a": 1}, "a dict"), (OrderedDict(), "a OrderedDict")],
)
def test_something_else_that_torch_saved_is_refused(
    tmp_path: Path, content: Any, found: str
) -> None:
    import torch

    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with refused(path, f"found {found}", EXPECTED):
        load_sam(find_checkpoint(TINY, path), "cpu")


def test_weights_of_another_architecture_are_refused_by_name(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    with refused(checkpoint.path, "of shape", "expected the weights of the wider SAM"):
        load_sam(replace(checkpoint, model=WIDER), "cpu")
    import torch

    path = tmp_path / "weights.pth"
    weights = build().state_dict()
    weights["image_encoder.pos_embed"] = torch.zeros(1, 64, 64, 768)
    torch.save(weights, path)
    with refused(path, "found weights of SAM ViT-B:", "expected the weights of the tiny SAM"):
        load_sam(find_checkpoint(TINY, path), "cpu")
    weights = build().state_dict()
    weights["spare"] = weights.pop("mask_decoder.iou_token.weight")
    torch.save(weights, path)
    with refused(path, "without mask_decoder.iou_token.weight and with spare, unknown to it"):
        load_sam(find_checkpoint(TINY, path), "cpu")


def test_the_published_models_are_upstreams() -> None:
    """Widths and names by which other architectures are told apart."""
    import torch

    with torch.device("meta"):
        for name, width in (("vit_b", 768), ("vit_l", 1024), ("vit_h", 1280)):
            network = find_model(name).build()
            assert network.state_dict()["image_encoder.pos_embed"].shape[-1] == width


def test_a_missing_package_is_reported_with_what_to_install(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = replace(TINY, package="mobile_sam_that_is_not_there")
    with pytest.raises(MissingPackageError, match="needs mobile_sam_that_is_not_there") as caught:
        load_sam(replace(checkpoint, model=model), "cpu")
    assert "pip install 'napari-sepl[sam]'" in str(caught.value)


def test_the_cache_can_be_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CACHE, raising=False)
    assert "napari-sepl" in str(cache_folder())
    monkeypatch.setenv(CACHE, str(tmp_path))
    assert cache_folder() == tmp_path
