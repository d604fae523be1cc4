"""The models that generate masks, SAM's settings, and presets of both."""

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.errors import InputError
from napari_sepl.proposals.maker import MissingPackageError

REGIONS = "regions"
"""The name of regions of similar colour, which need no weights and no torch."""

_SAM = "segment_anything"
_NEEDED = ("torch", "torchvision", _SAM)
_ADDRESS = "https://dl.fbaipublicfiles.com/segment_anything/"


@dataclass(frozen=True)
class SamModel:
    """A model for segment-anything's predictor, and its published weights.

    Parameters
    ----------
    name : str
        Its name for options.
    title : str
        Its name in texts.
    package : str
        The package that builds it: ``sam_model_registry[architecture]()`` of the package returns
        the model with random weights.
    architecture : str
        Its name in the package.
    url : str
        The address of the weights; empty if there are none to download.
    size : int
        Bytes of the weights.
    sha256 : str
        Digest of the weights.
    """

    name: str
    title: str
    package: str
    architecture: str
    url: str = ""
    size: int = 0
    sha256: str = ""

    @property
    def file_name(self) -> str:
        """The name of the file of weights."""
        return self.url.rpartition("/")[2]

    @property
    def is_installed(self) -> bool:
        """Whether all packages of this model are installed."""
        return not self._missing()

    def require(self) -> None:
        """Raise MissingPackageError, with the packages to install, if one is missing."""
        missing = self._missing()
        if not missing:
            return
        install = "pip install 'napari-sepl[sam]'"
        if self.package in missing and self.package != _SAM:
            install += f", and the package {self.package} by its authors' instructions"
        raise MissingPackageError(
            f"{self.title} needs {', '.join(missing)}, not installed here: {install}. "
            f"Without it, the model {REGIONS!r} makes simpler masks."
        )

    def build(self) -> Any:
        """Return the model (a torch Module) with random weights, or raise MissingPackageError."""
        self.require()
        builders = importlib.import_module(self.package).sam_model_registry
        return builders[self.architecture]()

    def _missing(self) -> list[str]:
        return [name for name in dict.fromkeys((*_NEEDED, self.package)) if not _is_there(name)]


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the part before the dot of a dotted name is missing
        return False


# Sizes and digests of the published files; the digits in their names are of another digest.
MODELS = {
    model.name: model
    for model in (
        SamModel(
            "vit_h", "SAM ViT-H", _SAM, "vit_h", f"{_ADDRESS}sam_vit_h_4b8939.pth", 2_564_550_879,
            "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        ),
        SamModel(
            "vit_l", "SAM ViT-L", _SAM, "vit_l", f"{_ADDRESS}sam_vit_l_0b3195.pth", 1_249_524_607,
            "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        ),
        SamModel(
            "vit_b", "SAM ViT-B", _SAM, "vit_b", f"{_ADDRESS}sam_vit_b_01ec64.pth", 375_042_383,
            "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        ),
        SamModel(
            "mobile_sam", "MobileSAM", "mobile_sam", "vit_t",
            "https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",
            40_728_226, "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
        ),
    )
}  # fmt: skip
"""The SAM models by name; add any model that segment-anything's predictor supports."""


def model_names() -> list[str]:
    """Return the names of all models, installed or not, regions last."""
    return [*MODELS, REGIONS]


def find_model(name: str) -> SamModel:
    """Return the SAM model of a name, or raise InputError with all names."""
    if name not in MODELS:
        raise InputError("model", found=repr(name), expected=f"one of {', '.join(model_names())}")
    return MODELS[name]


class SamSettings(BaseModel):
    """All settings of segment-anything's ``SamAutomaticMaskGenerator``, under its names; frozen.

    The defaults are the SEPL paper's. Shares are 0-1, areas are in pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_per_side: int = Field(
        32, ge=1, le=512, title="points a side", description="Points of the grid along each side."
    )
    points_per_batch: int = Field(
        64, ge=1, le=4096, title="points a batch",
        description="Points computed at once; fewer need less memory.",
    )  # fmt: skip
    pred_iou_thresh: float = Field(
        0.86, ge=0, le=1, title="predicted IoU",
        description="Keep masks that SAM rates higher than this.",
    )  # fmt: skip
    stability_score_thresh: float = Field(
        0.92, ge=0, le=1, title="stability",
        description="Keep masks whose border moves this little when its cutoff does.",
    )  # fmt: skip
    stability_score_offset: float = Field(
        1.0, ge=0, title="stability offset",
        description="How far the cutoff is moved, in SAM's logits.",
    )  # fmt: skip
    box_nms_thresh: float = Field(
        0.7, ge=0, le=1, title="duplicates",
        description="If boxes of masks overlap (IoU) more than this, keep the best-rated mask.",
    )  # fmt: skip
    crop_n_layers: int = Field(
        0, ge=0, le=4, title="crop layers",
        description="Run SAM on crops of the image too: layer n cuts each side in 2^n.",
    )  # fmt: skip
    crop_nms_thresh: float = Field(
        0.7, ge=0, le=1, title="duplicates of crops",
        description="The same between masks of different crops; the smaller crop wins.",
    )  # fmt: skip
    crop_overlap_ratio: float = Field(
        512 / 1500, ge=0, lt=1, title="crop overlap",
        description="Share of the shorter side by which the first layer's crops overlap.",
    )  # fmt: skip
    crop_n_points_downscale_factor: int = Field(
        1, ge=1, le=16, title="fewer points in crops",
        description="Points a side are divided by this, once more in each layer.",
    )  # fmt: skip
    min_mask_region_area: int = Field(
        0, ge=0, title="smallest region",
        description="Fill holes and remove regions of a mask smaller than this, in pixels.",
    )  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """A model and settings that go together.

    Parameters
    ----------
    model : str
        The name of the model.
    settings : SamSettings
        Its settings.
    about : str
        Its purpose, in a few words.
    """

    model: str
    settings: SamSettings
    about: str


PRESETS = MappingProxyType({
    "paper": Preset("vit_h", SamSettings(), "as the SEPL paper made its masks"),
    "fast": Preset(
        "vit_b", SamSettings(points_per_side=16), "a look at what SAM does: a quarter of the points"
    ),
    "fine": Preset(
        "vit_h",
        SamSettings(crop_n_layers=1, crop_n_points_downscale_factor=2, min_mask_region_area=100),
        "small things too: looks at four crops more, and tidies the masks",
    ),
    "official": Preset(
        "vit_h", SamSettings(pred_iou_thresh=0.88, stability_score_thresh=0.95),
        "the generator's own defaults",
    ),
})  # fmt: skip
"""The presets by name, the paper's first."""


def find_preset(name: str) -> Preset:
    """Return the preset of a name, or raise InputError with all names."""
    if name not in PRESETS:
        raise InputError("preset", found=repr(name), expected=f"one of {', '.join(PRESETS)}")
    return PRESETS[name]
