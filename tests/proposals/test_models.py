"""The registry, the settings and the devices: what can be asked for."""

import inspect
import subprocess
import sys

import pytest
from pydantic import ValidationError

from napari_sepl.proposals import device as devices
from napari_sepl.proposals import models
from napari_sepl.proposals.device import choose_device, describe_device, is_out_of_memory
from napari_sepl.proposals.maker import MissingPackageError
from napari_sepl.proposals.models import (
    MODELS,
    PRESETS,
    SamModel,
    SamSettings,
    find_model,
    find_preset,
    model_names,
)
from tests.messages import raises_input_error
from tests.proposals.tiny_sam import need_sam


def test_the_published_weights() -> None:
    assert list(MODELS) == ["vit_h", "vit_l", "vit_b", "mobile_sam"]
    for name, model in MODELS.items():
        assert model.name == name
        assert model.url.startswith("https://")
        assert model.file_name in ("mobile_sam.pt", model.url.split("/")[-1])
        assert len(bytes.fromhex(model.sha256)) == 32
    assert len({model.sha256 for model in MODELS.values()}) == 4
    assert find_model("vit_b").file_name == "sam_vit_b_01ec64.pth"
    assert model_names() == [*MODELS, "regions"]
    with raises_input_error("model", found="'vit_x'", expected="one of vit_h, vit_l"):
        find_model("vit_x")


def test_without_the_packages_the_error_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _name: None)
    assert not find_model("vit_h").is_installed
    with pytest.raises(MissingPackageError) as caught:
        find_model("vit_h").build()
    assert str(caught.value).startswith(
        "SAM ViT-H needs torch, torchvision, segment_anything, not installed here: "
        "pip install 'napari-sepl[sam]'. Without it, the model 'regions'"
    )
    with pytest.raises(MissingPackageError, match="and the package mobile_sam by its authors'"):
        find_model("mobile_sam").require()
    dotted = SamModel("x", "X", "nowhere.at.all", "x")
    monkeypatch.undo()
    assert not dotted.is_installed


def test_the_room_is_imported_without_torch() -> None:
    code = (
        "import sys, pkgutil, importlib, napari_sepl.proposals as room\n"
        "for module in pkgutil.iter_modules(room.__path__, room.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "napari_sepl.proposals.sam" in loaded
    assert not {"torch", "torchvision", "segment_anything", "skimage", "requests"} & set(loaded)


def test_the_papers_preset_and_the_others() -> None:
    paper = find_preset("paper")
    assert (paper.model, paper.settings) == ("vit_h", SamSettings())
    assert (paper.settings.pred_iou_thresh, paper.settings.stability_score_thresh) == (0.86, 0.92)
    assert paper.settings.points_per_side == 32
    assert list(PRESETS) == ["paper", "fast", "fine", "official"]
    for preset in PRESETS.values():
        assert preset.model in MODELS
    with raises_input_error("preset", found="'papr'", expected="one of paper, fast"):
        find_preset("papr")


@pytest.mark.parametrize(
    "settings",
    [{"points_per_side": 0}, {"pred_iou_thresh": 1.1}, {"crop_overlap_ratio": 1}, {"depth": 3}],
)
def test_settings_out_of_bounds_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SamSettings.model_validate(settings)


def test_the_settings_are_all_that_upstream_has_and_its_defaults() -> None:
    need_sam()
    from segment_anything import SamAutomaticMaskGenerator

    theirs = dict(inspect.signature(SamAutomaticMaskGenerator.__init__).parameters)
    for name in ("self", "model", "point_grids", "output_mode"):
        theirs.pop(name)
    official = find_preset("official").settings.model_dump()
    assert official == {name: parameter.default for name, parameter in theirs.items()}


def test_the_fastest_device_is_chosen_and_others_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    need_sam()
    assert choose_device("cpu") == "cpu"
    assert describe_device("cpu").startswith("cpu (")
    monkeypatch.setattr(devices, "available_devices", lambda: ["cuda", "cuda:0", "mps", "cpu"])
    assert choose_device() == "cuda"
    assert choose_device("cuda:0") == "cuda:0"
    assert choose_device("mps") == "mps"
    with raises_input_error(found="no cuda:7 on this computer", expected="one of cuda, cuda"):
        choose_device("cuda:7")
    with raises_input_error(found="'gpu'", expected="auto, cuda, cuda:N, mps or cpu"):
        choose_device("gpu")


def test_apple_gpus_are_given_no_float64() -> None:
    need_sam()
    import torch

    assert devices.float_type("mps") == torch.float32
    assert devices.float_type("cpu") == devices.float_type("cuda") == torch.float64


def test_full_memory_is_distinguished_from_other_errors() -> None:
    need_sam()
    import torch

    for error in (
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 18.11 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
    devices.free_memory("cpu")
